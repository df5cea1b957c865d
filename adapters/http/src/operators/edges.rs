//! `/v1/edges`: edges.
use actix_web::{
    HttpResponse,
    http::header,
    web::{Json, Path},
};
use edge_ledger_core::{
    Command, CredentialId, EdgeId, Event, JournalReader, Ledger, Liveness, Position, Rejection,
    Thresholds, Timestamp, edge, view::EdgeView,
};
use edge_ledger_engine::{Receipt, mint};
use edge_ledger_wire::{
    Malformed,
    operator::{
        CredentialAnswer, Disable, Edge, EdgeStatus, Nothing, Page, Revoke, Rotate, SetCapacity,
        SetLabels,
    },
};

use crate::{
    asked::{FromOperator, ToShow},
    problem::Failure,
    query::{At, Paging, Parameters, word},
    secret::{Kind, Secret},
};

/// Which edges.
#[derive(Debug)]
pub(crate) struct Which {
    paging: Paging,
    liveness: Option<Liveness>,
    status: Option<EdgeStatus>,
}

impl TryFrom<&Parameters> for Which {
    type Error = Malformed;

    fn try_from(parameters: &Parameters) -> Result<Self, Malformed> {
        Ok(Self {
            paging: Paging::try_from(parameters)?,
            liveness: parameters.optional("liveness", word("ONLINE, STALE, OFFLINE"))?,
            status: parameters.optional("status", word("ACTIVE, QUARANTINED, DISABLED"))?,
        })
    }
}

pub(crate) async fn list<R: JournalReader>(
    asked: ToShow<R, Which>,
) -> Result<Json<Page<Edge>>, Failure> {
    let Which { paging: Paging { after, limit }, liveness, status } = asked.query;
    let thresholds = asked.gateway.thresholds;
    let edges = asked.gateway.handle.view(|ledger, now| {
        let edges = ledger.edges_after(Position::new(after));
        let shown = edges.filter_map(|(id, _)| shown(ledger, id, &thresholds, now));
        let wanted = shown.filter(|edge| {
            liveness.is_none_or(|wanted| edge.liveness == wanted)
                && status.is_none_or(|wanted| edge.status == wanted)
        });
        wanted.take(limit + 1).collect()
    });
    Ok(Json(Page::cut(edges.await?, limit, |edge: &Edge| edge.position.to_string())))
}

pub(crate) async fn show<R: JournalReader>(
    id: Path<String>,
    asked: ToShow<R, At>,
) -> Result<Json<Edge>, Failure> {
    let id = edge_id(&id)?;
    let (At(moment), thresholds) = (asked.query, asked.gateway.thresholds);
    let look = move |ledger: &Ledger, now| shown(ledger, id, &thresholds, now);
    asked.gateway.look(moment, look).await?.map(Json).ok_or_else(|| unknown(id))
}

pub(crate) async fn disable<R: JournalReader>(
    id: Path<String>,
    asked: FromOperator<R, Disable>,
) -> Result<Json<Edge>, Failure> {
    done(&id, asked).await
}

pub(crate) async fn enable<R: JournalReader>(
    id: Path<String>,
    asked: FromOperator<R, Nothing>,
) -> Result<Json<Edge>, Failure> {
    done(&id, asked.for_edge(edge::Command::Enable)).await
}

pub(crate) async fn release<R: JournalReader>(
    id: Path<String>,
    asked: FromOperator<R, Nothing>,
) -> Result<Json<Edge>, Failure> {
    done(&id, asked.for_edge(edge::Command::Release)).await
}

pub(crate) async fn set_labels<R: JournalReader>(
    id: Path<String>,
    asked: FromOperator<R, SetLabels>,
) -> Result<Json<Edge>, Failure> {
    done(&id, asked).await
}

pub(crate) async fn set_capacity<R: JournalReader>(
    id: Path<String>,
    asked: FromOperator<R, SetCapacity>,
) -> Result<Json<Edge>, Failure> {
    done(&id, asked).await
}

pub(crate) async fn revoke<R: JournalReader>(
    id: Path<String>,
    asked: FromOperator<R, Revoke>,
) -> Result<Json<Edge>, Failure> {
    done(&id, asked).await
}

pub(crate) async fn rotate<R: JournalReader>(
    id: Path<String>,
    asked: FromOperator<R, Rotate>,
) -> Result<HttpResponse, Failure> {
    let (id, thresholds) = (edge_id(&id)?, asked.gateway.thresholds);
    let credential = mint::credential_id();
    let fresh = Secret::mint(Kind::Credential, credential.as_uuid())?;
    let secret = asked.gateway.keys.digest(&fresh);
    let overlap = asked.request.overlap;
    let command = edge::Command::RotateCredential { credential, secret, overlap };
    let show = move |receipt: Receipt<'_>| {
        let issued = issued(receipt)?;
        Some(CredentialAnswer {
            credential: (issued == credential).then(|| fresh.expose().to_owned()),
            credential_id: issued.to_string(),
            edge: shown(receipt.ledger, id, &thresholds, receipt.now)?,
        })
    };
    let answer = asked.gateway.execute(asked.cause, Command::Edge(id, command), show).await?;
    let answer = answer.expect("a credential is issued by the commit that answers for it");
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(answer))
}

impl<R> FromOperator<R, Nothing> {
    fn for_edge(self, request: edge::Command) -> FromOperator<R, edge::Command> {
        FromOperator { gateway: self.gateway, cause: self.cause, request }
    }
}

async fn done<R: JournalReader, T: Into<edge::Command>>(
    id: &str,
    asked: FromOperator<R, T>,
) -> Result<Json<Edge>, Failure> {
    let (id, thresholds) = (edge_id(id)?, asked.gateway.thresholds);
    let command = Command::Edge(id, asked.request.into());
    let show = move |receipt: Receipt<'_>| shown(receipt.ledger, id, &thresholds, receipt.now);
    asked.gateway.execute(asked.cause, command, show).await?.map(Json).ok_or_else(|| unknown(id))
}

fn shown(ledger: &Ledger, id: EdgeId, thresholds: &Thresholds, now: Timestamp) -> Option<Edge> {
    EdgeView::of(ledger, id, thresholds, now).as_ref().map(Edge::from)
}

/// Returns the credential that the commit issued: another than ours if the request is a repeated
/// one.
fn issued(receipt: Receipt<'_>) -> Option<CredentialId> {
    receipt.commit?.events.iter().find_map(|event| match event {
        Event::Edge { what: edge::Event::CredentialIssued { credential, .. }, .. } => {
            Some(*credential)
        }
        Event::Ledger(_) | Event::Token { .. } | Event::Edge { .. } | Event::Task { .. } => None,
    })
}

fn edge_id(text: &str) -> Result<EdgeId, Failure> {
    text.parse().map_err(|_| {
        let detail = format!("edge {text} is not registered: the id of an edge is a UUID");
        Failure::not_found("edge_unknown", detail)
    })
}

fn unknown(id: EdgeId) -> Failure {
    Rejection::Edge(edge::Rejection::Unknown(id)).into()
}
