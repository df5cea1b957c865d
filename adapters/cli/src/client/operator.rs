//! Who asks: an operator, by a token that is in the environment or in a file, never in a flag.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use clap::Args;
use edge_ledger_agent::Gateway;
use reqwest::header::HeaderValue;

use super::Client;
use crate::{
    config::{GatewayArgs, GatewaySettings, Setting, Shown, default_data},
    context::Context,
    exit::Failure,
};

/// Which gateway is asked, and by whom.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct OperatorArgs {
    #[command(flatten)]
    gateway: GatewayArgs,
    /// Read the operator's token from this file. Without it, and without EDGE_LEDGER_TOKEN, a
    /// gateway on this machine is asked with operator.token of the data directory.
    #[arg(long, global = true, env = "EDGE_LEDGER_TOKEN_FILE", value_name = "FILE")]
    #[arg(help_heading = "Gateway")]
    token_file: Option<PathBuf>,
    /// The directory of the ledger, if the gateway is on this machine.
    #[arg(long, global = true, env = "EDGE_LEDGER_DATA", value_name = "DIR")]
    #[arg(help_heading = "Gateway")]
    data: Option<PathBuf>,
}

/// Which gateway is asked, and by whom, settled.
#[derive(Debug)]
pub(crate) struct OperatorSettings {
    pub(crate) gateway: GatewaySettings,
    pub(crate) token_file: Setting<Option<PathBuf>>,
    pub(crate) data: Setting<PathBuf>,
}

/// The variable that may hold the operator's token.
pub(crate) const TOKEN: &str = "EDGE_LEDGER_TOKEN";

impl OperatorArgs {
    /// Settles which gateway is asked, and by whom.
    pub(crate) fn settle(self, context: &Context) -> OperatorSettings {
        let file = &context.file;
        OperatorSettings {
            gateway: self.gateway.settle(file),
            token_file: Setting::settle_any("token-file", self.token_file, file.token_file.clone()),
            data: Setting::settle("data", self.data, file.data.clone(), default_data),
        }
    }
}

impl OperatorSettings {
    /// Returns what asks the gateway.
    pub(crate) fn client(&self) -> Result<Client> {
        let gateway = self.gateway.gateway()?;
        let token = self.token(&gateway)?;
        let pem = match &self.gateway.ca_file.value {
            Some(path) => Some(fs::read(path).with_context(|| cannot_read(path))?),
            None => None,
        };
        Client::new(&gateway, pem.as_deref(), token)
    }

    /// Lists the settings.
    pub(crate) fn shown(&self) -> Vec<Shown> {
        let mut shown = vec![self.data.shown()];
        shown.extend(self.gateway.shown());
        shown.push(self.token_file.shown());
        shown
    }

    fn token(&self, gateway: &Gateway) -> Result<Token> {
        if let Some(token) = std::env::var(TOKEN).ok().filter(|token| !token.trim().is_empty()) {
            return Ok(Token::new(&token));
        }
        if let Some(path) = &self.token_file.value {
            return Token::read(path);
        }
        token_kept_in(&self.data.value, gateway)
    }
}

/// Returns the token that a gateway on this machine has made. It is nothing for gateways
/// elsewhere.
fn token_kept_in(data: &Path, gateway: &Gateway) -> Result<Token> {
    let kept = edge_ledger_http::operator_token_path(data);
    let (here, kept_at) = (gateway.is_loopback(), kept.display());
    if here && kept.is_file() {
        return Token::read(&kept);
    }
    let told = match here {
        true => format!("no operator's token: {TOKEN} is not set, and there is no {kept_at}"),
        false => format!("no operator's token for {}: {TOKEN} is not set", gateway.url()),
    };
    let next = "set EDGE_LEDGER_TOKEN, name a file with --token-file, or name the data directory \
                of a gateway on this machine with --data";
    Err(Failure::usage(told).next(next).into())
}

/// An operator's token. Nothing prints it.
#[derive(Clone)]
pub(crate) struct Token(String);

impl Token {
    pub(crate) fn new(text: &str) -> Self {
        Self(text.trim().to_owned())
    }

    /// Reads a token from a file.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| cannot_read(path))?;
        Ok(Self::new(&text))
    }

    /// Returns the token itself, for who writes the header with their own hand.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    pub(super) fn bearer(&self) -> Result<HeaderValue> {
        let mut header = HeaderValue::try_from(format!("Bearer {}", self.0))
            .map_err(|_| Failure::usage("the operator's token holds what no token does"))?;
        header.set_sensitive(true);
        Ok(header)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

fn cannot_read(path: &Path) -> String {
    format!("cannot read {}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_of_a_gateway_here_is_kept_from_gateways_elsewhere() {
        let root = tempfile::tempdir().unwrap();
        let kept = edge_ledger_http::operator_token_path(root.path());
        fs::write(kept, "op_live_abc\n").unwrap();
        for (url, found) in [
            ("http://127.0.0.1:7411", true),
            ("http://[::1]:7411", true),
            ("http://localhost:7411", true),
            ("https://ledger.example", false),
            ("https://127.0.0.1.example", false),
        ] {
            let token = token_kept_in(root.path(), &Gateway::new(url, false).unwrap());
            assert_eq!(token.is_ok(), found, "{url}");
        }
    }

    #[test]
    fn a_token_shows_nothing_of_itself() {
        let token = Token::new(" op_live_abc\n");

        assert_eq!(format!("{token:?} {:?}", token.bearer().unwrap()), "Token(…) Sensitive");
    }
}
