//! Why a question came to nothing, and what to do next.

use anyhow::Error;
use edge_ledger_wire::Problem;
use reqwest::{StatusCode, Url};

use crate::exit::{Exit, Failure, chain};

/// Says that there was no answer.
pub(super) fn unreachable(base: &Url, error: reqwest::Error) -> Error {
    let error = error.without_url();
    let reasons = chain(&error);
    let told = format!("the gateway at {base} does not answer: {reasons}");
    let next = if error.is_timeout() {
        "nobody knows whether it was done: look, then ask again"
    } else if reasons.contains("certificate") {
        "say which certificates to trust with --ca-file or EDGE_LEDGER_CA_FILE"
    } else {
        "start one with `edge-ledger serve`, or say where it is with --url or EDGE_LEDGER_URL"
    };
    Failure::new(Exit::Unavailable, told).next(next).into()
}

/// Says what a refusal means.
pub(super) fn refused(status: StatusCode, body: &str) -> Error {
    let told = match serde_json::from_str::<Problem>(body) {
        Ok(problem) => problem.detail,
        Err(_) => format!("whoever answered is no gateway: it says {status}"),
    };
    match status.as_u16() {
        400 | 405 | 413 | 415 => Failure::usage(told),
        401 => Failure::new(Exit::Refused, told).next(
            "set EDGE_LEDGER_TOKEN to the operator's token of this gateway, or name its file with \
             --token-file",
        ),
        404 => Failure::new(Exit::NotFound, told),
        403 | 409 | 412 | 422 => Failure::new(Exit::Refused, told),
        429 | 502..=504 => Failure::new(Exit::Unavailable, told).next("ask again in a moment"),
        _ => Failure::new(Exit::Failure, format!("{told} ({status})")),
    }
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::exit_of;

    #[test]
    fn a_refusal_ends_a_command_by_its_status() {
        for (status, exit) in [
            (400, Exit::Usage),
            (401, Exit::Refused),
            (403, Exit::Refused),
            (404, Exit::NotFound),
            (409, Exit::Refused),
            (413, Exit::Usage),
            (422, Exit::Refused),
            (500, Exit::Failure),
            (503, Exit::Unavailable),
        ] {
            let problem = Problem::new(status, "title", "code", "task x is not in the ledger");
            let body = serde_json::to_string(&problem).unwrap();

            let error = refused(StatusCode::from_u16(status).unwrap(), &body);

            assert!(error.to_string().starts_with("task x is not in the ledger"), "{error}");
            assert_eq!(exit_of(&error), exit, "{status}");
        }
    }

    #[test]
    fn an_answer_from_somebody_else_is_no_refusal_of_the_gateways() {
        let error = refused(StatusCode::BAD_GATEWAY, "<h1>Bad gateway</h1>");

        assert_eq!(error.to_string(), "whoever answered is no gateway: it says 502 Bad Gateway");
    }
}
