//! Logs: on stderr, for people or for machines.

use std::io;

use anyhow::Result;
use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};
use tracing_subscriber::{EnvFilter, fmt::MakeWriter};

use crate::{
    config::{File, Setting, Shown},
    exit::Failure,
};

/// What is logged and how.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct LogArgs {
    /// How logs are written [default: text].
    #[arg(long, env = "EDGE_LEDGER_LOG_FORMAT", help_heading = "Logs")]
    log_format: Option<LogFormat>,
    /// What is logged, as in `warn` or `info,edge_ledger_http=debug` [default:
    /// info,actix_server=warn].
    #[arg(long, env = "EDGE_LEDGER_LOG", value_name = "FILTER", help_heading = "Logs")]
    log: Option<String>,
}

/// How logs are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum LogFormat {
    /// A line for people, with colours on a terminal.
    Text,
    /// A JSON object on each line.
    Json,
}

/// What is logged and how, settled.
#[derive(Debug)]
pub(crate) struct LogSettings {
    format: Setting<LogFormat>,
    filter: Setting<String>,
}

/// Everything worth knowing.
const FILTER: &str = "info,actix_server=warn";

impl LogArgs {
    /// Settles what is logged and how.
    pub(crate) fn settle(self, file: &File) -> LogSettings {
        LogSettings {
            format: Setting::settle("log-format", self.log_format, file.log_format, || {
                LogFormat::Text
            }),
            filter: Setting::settle("log", self.log, file.log.clone(), || FILTER.to_owned()),
        }
    }
}

impl LogSettings {
    /// Begins to log.
    ///
    /// # Errors
    ///
    /// Fails if nobody knows what the filter means; nothing is logged then.
    pub(crate) fn begin<W>(&self, writer: W, colored: bool) -> Result<()>
    where
        W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
    {
        let filter = EnvFilter::try_new(&self.filter.value).map_err(|error| {
            Failure::usage(format!("log filter {:?} is not understood: {error}", self.filter.value))
                .next("say how much, as in `info`, or how much of what, as in `edge_ledger_http=debug`")
        })?;
        let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer);
        match self.format.value {
            LogFormat::Text => logs.with_ansi(colored).init(),
            LogFormat::Json => logs.json().flatten_event(true).init(),
        }
        Ok(())
    }

    /// Lists the settings.
    pub(crate) fn shown(&self) -> Vec<Shown> {
        vec![self.format.shown(), self.filter.shown()]
    }
}

/// Returns whether logs on stderr may have colours.
pub(crate) fn may_be_colored() -> bool {
    use io::IsTerminal;
    io::stderr().is_terminal() && !crate::output::is_plain_wanted()
}
