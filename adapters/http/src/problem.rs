//! One failure, one status.
use std::fmt;

use actix_web::{
    HttpResponse, HttpResponseBuilder, ResponseError,
    http::{StatusCode, header},
};
use edge_ledger_core::{Class, Rejection};
use edge_ledger_engine::ExecuteError;
use edge_ledger_wire::{Malformed, Problem};

/// Why a request was not answered with what it asked for.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    status: StatusCode,
    code: &'static str,
    detail: Box<str>,
    hint: Hint,
}

/// What a client is told in a header besides.
#[derive(Clone, Copy, Debug)]
enum Hint {
    Nothing,
    Authenticate,
    RetryAfter(u32),
}

/// How long to wait before asking again: the writer's queue is short.
const BUSY: Hint = Hint::RetryAfter(1);
/// How long to wait before asking again: an operator has to look first.
const STOPPED: Hint = Hint::RetryAfter(10);

impl Failure {
    /// Returns the failure to show a secret that is in force, whatever is wrong with the one shown.
    pub(crate) fn unauthenticated() -> Self {
        let text = "no secret in force was shown: send `Authorization: Bearer …` with one that is";
        Self::of(StatusCode::UNAUTHORIZED, "unauthenticated", text).with(Hint::Authenticate)
    }

    pub(crate) fn of(status: StatusCode, code: &'static str, detail: impl Into<Box<str>>) -> Self {
        Self { status, code, detail: detail.into(), hint: Hint::Nothing }
    }

    pub(crate) fn forbidden(code: &'static str, detail: impl Into<Box<str>>) -> Self {
        Self::of(StatusCode::FORBIDDEN, code, detail)
    }

    pub(crate) fn not_found(code: &'static str, detail: impl Into<Box<str>>) -> Self {
        Self::of(StatusCode::NOT_FOUND, code, detail)
    }

    /// Returns the failure of a gateway that cannot do now what it can do otherwise.
    pub(crate) fn unavailable(code: &'static str, detail: impl Into<Box<str>>) -> Self {
        Self::of(StatusCode::SERVICE_UNAVAILABLE, code, detail).with(STOPPED)
    }

    const fn with(mut self, hint: Hint) -> Self {
        self.hint = hint;
        self
    }

    /// Returns the answer, which names the request.
    pub(crate) fn answer(&self, request_id: Option<&str>) -> HttpResponse {
        let mut response = HttpResponseBuilder::new(self.status);
        response.content_type(Problem::MEDIA_TYPE);
        match self.hint {
            Hint::Nothing => {}
            Hint::Authenticate => {
                response.insert_header((header::WWW_AUTHENTICATE, r#"Bearer realm="edge-ledger""#));
            }
            Hint::RetryAfter(seconds) => {
                response.insert_header((header::RETRY_AFTER, seconds));
            }
        }
        let title = self.status.canonical_reason().unwrap_or("Error");
        let problem = Problem::new(self.status.as_u16(), title, self.code, &*self.detail);
        response.json(Problem { instance: request_id.map(str::to_owned), ..problem })
    }
}

impl From<Malformed> for Failure {
    fn from(fault: Malformed) -> Self {
        Self::of(StatusCode::BAD_REQUEST, "malformed", fault.to_string())
    }
}

impl From<Rejection> for Failure {
    fn from(rejection: Rejection) -> Self {
        let (code, detail) = (rejection.code(), rejection.to_string());
        match rejection.class() {
            Class::Unauthenticated => Self::unauthenticated(),
            Class::Forbidden => Self::of(StatusCode::FORBIDDEN, code, detail),
            Class::NotFound => Self::of(StatusCode::NOT_FOUND, code, detail),
            Class::Conflict => Self::of(StatusCode::CONFLICT, code, detail),
            Class::Unprocessable => Self::of(StatusCode::UNPROCESSABLE_ENTITY, code, detail),
            Class::Unavailable => Self::unavailable(code, detail).with(BUSY),
        }
    }
}

impl From<ExecuteError> for Failure {
    fn from(error: ExecuteError) -> Self {
        let detail = error.to_string();
        match error {
            ExecuteError::Rejected(rejection) => rejection.into(),
            ExecuteError::Busy => Self::unavailable("busy", detail).with(BUSY),
            ExecuteError::TooLarge { .. } => {
                Self::of(StatusCode::PAYLOAD_TOO_LARGE, "commit_too_large", detail)
            }
            ExecuteError::Unrecorded(_) => Self::unavailable("unrecorded", detail),
            ExecuteError::Unreadable(_) => Self::unavailable("unreadable", detail),
            ExecuteError::Unarchived(_) => Self::unavailable("unarchived", detail),
            ExecuteError::Stopped => Self::unavailable("stopped", detail),
        }
    }
}

impl From<getrandom::Error> for Failure {
    fn from(_: getrandom::Error) -> Self {
        Self::unavailable("no_random_bits", "the operating system gives no random bits")
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.detail)
    }
}

impl ResponseError for Failure {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        self.answer(None)
    }
}

/// Returns the failure of a journal that cannot be read, and leaves its reasons to the log.
pub(crate) fn unreadable(fault: &(dyn std::error::Error + 'static)) -> Failure {
    tracing::error!(error = fault, "the journal could not be read");
    Failure::unavailable("unreadable", "the journal could not be read")
}
