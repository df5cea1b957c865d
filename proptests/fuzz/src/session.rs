//! A session of requests, against the handlers as they ship.
mod gateway;
mod request;

use arbitrary::{Arbitrary, Unstructured};
use serde_json::Value;

use gateway::{Answer, converse};
use request::Request;

/// More requests than a session needs to go wrong.
const REQUESTS: usize = 40;

/// Takes bytes for some requests of operators and edges, sane and not. Each is answered or refused
/// with a problem document, nothing is the gateway's fault, no answer repeats a secret, and in the
/// end the log folds to the ledger that was served.
///
/// # Panics
///
/// Panics if that is not so.
pub fn session(bytes: &[u8]) {
    let mut bytes = Unstructured::new(bytes);
    let requests: Vec<Request> = std::iter::from_fn(|| {
        let more = !bytes.is_empty();
        more.then(|| Request::arbitrary(&mut bytes).ok()).flatten()
    })
    .take(REQUESTS)
    .collect();
    converse(&requests, check);
}

fn check(request: &Request, answer: &Answer, secrets: &[String]) {
    let Answer { status, content_type, body } = answer;
    assert!(*status < 500, "{request:?} made the gateway fail with {status}: {body}");
    if *status < 400 {
        return;
    }
    assert_eq!(content_type, "application/problem+json", "{request:?}: {status}");
    let problem: Value = serde_json::from_str(body).expect("a problem document is JSON");
    for field in ["code", "detail"] {
        let said = problem[field].as_str().unwrap_or_default();
        assert!(!said.is_empty(), "{request:?} is refused without {field}: {body}");
    }
    for secret in secrets {
        assert!(!body.contains(secret), "{request:?} is refused with a secret: {body}");
    }
}
