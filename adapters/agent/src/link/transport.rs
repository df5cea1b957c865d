//! Requests and answers over HTTP, and nothing of what they mean.

use std::io;
use std::time::{Duration, Instant};

use edge_ledger_core::Timestamp;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, DATE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Certificate, Client, Url, redirect};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::answer::{Trouble, retry_after};
use crate::config::Gateway;
use crate::lease::GatewayTime;
use crate::secret::Secret;

/// A way to the gateway.
#[derive(Debug, Clone)]
pub(crate) struct Transport {
    client: Client,
    base: Url,
}

/// A question to the gateway.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Question<'a, B> {
    /// The path below `/internal/edges`, in segments.
    pub(crate) path: &'a [&'a str],
    pub(crate) secret: &'a Secret,
    pub(crate) idempotency_key: Option<&'a str>,
    pub(crate) body: &'a B,
    /// How long to wait for the whole answer.
    pub(crate) within: Duration,
}

/// An answer of the gateway's.
#[derive(Debug)]
pub(crate) struct Answered<A> {
    pub(crate) answer: A,
    /// When the question left, on the edge's own clock.
    pub(crate) asked_at: Instant,
    /// What time it was there.
    pub(crate) time: GatewayTime,
}

/// The header that tells the ledger's own time, as an RFC 3339 time.
const LEDGER_TIME: &str = "ledger-time";
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// The longest answer read: a task with all of its prices.
const ANSWER_MOST: usize = 64 * 1024 * 1024;

impl Transport {
    /// Prepares the way to a gateway, without taking it.
    pub(crate) fn new(gateway: &Gateway) -> Result<Self, TransportError> {
        let mut client = Client::builder()
            .user_agent(concat!("edge-ledger-agent/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_WITHIN)
            // A credential goes where it was told to go, and nowhere else.
            .redirect(redirect::Policy::none());
        if gateway.is_loopback() {
            client = client.no_proxy();
        }
        if let Some(path) = gateway.ca_certificates() {
            let unreadable = |source| TransportError::Certificates { path: path.clone(), source };
            let pem = std::fs::read(path).map_err(unreadable)?;
            let roots = Certificate::from_pem_bundle(&pem)
                .map_err(|error| unreadable(io::Error::other(error)))?;
            client = client.tls_certs_only(roots);
        }
        let client = client.build().map_err(TransportError::Client)?;
        Ok(Self { client, base: gateway.url().clone() })
    }

    /// Asks once.
    pub(crate) async fn ask<B: Serialize, A: DeserializeOwned>(
        &self,
        question: Question<'_, B>,
    ) -> Result<Answered<A>, Trouble> {
        let body = serde_json::to_vec(question.body).expect("a message has a JSON form");
        let mut request = self
            .client
            .post(self.url(question.path))
            .timeout(question.within)
            .header(CONTENT_TYPE, "application/json")
            .header(AUTHORIZATION, bearer(question.secret)?)
            .body(body);
        if let Some(key) = question.idempotency_key {
            request = request.header("idempotency-key", key);
        }

        let asked_at = Instant::now();
        let response = request.send().await.map_err(Trouble::silence)?;
        let status = response.status();
        let after = retry_after(text(response.headers(), RETRY_AFTER.as_str()));
        let time = gateway_time(response.headers());
        let body = whole(response).await?;
        match Trouble::of(status, after, &body) {
            Some(trouble) => Err(trouble),
            None => serde_json::from_slice(&body)
                .map(|answer| Answered { answer, asked_at, time })
                .map_err(|error| Trouble::gibberish(&error, &body)),
        }
    }

    fn url(&self, path: &[&str]) -> Url {
        let mut url = self.base.clone();
        url.path_segments_mut()
            .expect("an http address has a path")
            .pop_if_empty()
            .extend(["internal", "edges"])
            .extend(path);
        url
    }
}

fn bearer(secret: &Secret) -> Result<HeaderValue, Trouble> {
    let mut header = HeaderValue::try_from(format!("Bearer {}", secret.expose()))
        .map_err(|_| Trouble::unsendable())?;
    header.set_sensitive(true);
    Ok(header)
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn gateway_time(headers: &HeaderMap) -> GatewayTime {
    let ledger = text(headers, LEDGER_TIME).and_then(|time| time.parse::<Timestamp>().ok());
    let wall = || chrono::DateTime::parse_from_rfc2822(text(headers, DATE.as_str())?).ok();
    match ledger {
        Some(time) => GatewayTime::Ledger(time.as_millis()),
        None => {
            wall().map_or(GatewayTime::Untold, |time| GatewayTime::Wall(time.timestamp_millis()))
        }
    }
}

async fn whole(mut response: reqwest::Response) -> Result<Vec<u8>, Trouble> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(Trouble::silence)? {
        body.extend_from_slice(&chunk);
        if body.len() > ANSWER_MOST {
            return Err(Trouble::endless(ANSWER_MOST));
        }
    }
    Ok(body)
}

/// Why there is no way to the gateway.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// The certificates to trust cannot be read.
    #[error("cannot read the certificates in {}", path.display())]
    Certificates {
        /// The file.
        path: std::path::PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The HTTP client cannot be built.
    #[error("cannot prepare the HTTP client")]
    Client(#[source] reqwest::Error),
}
