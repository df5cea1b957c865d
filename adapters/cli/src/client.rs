//! Asks a gateway as an operator.

mod operator;
mod refusal;

use std::time::Duration;

use anyhow::{Context as _, Result};
use edge_ledger_agent::Gateway;
use edge_ledger_wire::operator::PAGE_MAX;
use reqwest::{Certificate, Method, Url, header, redirect};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::output::Progress;
pub(crate) use operator::{OperatorArgs, OperatorSettings, TOKEN, Token};
use refusal::{refused, unreachable};

/// Asks a gateway as an operator.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    base: Url,
    token: Token,
}

/// An answer, byte for byte.
#[derive(Debug, Serialize)]
pub(crate) struct Answer(Box<RawValue>);

/// How long to wait for a connection, and for the whole answer.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
const ANSWER_WITHIN: Duration = Duration::from_secs(60);
/// How long to wait for all of an answer that goes on as long as there is something to say.
const LONG_ANSWER_WITHIN: Duration = Duration::from_secs(24 * 60 * 60);
/// How often a gateway that is busy is asked again, and for how long at most.
const TRIES: u32 = 4;
const WAIT_MOST: Duration = Duration::from_secs(5);

impl Client {
    /// Prepares to ask a gateway, without asking it.
    pub(crate) fn new(gateway: &Gateway, ca_pem: Option<&[u8]>, token: Token) -> Result<Self> {
        let mut http = reqwest::Client::builder()
            .user_agent(concat!("edge-ledger/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_WITHIN)
            .timeout(ANSWER_WITHIN)
            // The token goes where it was told to go, and nowhere else.
            .redirect(redirect::Policy::none());
        if gateway.is_loopback() {
            http = http.no_proxy();
        }
        if let Some(pem) = ca_pem {
            http = http.tls_certs_only(Certificate::from_pem_bundle(pem)?);
        }
        let http = http.build().context("cannot prepare the HTTP client")?;
        Ok(Self { http, base: gateway.url().clone(), token })
    }

    /// Asks for something.
    pub(crate) async fn get(&self, path: &[&str], query: &[(&str, String)]) -> Result<Answer> {
        self.ask(Method::GET, path, query, None).await
    }

    /// Asks to do something. Asked again while the gateway is busy, it is done once.
    pub(crate) async fn post(&self, path: &[&str], body: &impl Serialize) -> Result<Answer> {
        let body = serde_json::to_vec(body)?;
        self.ask(Method::POST, path, &[], Some(body)).await
    }

    /// Asks to set something, as [`Client::post`] does.
    pub(crate) async fn put(&self, path: &[&str], body: &impl Serialize) -> Result<Answer> {
        let body = serde_json::to_vec(body)?;
        self.ask(Method::PUT, path, &[], Some(body)).await
    }

    /// Asks for a list, page by page, up to so many items.
    pub(crate) async fn list(
        &self,
        path: &[&str],
        query: &[(&str, String)],
        most: usize,
    ) -> Result<List> {
        let mut list = List { items: Vec::new(), next: None };
        let mut progress = Progress::new("items");
        loop {
            let wanted = (most - list.items.len()).min(PAGE_MAX);
            let mut query = query.to_vec();
            query.push(("limit", wanted.to_string()));
            query.extend(list.next.take().map(|after| ("after", after)));
            let page: List = self.get(path, &query).await?.read()?;
            progress.add(page.items.len() as u64);
            list.items.extend(page.items);
            list.next = page.next;
            if list.next.is_none() || list.items.len() >= most {
                return Ok(list);
            }
        }
    }

    /// Asks for something long, and hands over what comes of it as it comes.
    pub(crate) async fn stream(
        &self,
        path: &[&str],
        mut take: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        let request = self
            .http
            .get(self.url(path, &[]))
            .timeout(LONG_ANSWER_WITHIN)
            .header(header::AUTHORIZATION, self.token.bearer()?);
        let mut response = request.send().await.map_err(|error| unreachable(&self.base, error))?;
        let status = response.status();
        if !status.is_success() {
            let text = response.text().await.map_err(|error| unreachable(&self.base, error))?;
            return Err(refused(status, &text));
        }
        loop {
            // Once it has begun to answer, a gateway is there, whatever becomes of the answer.
            let chunk = response.chunk().await.context("the answer broke off")?;
            match chunk {
                Some(bytes) => take(&bytes)?,
                None => return Ok(()),
            }
        }
    }

    async fn ask(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, String)],
        body: Option<Vec<u8>>,
    ) -> Result<Answer> {
        let key = Uuid::now_v7().to_string();
        let url = self.url(path, query);
        let mut tries = 0;
        loop {
            tries += 1;
            let mut request = self
                .http
                .request(method.clone(), url.clone())
                .header(header::AUTHORIZATION, self.token.bearer()?);
            if let Some(body) = &body {
                request = request
                    .header(header::CONTENT_TYPE, "application/json")
                    .header("idempotency-key", &key)
                    .body(body.clone());
            }
            let response = request.send().await.map_err(|error| unreachable(&self.base, error))?;
            let status = response.status();
            let wait = retry_after(response.headers());
            let text = response.text().await.map_err(|error| unreachable(&self.base, error))?;
            match (status.is_success(), wait) {
                (true, _) => return Answer::of(text),
                (false, Some(wait)) if status.as_u16() == 503 && tries < TRIES => {
                    tokio::time::sleep(wait).await;
                }
                (false, _) => return Err(refused(status, &text)),
            }
        }
    }

    fn url(&self, path: &[&str], query: &[(&str, String)]) -> Url {
        let mut url = self.base.clone();
        url.path_segments_mut()
            .expect("an http address has a path")
            .pop_if_empty()
            .push("v1")
            .extend(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }
}

/// Items of a list, byte for byte.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct List {
    pub(crate) items: Vec<Box<RawValue>>,
    pub(crate) next: Option<String>,
}

impl List {
    /// Reads the items.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Result<Vec<T>> {
        self.items.iter().map(|item| read(item)).collect()
    }
}

impl Answer {
    fn of(text: String) -> Result<Self> {
        // An answer without a body says all there is to say.
        let text = if text.trim().is_empty() { "{}".to_owned() } else { text };
        RawValue::from_string(text).map(Self).context(UNREADABLE)
    }

    /// Reads the answer.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Result<T> {
        read(&self.0)
    }
}

fn read<T: DeserializeOwned>(json: &RawValue) -> Result<T> {
    serde_json::from_str(json.get()).context(UNREADABLE)
}

const UNREADABLE: &str = "the answer is not what a gateway of this version says: is it one, and of which version? (`GET \
     /version`)";

fn retry_after(headers: &header::HeaderMap) -> Option<Duration> {
    let seconds = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(WAIT_MOST))
}

/// Waits for what is asked.
pub(crate) fn wait<T>(asking: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.context("the runtime cannot start")?.block_on(asking)
}
