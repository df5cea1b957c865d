//! Bodies: declared as JSON, bounded in size and in time.
use actix_web::{
    HttpRequest,
    dev::Payload,
    http::{
        StatusCode,
        header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, TRANSFER_ENCODING},
    },
    web::{Bytes, BytesMut},
};
use futures_util::StreamExt as _;
use tokio::time::{Instant, timeout_at};

use crate::{gateway::Limits, problem::Failure};

/// The most bytes of a body, where a route has a bound of its own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BodyLimit(pub(crate) usize);

/// Reads a body that has to be declared as JSON.
pub(crate) async fn json(
    request: &HttpRequest,
    payload: Payload,
    limits: Limits,
) -> Result<Bytes, Failure> {
    declared_as_json(request.headers())?;
    bounded(request, payload, limits).await
}

/// Reads a body that has to be declared as JSON, or takes `{}` for one that is not there.
pub(crate) async fn json_if_any(
    request: &HttpRequest,
    payload: Payload,
    limits: Limits,
) -> Result<Bytes, Failure> {
    let headers = request.headers();
    let length = headers.get(CONTENT_LENGTH).is_none_or(|length| length.as_bytes() == b"0");
    if length && !headers.contains_key(TRANSFER_ENCODING) {
        return Ok(Bytes::from_static(b"{}"));
    }
    json(request, payload, limits).await
}

fn declared_as_json(headers: &HeaderMap) -> Result<(), Failure> {
    let unsupported = |detail| Failure::of(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_json", detail);
    let declared = headers.get(CONTENT_TYPE).map(|value| value.to_str().unwrap_or_default());
    let declared = declared.ok_or_else(|| {
        unsupported("Content-Type: expected application/json, found none".to_owned())
    })?;
    let essence = declared.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_json = essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"));
    if !is_json {
        let detail = format!("Content-Type: expected application/json, found {declared:?}");
        return Err(unsupported(detail));
    }
    match headers.get(CONTENT_ENCODING).map(|value| value.to_str().unwrap_or_default()) {
        None | Some("identity") => Ok(()),
        Some(found) => {
            let detail = format!("Content-Encoding: expected none, found {found:?}");
            Err(unsupported(detail))
        }
    }
}

async fn bounded(
    request: &HttpRequest,
    mut payload: Payload,
    limits: Limits,
) -> Result<Bytes, Failure> {
    let max = request.app_data::<BodyLimit>().map_or(limits.body, |BodyLimit(max)| *max);
    let too_large = || {
        let detail = format!("body is larger than {max} bytes: send less at once");
        Failure::of(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail)
    };
    let declared = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    if declared.and_then(|length| length.parse::<u64>().ok()).is_some_and(|n| n > max as u64) {
        return Err(too_large());
    }
    let deadline = Instant::now() + limits.body_within;
    let mut body = BytesMut::new();
    loop {
        match timeout_at(deadline, payload.next()).await {
            Ok(None) => return Ok(body.freeze()),
            Ok(Some(Ok(chunk))) if body.len() + chunk.len() <= max => body.extend(chunk),
            Ok(Some(Ok(_))) => return Err(too_large()),
            Ok(Some(Err(error))) => {
                let detail = format!("body could not be read: {error}");
                return Err(Failure::of(StatusCode::BAD_REQUEST, "malformed", detail));
            }
            Err(_) => {
                let within = limits.body_within.as_secs();
                let detail = format!("body has not arrived within {within} s");
                return Err(Failure::of(StatusCode::REQUEST_TIMEOUT, "body_too_slow", detail));
            }
        }
    }
}
