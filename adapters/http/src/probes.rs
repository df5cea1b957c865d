//! What whoever runs the gateway asks, without a secret.
use actix_web::web::{Data, Json};
use edge_ledger_core::{JournalReader, codec};
use edge_ledger_engine::{Failing, Readiness};
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
    /// What is done beside the writer, and fails.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failing: Vec<Check>,
}

/// Something beside the writer that fails.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Check {
    name: &'static str,
    /// When it failed for the first time since it last went well.
    since: String,
    what: String,
    /// What to do.
    next: &'static str,
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

impl Check {
    fn of(Failing { duty, since, cause }: Failing) -> Self {
        let cause = cause.unwrap_or_else(|| "the gateway's log says why".to_owned());
        let what = format!("{}: {cause}", duty.what());
        Self { name: duty.name(), since: since.to_string(), what, next: duty.next() }
    }
}

pub(crate) async fn healthz() -> Json<Health> {
    Json(Health { status: "ok", clock_skew_ms: None, failing: vec![] })
}

pub(crate) async fn readyz<R: JournalReader>(
    gateway: Data<Gateway<R>>,
) -> Result<Json<Health>, Failure> {
    // It goes on answering durably whatever fails beside the writer: nobody is to stop sending it
    // requests because of that.
    let failing: Vec<_> = gateway.handle.upkeep().failing().into_iter().map(Check::of).collect();
    let status = if failing.is_empty() { "ready" } else { "degraded" };
    match gateway.handle.readiness() {
        Readiness::Ready => Ok(Json(Health { status, clock_skew_ms: None, failing })),
        Readiness::Skewed { by } => Ok(Json(Health { status, clock_skew_ms: Some(by.0), failing })),
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
