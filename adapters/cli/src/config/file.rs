//! The configuration file.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Result;
use serde::Deserialize;

use crate::{
    commands::{
        agent::AgentArgs,
        liveness::ThresholdArgs,
        serve::{RetentionArgs, ServeArgs},
    },
    exit::Failure,
    logs::LogFormat,
};

/// What a configuration file says. A key that is not known is an error.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct File {
    /// The directory of the ledger.
    pub(crate) data: Option<PathBuf>,
    /// Where the gateway is.
    pub(crate) url: Option<String>,
    /// The file with the operator's token.
    pub(crate) token_file: Option<PathBuf>,
    /// The certificates that make a gateway trusted.
    pub(crate) ca_file: Option<PathBuf>,
    /// Whether secrets may cross a network in the clear.
    pub(crate) insecure_http: Option<bool>,
    /// How logs are written.
    pub(crate) log_format: Option<LogFormat>,
    /// What is logged.
    pub(crate) log: Option<String>,
    pub(crate) serve: ServeArgs,
    pub(crate) agent: AgentArgs,
    pub(crate) liveness: ThresholdArgs,
    pub(crate) retention: RetentionArgs,
}

impl File {
    /// Reads the file, if there is one to be read.
    pub(crate) fn read(path: Option<&Path>) -> Result<Self> {
        let Some(path) = path else { return Ok(Self::default()) };
        let name = path.display();
        let text = fs::read_to_string(path).map_err(|error| {
            Failure::usage(format!("cannot read the configuration file {name}: {error}"))
                .next("name another with --config, or unset EDGE_LEDGER_CONFIG")
        })?;
        Self::parse(&text).map_err(|error| {
            let error = error.to_string();
            let told = format!("the configuration file {name} is not right: {}", error.trim_end());
            Failure::usage(told).next("docs/CONFIGURATION.md lists every key").into()
        })
    }

    fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_is_not_known_is_refused_by_name() {
        for (text, key) in [
            ("dta = '/x'", "dta"),
            ("[serve]\naddress = '127.0.0.1:1'", "address"),
            ("[agent]\nruntimes = 'builtin'", "runtimes"),
            ("[liveness]\nonline = '1s'", "online"),
        ] {
            let refused = File::parse(text).unwrap_err().to_string();
            assert!(refused.contains(&format!("unknown field `{key}`")), "{refused}");
        }
    }

    #[test]
    fn a_file_without_a_word_is_fine() {
        assert!(File::parse("").is_ok());
    }
}
