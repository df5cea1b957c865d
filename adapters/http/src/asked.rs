//! Requests, checked in the wire contract's order and turned into what a handler needs.
use std::{future::Future, pin::Pin};

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::header::HeaderMap,
    web::{Bytes, Data},
};
use edge_ledger_core::{Cause, EdgeId, Idempotency, JournalReader, Principal};
use edge_ledger_engine::mint;
use edge_ledger_wire::{
    Fields, Malformed,
    edge::{self, RegisterRequest},
};

use crate::{
    auth::bearer,
    body,
    gateway::Gateway,
    problem::Failure,
    query::{Parameters, parameters},
    secret::Secret,
};

/// What a machine asks that wants to be an edge.
#[derive(Debug)]
pub(crate) struct FromEnrollee<R> {
    pub(crate) gateway: Data<Gateway<R>>,
    pub(crate) cause: Cause,
    pub(crate) request: RegisterRequest,
}

/// What an edge asks.
#[derive(Debug)]
pub(crate) struct FromEdge<R, T> {
    pub(crate) gateway: Data<Gateway<R>>,
    pub(crate) cause: Cause,
    pub(crate) edge: EdgeId,
    pub(crate) request: T,
    pub(crate) body: Bytes,
}

/// What an operator asks to be done.
#[derive(Debug)]
pub(crate) struct FromOperator<R, T> {
    pub(crate) gateway: Data<Gateway<R>>,
    pub(crate) cause: Cause,
    pub(crate) request: T,
}

/// What an operator asks to be shown.
#[derive(Debug)]
pub(crate) struct ToShow<R, Q> {
    pub(crate) gateway: Data<Gateway<R>>,
    pub(crate) query: Q,
}

/// A request that can be read from the fields of a body.
pub(crate) trait Read:
    for<'f, 'b> TryFrom<&'f Fields<'b>, Error = Malformed> + 'static
{
}

impl<T> Read for T where T: for<'f, 'b> TryFrom<&'f Fields<'b>, Error = Malformed> + 'static {}

type Asked<T> = Pin<Box<dyn Future<Output = Result<T, Failure>>>>;

impl<R: JournalReader> FromRequest for FromEnrollee<R> {
    type Error = Failure;
    type Future = Asked<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let gateway = gateway(&request);
            let body = body::json(&request, payload, gateway.limits).await?;
            let asked = RegisterRequest::try_from(&Fields::of_body(&body)?)?;
            let key = Key::of(request.headers())?;
            let shown = asked.token.as_deref().map(Secret::shown);
            let shown = shown.or_else(|| bearer(request.headers()));
            let principal = Principal::Enrollee { token: gateway.enrollee(shown.as_ref()).await? };
            let cause = cause(&gateway, &request, principal, key, &body);
            Ok(Self { gateway, cause, request: asked })
        })
    }
}

impl<R: JournalReader, T: Read> FromRequest for FromEdge<R, T> {
    type Error = Failure;
    type Future = Asked<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let gateway = gateway(&request);
            let speaker = gateway.edge(request.headers()).await?;
            tracing::Span::current().record("edge", speaker.edge.to_string());
            let body = body::json(&request, payload, gateway.limits).await?;
            let asked = {
                let fields = Fields::of_body(&body)?;
                speaker.is(&edge::worker_id(&fields)?)?;
                T::try_from(&fields)?
            };
            let key = Key::of(request.headers())?;
            let cause = cause(&gateway, &request, speaker.principal(), key, &body);
            Ok(Self { gateway, cause, edge: speaker.edge, request: asked, body })
        })
    }
}

impl<R: JournalReader, T: Read> FromRequest for FromOperator<R, T> {
    type Error = Failure;
    type Future = Asked<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let gateway = gateway(&request);
            let principal = gateway.operator(request.headers())?;
            let body = body::json_if_any(&request, payload, gateway.limits).await?;
            let asked = T::try_from(&Fields::of_body(&body)?)?;
            parameters(&request)?.no_others()?;
            let key = Key::of(request.headers())?;
            let cause = cause(&gateway, &request, principal, key, &body);
            Ok(Self { gateway, cause, request: asked })
        })
    }
}

impl<R, Q> FromRequest for ToShow<R, Q>
where
    R: JournalReader,
    Q: for<'p> TryFrom<&'p Parameters, Error = Malformed>,
{
    type Error = Failure;
    type Future = std::future::Ready<Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let gateway = gateway(request);
        let query = gateway.operator(request.headers()).and_then(|_| {
            let parameters = parameters(request)?;
            let query = Q::try_from(&parameters)?;
            parameters.no_others()?;
            Ok(query)
        });
        std::future::ready(query.map(|query| Self { gateway, query }))
    }
}

fn gateway<R: JournalReader>(request: &HttpRequest) -> Data<Gateway<R>> {
    request.app_data::<Data<Gateway<R>>>().expect("routes are configured with a gateway").clone()
}

fn cause<R>(
    gateway: &Gateway<R>,
    request: &HttpRequest,
    principal: Principal,
    key: Option<Key>,
    body: &Bytes,
) -> Cause {
    let idempotency = key.map(|Key(key)| {
        let (kind, who) = match &principal {
            Principal::System => ("system", String::new()),
            Principal::Operator { name } => ("operator", name.to_string()),
            Principal::Enrollee { token } => ("enrollee", token.to_string()),
            // Not its credential: a rotation between a request and its repetition changes nothing.
            Principal::Edge { edge, .. } => ("edge", edge.to_string()),
        };
        let route = format!("{} {}", request.method(), request.path());
        let scope = [kind.as_bytes(), who.as_bytes(), route.as_bytes(), key.as_bytes()];
        Idempotency { key: gateway.keys.digest_of(&scope), body: gateway.keys.digest_of(&[body]) }
    });
    Cause { command: mint::command_id(), principal, idempotency }
}

/// A key under which a request may be repeated.
struct Key(String);

impl Key {
    const HEADER: &str = "Idempotency-Key";
    const LENGTH_MAX: usize = 255;

    fn of(headers: &HeaderMap) -> Result<Option<Self>, Malformed> {
        let mut keys = headers.get_all(Self::HEADER);
        let (Some(key), None) = (keys.next(), keys.next()) else {
            return match headers.get_all(Self::HEADER).count() {
                0 => Ok(None),
                found => Err(Malformed::field(Self::HEADER, format!("is there {found} times"))),
            };
        };
        let key = key.to_str().unwrap_or_default();
        if key.is_empty() || key.len() > Self::LENGTH_MAX {
            let (max, found) = (Self::LENGTH_MAX, key.len());
            let problem = format!("expected 1 to {max} visible ASCII characters, found {found}");
            return Err(Malformed::field(Self::HEADER, problem));
        }
        Ok(Some(Self(key.to_owned())))
    }
}
