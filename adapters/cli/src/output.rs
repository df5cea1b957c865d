//! What a command says: data on stdout, everything for people on stderr.

mod progress;
mod table;
mod text;

use std::io::{self, IsTerminal, Write};

use anyhow::Result;
use serde::Serialize;

pub(crate) use progress::Progress;
pub(crate) use table::{Cell, Table};
pub(crate) use text::plain;

/// How a command says what it found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    json: bool,
    terminal: bool,
    colored: bool,
}

impl Output {
    /// Returns JSON if it was asked for, else what suits stdout.
    pub(crate) fn new(json: bool) -> Self {
        let terminal = io::stdout().is_terminal();
        Self { json, terminal, colored: terminal && !is_plain_wanted() }
    }

    /// Returns whether JSON was asked for.
    pub(crate) const fn is_json(self) -> bool {
        self.json
    }

    /// Says a value as one JSON document: for people on a terminal, on one line elsewhere.
    pub(crate) fn json(self, value: &impl Serialize) -> Result<()> {
        let json = match self.terminal {
            true => serde_json::to_string_pretty(value)?,
            false => serde_json::to_string(value)?,
        };
        self.text(&text::plain_json(json))
    }

    /// Says a value as one line of JSON among others.
    pub(crate) fn json_line(self, value: &impl Serialize) -> Result<()> {
        self.text(&text::plain_json(serde_json::to_string(value)?))
    }

    /// Says a table, or in its place that there is nothing in it.
    pub(crate) fn table(self, table: &Table, nothing: &str) -> Result<()> {
        if table.is_empty() {
            note(nothing);
            return Ok(());
        }
        self.text(&table.render(self.terminal, self.colored))
    }

    /// Says text that is safe to print.
    pub(crate) fn text(self, text: &str) -> Result<()> {
        let mut stdout = io::stdout().lock();
        writeln!(stdout, "{text}").and_then(|()| stdout.flush()).map_err(Unsaid)?;
        Ok(())
    }
}

/// Returns whether somebody asked for no colours, as <https://no-color.org> has it.
pub(crate) fn is_plain_wanted() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}

/// Tells people something. If nobody can be told, nothing is lost.
pub(crate) fn note(text: &str) {
    drop(writeln!(io::stderr().lock(), "{text}"));
}

/// Stdout took no more.
#[derive(Debug, thiserror::Error)]
#[error("cannot write to stdout")]
pub(crate) struct Unsaid(#[source] pub(crate) io::Error);

impl Unsaid {
    /// Returns whether whoever read has simply had enough, as `head` does.
    pub(crate) fn is_closed_pipe(&self) -> bool {
        self.0.kind() == io::ErrorKind::BrokenPipe
    }
}
