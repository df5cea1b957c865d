//! What an agent is told before it starts.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;

use crate::runtime::Runtime;
use crate::secret::Secret;

/// What an agent is told before it starts.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the gateway is.
    pub gateway: Gateway,
    /// What this edge is called, for people.
    pub name: String,
    /// What registers this edge, if it is not yet registered.
    pub enrollment: Option<TokenSource>,
    /// Where the edge keeps who it is. One agent, one directory.
    pub state_dir: PathBuf,
    /// What does the work.
    pub runtime: Arc<dyn Runtime>,
    /// How long to wait before asking for work again when there was none.
    pub poll_every: Duration,
    /// How long work may go on once the agent is asked to end.
    pub grace: Duration,
}

impl Config {
    /// How long to wait between two polls unless told otherwise.
    pub const POLL_EVERY: Duration = Duration::from_secs(15);
    /// How long work may go on at the end unless told otherwise.
    pub const GRACE: Duration = Duration::from_secs(30);
}

/// Where the gateway is, and what makes it trusted.
#[derive(Debug, Clone)]
pub struct Gateway {
    url: Url,
    ca_certificates: Option<PathBuf>,
}

impl Gateway {
    /// Parses the address of a gateway, such as `https://ledger.example:7411`.
    ///
    /// # Errors
    ///
    /// [`BadAddress`] if it is no address of an HTTP server, or if it would carry credentials in
    /// the clear over a network and `insecure_http` does not allow that.
    pub fn new(address: &str, insecure_http: bool) -> Result<Self, BadAddress> {
        let mut url: Url =
            address.parse().map_err(|_| BadAddress::NoUrl { address: address.to_owned() })?;
        match url.scheme() {
            "https" => {}
            "http" if insecure_http || is_loopback(&url) => {}
            "http" => return Err(BadAddress::InTheClear { address: url.to_string() }),
            _ => return Err(BadAddress::NoUrl { address: address.to_owned() }),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(BadAddress::WithCredentials);
        }
        url.set_query(None);
        url.set_fragment(None);
        let path = format!("{}/", url.path().trim_end_matches('/'));
        url.set_path(&path);
        Ok(Self { url, ca_certificates: None })
    }

    /// Trusts the certificates of this PEM file, and no others.
    #[must_use]
    pub fn trusting(mut self, ca_certificates: PathBuf) -> Self {
        self.ca_certificates = Some(ca_certificates);
        self
    }

    /// Returns the address, its path ending in a slash.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }

    pub(crate) fn ca_certificates(&self) -> Option<&PathBuf> {
        self.ca_certificates.as_ref()
    }

    /// Returns whether the gateway is on this very machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.url)
    }
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    match host.trim_matches(['[', ']']).parse::<IpAddr>() {
        Ok(address) => address.is_loopback(),
        Err(_) => host == "localhost" || host.ends_with(".localhost"),
    }
}

/// Why an address is none of a gateway.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadAddress {
    /// It is no `http` or `https` URL.
    #[error("`{address}` is no address of a gateway: expected something like https://host:7411")]
    NoUrl {
        /// The address.
        address: String,
    },
    /// Credentials would cross a network unencrypted.
    #[error(
        "{address} would carry credentials in the clear: use https, or allow it with \
         --insecure-http"
    )]
    InTheClear {
        /// The address.
        address: String,
    },
    /// The address holds a user name or a password.
    #[error("the gateway's address holds a user name or password: the edge has its own credential")]
    WithCredentials,
}

/// Where the enrollment token comes from.
#[derive(Debug, Clone)]
pub enum TokenSource {
    /// It was given.
    Given(Secret),
    /// It is in a file.
    File(PathBuf),
}

impl TokenSource {
    pub(crate) fn read(&self) -> std::io::Result<Secret> {
        match self {
            Self::Given(token) => Ok(token.clone()),
            Self::File(path) => std::fs::read_to_string(path).map(|text| Secret::new(&text)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_cross_a_network_only_encrypted_or_by_leave() {
        for (address, insecure, allowed) in [
            ("https://ledger.example", false, true),
            ("http://127.0.0.1:7411", false, true),
            ("http://[::1]:7411", false, true),
            ("http://localhost:7411", false, true),
            ("http://ledger.example", false, false),
            ("http://10.0.0.1:7411", false, false),
            ("http://localhost.example", false, false),
            ("http://10.0.0.1:7411", true, true),
            ("ftp://ledger.example", true, false),
            ("127.0.0.1:7411", true, false),
            ("https://user:word@ledger.example", true, false),
        ] {
            assert_eq!(Gateway::new(address, insecure).is_ok(), allowed, "{address}");
        }
    }

    #[test]
    fn an_address_keeps_its_path() {
        let url = |address| Gateway::new(address, false).unwrap().url().to_string();

        assert_eq!(url("https://ledger.example"), "https://ledger.example/");
        assert_eq!(url("https://ledger.example/edges?x=1"), "https://ledger.example/edges/");
    }

    #[test]
    fn a_token_file_may_end_in_a_new_line() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("token");
        std::fs::write(&path, "etr_live_abc\n").unwrap();

        let token = TokenSource::File(path).read().unwrap();

        assert_eq!(token.expose(), "etr_live_abc");
    }
}
