//! What requests and connections may not exceed.

use std::time::Duration;

use clap::Args;
use edge_ledger_http::{Limits, Listen};
use serde::Deserialize;

use crate::config::{Setting, Shown, Span};

/// What requests and connections may not exceed.
#[derive(Clone, Copy, Debug, Default, Args, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[command(next_help_heading = "Limits")]
pub(crate) struct LimitArgs {
    /// The most bytes of a body on most routes [default: 262144].
    #[arg(long = "limit-body", env = "EDGE_LEDGER_SERVE_LIMITS_BODY", value_name = "BYTES")]
    body: Option<usize>,
    /// The most bytes of a body that brings results or tasks [default: 4194304].
    #[arg(long = "limit-bulk", env = "EDGE_LEDGER_SERVE_LIMITS_BULK", value_name = "BYTES")]
    bulk: Option<usize>,
    /// How long a body may take to arrive [default: 30s].
    #[arg(long = "limit-body-within", env = "EDGE_LEDGER_SERVE_LIMITS_BODY_WITHIN")]
    #[arg(value_name = "TIME")]
    body_within: Option<Span>,
    /// The most connections at once [default: 10000].
    #[arg(long = "limit-connections", env = "EDGE_LEDGER_SERVE_LIMITS_CONNECTIONS")]
    #[arg(value_name = "COUNT")]
    connections: Option<usize>,
    /// How long the headers of a request may take to arrive, and a TLS handshake [default: 5s].
    #[arg(long = "limit-headers-within", env = "EDGE_LEDGER_SERVE_LIMITS_HEADERS_WITHIN")]
    #[arg(value_name = "TIME")]
    headers_within: Option<Span>,
    /// How long a connection may be idle [default: 75s].
    #[arg(long = "limit-idle-within", env = "EDGE_LEDGER_SERVE_LIMITS_IDLE_WITHIN")]
    #[arg(value_name = "TIME")]
    idle_within: Option<Span>,
    /// How long requests under way may take once the gateway is to stop [default: 30s].
    #[arg(long = "limit-finish-within", env = "EDGE_LEDGER_SERVE_LIMITS_FINISH_WITHIN")]
    #[arg(value_name = "TIME")]
    finish_within: Option<Span>,
}

/// What requests and connections may not exceed, settled.
#[derive(Debug)]
pub(crate) struct LimitSettings {
    body: Setting<usize>,
    bulk: Setting<usize>,
    body_within: Setting<Span>,
    connections: Setting<usize>,
    headers_within: Setting<Span>,
    idle_within: Setting<Span>,
    finish_within: Setting<Span>,
}

impl LimitArgs {
    /// Settles what requests and connections may not exceed.
    pub(crate) fn settle(self, file: Self) -> LimitSettings {
        let (limits, listen) = (Limits::default(), Listen::default());
        LimitSettings {
            body: count("serve.limits.body", self.body, file.body, limits.body),
            bulk: count("serve.limits.bulk", self.bulk, file.bulk, limits.bulk),
            body_within: span(
                "serve.limits.body-within",
                self.body_within,
                file.body_within,
                limits.body_within,
            ),
            connections: count(
                "serve.limits.connections",
                self.connections,
                file.connections,
                listen.connections,
            ),
            headers_within: span(
                "serve.limits.headers-within",
                self.headers_within,
                file.headers_within,
                listen.headers_within,
            ),
            idle_within: span(
                "serve.limits.idle-within",
                self.idle_within,
                file.idle_within,
                listen.idle_within,
            ),
            finish_within: span(
                "serve.limits.finish-within",
                self.finish_within,
                file.finish_within,
                listen.finish_within,
            ),
        }
    }
}

fn count(
    key: &'static str,
    given: Option<usize>,
    filed: Option<usize>,
    usual: usize,
) -> Setting<usize> {
    Setting::settle(key, given, filed, || usual)
}

fn span(
    key: &'static str,
    given: Option<Span>,
    filed: Option<Span>,
    usual: Duration,
) -> Setting<Span> {
    Setting::settle(key, given, filed, || Span(usual))
}

impl LimitSettings {
    /// Returns the limits of requests.
    pub(crate) fn limits(&self) -> Limits {
        Limits {
            body: self.body.value,
            bulk: self.bulk.value,
            body_within: self.body_within.value.0,
        }
    }

    /// Sets the limits of connections.
    pub(crate) fn limit(&self, listen: Listen) -> Listen {
        Listen {
            connections: self.connections.value,
            headers_within: self.headers_within.value.0,
            idle_within: self.idle_within.value.0,
            finish_within: self.finish_within.value.0,
            ..listen
        }
    }

    /// Lists the settings.
    pub(crate) fn shown(&self) -> Vec<Shown> {
        vec![
            self.body.shown(),
            self.bulk.shown(),
            self.body_within.shown(),
            self.connections.shown(),
            self.headers_within.shown(),
            self.idle_within.shown(),
            self.finish_within.shown(),
        ]
    }
}
