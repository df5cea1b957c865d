//! What happens around every request: its id, its line in the log, and an answer in JSON.
use std::{
    cell::RefCell,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
    time::Instant,
};

use actix_web::{
    Error, HttpMessage as _, HttpResponse,
    body::{BodySize, BoxBody, MessageBody},
    dev::{Payload, ServiceRequest, ServiceResponse},
    error::PayloadError,
    http::{
        StatusCode,
        header::{ALLOW, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
    },
    middleware::Next,
    web::{Bytes, Data},
};
use edge_ledger_core::JournalReader;
use futures_util::{Stream, StreamExt as _};
use tracing::{Instrument as _, field::Empty};
use uuid::Uuid;

use crate::{gateway::Gateway, problem::Failure, secret::masked};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const LEDGER_TIME: HeaderName = HeaderName::from_static("ledger-time");
const REQUEST_ID_LENGTH_MAX: usize = 128;

/// Gives a request its id, logs it, and has whatever it comes to answered as JSON. Neither
/// headers nor bodies are logged: secrets are there.
pub(crate) async fn around(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let id = request_id(request.headers());
    let span = tracing::info_span!(
        "request",
        id,
        method = %request.method(),
        path = &*masked(request.path()),
        edge = Empty
    );
    let began = Instant::now();
    let body = Held::of(&mut request);
    let response = next.call(request).instrument(span.clone()).await?;
    let failure = response.response().error().map(ToString::to_string);
    let response = in_json(response.map_into_boxed_body(), &id);
    let mut response = response.map_body(|_, answer| BoxBody::new(Told { answer, _asked: body }));
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    span.in_scope(|| note(&response, failure.as_deref(), began));
    Ok(response)
}

/// Tells the ledger's own time in every answer: the clock by which leases end, so that no edge has
/// to trust a wall clock.
pub(crate) async fn tell_time<R: JournalReader>(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let gateway = request.app_data::<Data<Gateway<R>>>().cloned();
    let mut response = next.call(request).await?;
    let now = gateway.map(|gateway| gateway.handle.now().to_string());
    if let Some(Ok(now)) = now.map(|now| HeaderValue::from_str(&now)) {
        response.headers_mut().insert(LEDGER_TIME, now);
    }
    Ok(response)
}

/// A request's body, shared with its answer.
#[derive(Clone)]
struct Held(Rc<RefCell<Payload>>);

/// An answer that keeps the request's body until it is sent. The server closes the connection over a
/// body that has not come to its end by then; one that nobody has any more it would read on, and if
/// it comes in chunks, without end.
struct Told {
    answer: BoxBody,
    _asked: Held,
}

impl Held {
    fn of(request: &mut ServiceRequest) -> Self {
        let body = Self(Rc::new(RefCell::new(request.take_payload())));
        request.set_payload(Payload::Stream { payload: Box::pin(body.clone()) });
        body
    }
}

impl Stream for Held {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.borrow_mut().poll_next_unpin(context)
    }
}

impl MessageBody for Told {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        self.answer.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.answer).poll_next(context)
    }
}

fn note(response: &ServiceResponse<BoxBody>, failure: Option<&str>, began: Instant) {
    let status = response.status().as_u16();
    let millis = began.elapsed().as_millis();
    let failure = failure.map(masked);
    let failure = failure.as_deref();
    match status {
        500.. => tracing::error!(status, millis, failure, "failed"),
        400.. => tracing::info!(status, millis, failure, "refused"),
        // A fleet asks more often than anybody wants to read.
        _ => tracing::debug!(status, millis, "answered"),
    }
}

/// Takes the id that the sender gave the request if it will do, or makes one.
fn request_id(headers: &HeaderMap) -> String {
    let given = headers.get(REQUEST_ID).and_then(|id| id.to_str().ok());
    let fit = |id: &&str| {
        let length = (1..=REQUEST_ID_LENGTH_MAX).contains(&id.len());
        length && id.bytes().all(|byte| byte.is_ascii_graphic()) && masked(id) == *id
    };
    given.filter(fit).map_or_else(|| Uuid::now_v7().to_string(), str::to_owned)
}

fn in_json(response: ServiceResponse<BoxBody>, id: &str) -> ServiceResponse<BoxBody> {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return response;
    }
    if let Some(failure) = response.response().error().and_then(|error| error.as_error::<Failure>())
    {
        let answer = failure.answer(Some(id));
        return replace(response, answer);
    }
    let is_json = response
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind.to_str().is_ok_and(|kind| kind.contains("json")));
    if is_json {
        return response;
    }
    let answer = unrouted(&response).answer(Some(id));
    replace(response, answer)
}

/// Says what the router itself refused.
fn unrouted(response: &ServiceResponse<BoxBody>) -> Failure {
    let (method, path) = (response.request().method(), response.request().path());
    match response.status() {
        StatusCode::NOT_FOUND => {
            Failure::not_found("no_such_route", format!("there is no route {path}"))
        }
        StatusCode::METHOD_NOT_ALLOWED => {
            let allowed = response.headers().get(ALLOW).and_then(|allow| allow.to_str().ok());
            let allowed = allowed.unwrap_or("other methods");
            let detail = format!("{path} takes {allowed}, not {method}");
            Failure::of(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail)
        }
        status => {
            let detail = status.canonical_reason().unwrap_or("the request was refused");
            Failure::of(status, "refused", detail)
        }
    }
}

fn replace(
    response: ServiceResponse<BoxBody>,
    mut answer: HttpResponse,
) -> ServiceResponse<BoxBody> {
    let allow = response.headers().get(ALLOW).cloned();
    if let Some(allow) = allow {
        answer.headers_mut().insert(ALLOW, allow);
    }
    let (request, _) = response.into_parts();
    ServiceResponse::new(request, answer)
}
