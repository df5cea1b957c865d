//! The one format of errors, for clients old and new.
use serde::{Deserialize, Serialize};

/// A problem document as RFC 9457 has it, readable to older clients too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// Names the kind of problem: `urn:edge-ledger:error:` and the code.
    pub r#type: String,
    /// The meaning of the status, in a word or two.
    pub title: String,
    /// The status of the answer.
    pub status: u16,
    /// What is wrong, for people.
    pub detail: String,
    /// The detail once more, as older clients read it.
    pub message: String,
    /// The status once more, as older clients read it.
    pub status_code: u16,
    /// The stable name of the problem, for programs.
    pub code: String,
    /// The id of the request that met it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
}

impl Problem {
    /// The media type of problem documents.
    pub const MEDIA_TYPE: &str = "application/problem+json";

    /// Returns a problem document that says everything where old and new clients look for it.
    #[must_use]
    pub fn new(status: u16, title: &str, code: &str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self {
            r#type: format!("urn:edge-ledger:error:{code}"),
            title: title.to_owned(),
            status,
            message: detail.clone(),
            detail,
            status_code: status,
            code: code.to_owned(),
            instance: None,
        }
    }
}
