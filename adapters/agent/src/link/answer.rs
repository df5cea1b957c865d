//! What an answer means for whoever asked.

use std::time::Duration;

use reqwest::StatusCode;
use serde::Deserialize;

/// Why a call came to nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The same call may do better later: nothing is known to be wrong with it.
    Later {
        /// How long the gateway asks to be left alone.
        after: Option<Duration>,
        /// What happened.
        what: String,
    },
    /// The same call would be refused again.
    Refused(Refusal),
}

/// A refusal by the gateway, in its own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) kind: RefusalKind,
    pub(crate) detail: String,
}

/// What a refusal says about the edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RefusalKind {
    /// Its token or credential is unknown, expired, revoked or used up.
    Unauthorized,
    /// It is disabled, or speaks for another.
    Forbidden,
    /// What it speaks of is not there, or not its own.
    NotFound,
    /// What it speaks of is somebody else's by now.
    Conflict,
    /// It says too much at once.
    TooLarge,
    /// What it says is malformed or untrue.
    Unfit,
}

impl Trouble {
    /// Says what an answer with this status means, unless it is a success.
    pub(crate) fn of(status: StatusCode, after: Option<Duration>, body: &[u8]) -> Option<Self> {
        let refused = |kind| {
            let detail = format!("{} ({})", words(body), status.as_u16());
            Some(Self::Refused(Refusal { kind, detail }))
        };
        match status.as_u16() {
            200..=299 => None,
            401 => refused(RefusalKind::Unauthorized),
            403 => refused(RefusalKind::Forbidden),
            404 | 410 => refused(RefusalKind::NotFound),
            409 => refused(RefusalKind::Conflict),
            413 => refused(RefusalKind::TooLarge),
            408 | 425 | 429 | 500.. => {
                Some(Self::Later { after, what: format!("{} ({status})", words(body)) })
            }
            _ => refused(RefusalKind::Unfit),
        }
    }

    /// Says what it means that there was no answer.
    pub(crate) fn silence(error: reqwest::Error) -> Self {
        Self::Later { after: None, what: chain(&error.without_url()) }
    }

    /// Says what it means that an answer goes on and on.
    pub(crate) fn endless(bytes: usize) -> Self {
        Self::Later { after: None, what: format!("the answer is longer than {bytes} bytes") }
    }

    /// Says what it means that a secret does not fit into a header.
    pub(crate) fn unsendable() -> Self {
        let detail = "the secret holds characters that no secret of a gateway's has".to_owned();
        Self::Refused(Refusal { kind: RefusalKind::Unauthorized, detail })
    }

    /// Says what an answer means that claims success but cannot be read: whoever wrote it, it was
    /// not the gateway.
    pub(crate) fn gibberish(error: &serde_json::Error, body: &[u8]) -> Self {
        let what = format!("the answer cannot be read: {error}: {}", words(body));
        Self::Later { after: None, what }
    }
}

/// The words of a problem document.
#[derive(Deserialize)]
struct Problem {
    detail: Option<String>,
    message: Option<String>,
    title: Option<String>,
}

fn words(body: &[u8]) -> String {
    let problem = serde_json::from_slice::<Problem>(body).ok();
    let said = problem.and_then(|problem| problem.detail.or(problem.message).or(problem.title));
    let text = said.unwrap_or_else(|| String::from_utf8_lossy(body).into_owned());
    let text: Vec<_> = text.split_whitespace().collect();
    match text.join(" ") {
        text if text.is_empty() => "no explanation".to_owned(),
        text => text.chars().take(500).collect(),
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", chain(source)),
        None => error.to_string(),
    }
}

/// Reads a `Retry-After` in seconds. Dates are left alone: they would need a clock both trust.
pub(crate) fn retry_after(header: Option<&str>) -> Option<Duration> {
    header?.trim().parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meaning(status: u16, body: &str) -> Option<Trouble> {
        let after = Some(Duration::from_secs(3));
        Trouble::of(StatusCode::from_u16(status).unwrap(), after, body.as_bytes())
    }

    #[test]
    fn only_what_may_pass_is_asked_again() {
        for status in [408, 425, 429, 500, 501, 502, 503, 504, 507] {
            let after = Some(Duration::from_secs(3));
            assert!(
                matches!(meaning(status, ""), Some(Trouble::Later { after: a, .. }) if a == after),
                "{status}"
            );
        }
        for (status, kind) in [
            (301, RefusalKind::Unfit),
            (400, RefusalKind::Unfit),
            (401, RefusalKind::Unauthorized),
            (403, RefusalKind::Forbidden),
            (404, RefusalKind::NotFound),
            (409, RefusalKind::Conflict),
            (413, RefusalKind::TooLarge),
            (415, RefusalKind::Unfit),
            (422, RefusalKind::Unfit),
        ] {
            let Some(Trouble::Refused(refusal)) = meaning(status, "{}") else {
                panic!("{status} is a refusal");
            };
            assert_eq!(refusal.kind, kind, "{status}");
        }
        assert_eq!(meaning(200, ""), None);
        assert_eq!(meaning(201, ""), None);
    }

    #[test]
    fn a_refusal_is_told_in_the_words_of_the_gateway() {
        let said = |body| match meaning(409, body) {
            Some(Trouble::Refused(refusal)) => refusal.detail,
            other => panic!("expected a refusal, found {other:?}"),
        };

        assert_eq!(said(r#"{"title":"t","detail":"lease lapsed"}"#), "lease lapsed (409)");
        assert_eq!(said(r#"{"message":"old words"}"#), "old words (409)");
        assert_eq!(said("<h1>Bad\n\n gateway</h1>"), "<h1>Bad gateway</h1> (409)");
        assert_eq!(said(""), "no explanation (409)");
        assert!(said(&"x".repeat(9000)).len() < 600);
    }

    #[test]
    fn a_retry_after_is_a_number_of_seconds() {
        assert_eq!(retry_after(Some(" 5 ")), Some(Duration::from_secs(5)));
        assert_eq!(retry_after(Some("Wed, 21 Oct 2026 07:28:00 GMT")), None);
        assert_eq!(retry_after(None), None);
    }
}
