//! Where the gateway is, for everything that asks it.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, builder::BoolishValueParser};
use edge_ledger_agent::Gateway;

use super::{File, Setting, Shown};
use crate::exit::Failure;

/// Where the gateway is.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct GatewayArgs {
    /// Where the gateway is [default: http://127.0.0.1:7411].
    #[arg(long, global = true, env = "EDGE_LEDGER_URL")]
    #[arg(help_heading = "Gateway")]
    url: Option<String>,
    /// Trust the certificates in this PEM file, and no others.
    #[arg(long, global = true, env = "EDGE_LEDGER_CA_FILE", value_name = "FILE")]
    #[arg(help_heading = "Gateway")]
    ca_file: Option<PathBuf>,
    /// Let secrets cross a network in the clear.
    #[arg(long, global = true, env = "EDGE_LEDGER_INSECURE_HTTP", value_name = "BOOL")]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    #[arg(value_parser = BoolishValueParser::new(), help_heading = "Gateway")]
    insecure_http: Option<bool>,
}

/// Where the gateway is, settled.
#[derive(Debug)]
pub(crate) struct GatewaySettings {
    pub(crate) url: Setting<String>,
    pub(crate) ca_file: Setting<Option<PathBuf>>,
    pub(crate) insecure_http: Setting<bool>,
}

impl GatewayArgs {
    /// Settles where the gateway is.
    pub(crate) fn settle(self, file: &File) -> GatewaySettings {
        let usual = || "http://127.0.0.1:7411".to_owned();
        GatewaySettings {
            url: Setting::settle("url", self.url, file.url.clone(), usual),
            ca_file: Setting::settle_any("ca-file", self.ca_file, file.ca_file.clone()),
            insecure_http: Setting::settle(
                "insecure-http",
                self.insecure_http,
                file.insecure_http,
                || false,
            ),
        }
    }
}

impl GatewaySettings {
    /// Returns the gateway, if it may be asked there.
    pub(crate) fn gateway(&self) -> Result<Gateway> {
        let gateway = Gateway::new(&self.url.value, self.insecure_http.value)
            .map_err(|error| Failure::usage(error.to_string()))?;
        Ok(match &self.ca_file.value {
            Some(path) => gateway.trusting(path.clone()),
            None => gateway,
        })
    }

    /// Lists the settings.
    pub(crate) fn shown(&self) -> Vec<Shown> {
        vec![self.url.shown(), self.ca_file.shown(), self.insecure_http.shown()]
    }
}
