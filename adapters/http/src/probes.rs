//! What whoever runs the gateway asks, without a secret.
use actix_web::web::{Data, Json};
use edge_ledger_core::{JournalReader, codec};
use edge_ledger_engine::Readiness;
use serde::Serialize;

use crate::{gateway::Gateway, problem::Failure};

/// The process is there, or can serve.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Health {
    status: &'static str,
    /// How far the wall clock is off, if that is worth telling.
    #[serde(skip_serializing_if = "Option::is_none")]
    clock_skew_ms: Option<u64>,
}

/// What runs.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Version {
    name: &'static str,
    version: &'static str,
    /// The newest format of the log that it reads, and the one it writes.
    log_format: u8,
}

pub(crate) async fn healthz() -> Json<Health> {
    Json(Health { status: "ok", clock_skew_ms: None })
}

pub(crate) async fn readyz<R: JournalReader>(
    gateway: Data<Gateway<R>>,
) -> Result<Json<Health>, Failure> {
    match gateway.handle.readiness() {
        Readiness::Ready => Ok(Json(Health { status: "ready", clock_skew_ms: None })),
        Readiness::Skewed { by } => Ok(Json(Health { status: "ready", clock_skew_ms: Some(by.0) })),
        Readiness::Stopped(stop) => {
            let detail = format!("{stop}: the gateway's log says more");
            Err(Failure::unavailable("stopped", detail))
        }
    }
}

pub(crate) async fn version() -> Json<Version> {
    Json(Version {
        name: "edge-ledger",
        version: env!("CARGO_PKG_VERSION"),
        log_format: codec::FORMAT,
    })
}
