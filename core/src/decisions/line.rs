//! One line of a file of decisions.
use serde::{Deserialize, Serialize};

use super::{Decided, End, FORMAT, Header};

/// A line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    /// Decisions begin, on this ledger.
    Begins(Header),
    /// A command was decided.
    Decided(Box<Decided>),
    /// What was decided after this is not in the file.
    Ends(End),
}

/// A text is no line that this build can read.
#[derive(Debug, thiserror::Error)]
pub enum BadLine {
    /// It is not the JSON it should be.
    #[error("it is not the JSON of a decision")]
    Json(#[from] serde_json::Error),
    /// A later build wrote it.
    #[error(
        "decisions have format {0}, the newest this build knows is {FORMAT}: use a newer build"
    )]
    TooNew(u8),
    /// No build has ever written such a format.
    #[error("decisions have format {0}, which there never was")]
    Unknown(u8),
}

impl Line {
    /// Reads a line.
    ///
    /// # Errors
    ///
    /// Fails if it is none that this build can read.
    pub fn parse(text: &str) -> Result<Self, BadLine> {
        let line = match text.starts_with('"') {
            true => serde_json::from_str(&serde_json::from_str::<String>(text)?)?,
            false => serde_json::from_str(text)?,
        };
        match line {
            Self::Begins(Header { decisions: 0, .. }) => Err(BadLine::Unknown(0)),
            Self::Begins(Header { decisions, .. }) if decisions > FORMAT => {
                Err(BadLine::TooNew(decisions))
            }
            Self::Begins(_) | Self::Decided(_) | Self::Ends(_) => Ok(line),
        }
    }

    /// Writes it, as one line without its end.
    ///
    /// Payloads are kept byte for byte, and JSON may have line breaks between its values. Where one
    /// has, the line is a JSON string that holds the JSON: in jq, `fromjson? // .`.
    ///
    /// # Panics
    ///
    /// Never: it is JSON.
    #[must_use]
    pub fn to_text(&self) -> String {
        let json = serde_json::to_string(self).expect("a line is JSON");
        match json.contains(['\n', '\r']) {
            true => serde_json::to_string(&json).expect("a text is JSON"),
            false => json,
        }
    }
}
