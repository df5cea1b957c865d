//! Where the gateway listens, and for how long.
use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use actix_web::{
    App, Error, HttpServer,
    body::MessageBody,
    dev::{Server, ServiceFactory, ServiceRequest, ServiceResponse},
    middleware::from_fn,
    web::Data,
};
use edge_ledger_core::JournalReader;
use rustls::{ServerConfig, crypto::aws_lc_rs};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};

use crate::{gateway::Gateway, requests, routes};

/// Where to listen, and what to put up with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    /// The address; port 0 is any that is free.
    pub address: SocketAddr,
    /// The certificate to show.
    pub tls: Option<TlsFiles>,
    /// Whether secrets may cross a network in the clear, because something in front of the gateway
    /// does TLS.
    pub insecure_http: bool,
    /// How many threads answer requests.
    pub workers: usize,
    /// The most connections there may be at once, in all.
    pub connections: usize,
    /// How long a connection may take to send the headers of a request, or to do its TLS handshake.
    pub headers_within: Duration,
    /// How long a connection may be idle.
    pub idle_within: Duration,
    /// How long requests in flight may take when the gateway stops.
    pub finish_within: Duration,
}

/// PEM files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate, followed by those that vouch for it.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

impl Default for Listen {
    /// Returns the loopback address and port 7411, and limits for a fleet of thousands.
    fn default() -> Self {
        Self {
            address: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 7411),
            tls: None,
            insecure_http: false,
            workers: 2,
            connections: 10_000,
            headers_within: Duration::from_secs(5),
            idle_within: Duration::from_secs(75),
            finish_within: Duration::from_secs(30),
        }
    }
}

impl Listen {
    /// Looks whether it can be listened like this, as far as that can be told without trying.
    ///
    /// # Errors
    ///
    /// Fails if the certificate or the key will not do, or if secrets would cross a network in the
    /// clear without anybody having allowed it.
    pub fn check(&self) -> Result<(), ListenError> {
        self.server_config().map(drop)
    }

    /// Returns what TLS is done with, if it is done here.
    fn server_config(&self) -> Result<Option<ServerConfig>, ListenError> {
        let tls = self.tls.as_ref().map(server_config).transpose()?;
        if tls.is_none() && !self.address.ip().is_loopback() && !self.insecure_http {
            return Err(ListenError::InTheClear(self.address));
        }
        Ok(tls)
    }
}

/// The gateway could not listen.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The address is open to others, and nothing would hide what they say.
    #[error(
        "{0} is not a loopback address: give a certificate and a key, or allow plain HTTP because \
         something in front does TLS"
    )]
    InTheClear(SocketAddr),
    /// A PEM file will not do.
    #[error("{} cannot be used", path.display())]
    Pem {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: rustls_pki_types::pem::Error,
    },
    /// Certificate and key do not make a server.
    #[error("the certificate and the key cannot be used")]
    Tls(#[from] rustls::Error),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Bind {
        /// Which.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
}

/// A gateway that has its address and waits to be run.
#[must_use = "it answers nobody until it is run"]
pub struct Listening {
    server: Server,
    address: SocketAddr,
    scheme: &'static str,
}

/// Returns all that a gateway answers, for whoever has a server of their own, or none at all: a
/// test, a simulated network.
///
/// The limits of [`Listen`] are the server's; those of a request's body are the gateway's own.
pub fn application<R: JournalReader>(
    gateway: Data<Gateway<R>>,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody>,
        Error = Error,
        InitError = (),
    >,
> {
    App::new()
        .wrap(from_fn(requests::around))
        .wrap(from_fn(requests::tell_time::<R>))
        .configure(move |app| routes::configure(app, gateway))
}

/// Takes an address for a gateway. When `stop` comes to its end, so does the gateway: it accepts
/// nothing more and finishes what is in flight.
///
/// # Errors
///
/// Fails if the address cannot be had, or if secrets would cross a network in the clear without
/// anybody having allowed it. Nothing listens then.
pub fn listen<R: JournalReader>(
    gateway: Gateway<R>,
    listen: &Listen,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<Listening, ListenError> {
    let tls = listen.server_config()?;
    let address = listen.address;
    let gateway = Data::new(gateway);
    let workers = listen.workers.max(1);
    let server = HttpServer::new(move || application(gateway.clone()))
        .workers(workers)
        .max_connections(listen.connections.div_ceil(workers))
        .client_request_timeout(listen.headers_within)
        .tls_handshake_timeout(listen.headers_within)
        .keep_alive(listen.idle_within)
        .shutdown_timeout(listen.finish_within.as_secs())
        .shutdown_signal(stop);
    let (scheme, bound) = match tls {
        Some(config) => ("https", server.bind_rustls_0_23(address, config)),
        None => ("http", server.bind(address)),
    };
    let server = bound.map_err(|source| ListenError::Bind { address, source })?;
    let address = server.addrs().first().copied().unwrap_or(address);
    Ok(Listening { server: server.run(), address, scheme })
}

impl Listening {
    /// Returns the address it has.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns where to reach it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    /// Answers requests until it is told to stop, and what was in flight then is finished.
    ///
    /// # Errors
    ///
    /// Fails if the operating system does.
    pub async fn run(self) -> io::Result<()> {
        self.server.await
    }
}

impl std::fmt::Debug for Listening {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Listening").field(&self.url()).finish()
    }
}

fn server_config(files: &TlsFiles) -> Result<ServerConfig, ListenError> {
    let unfit = |path: &PathBuf| {
        let path = path.clone();
        move |source| ListenError::Pem { path, source }
    };
    let chain = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(unfit(&files.certificate))?;
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(unfit(&files.key))?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    Ok(config)
}
