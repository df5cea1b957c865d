//! `/v1/tokens`: enrollment tokens.
use actix_web::{
    HttpResponse,
    http::header,
    web::{Json, Path},
};
use edge_ledger_core::{
    Command, Event, JournalReader, Position, TokenId,
    enrollment::{self, Grant},
};
use edge_ledger_engine::{Receipt, mint};
use edge_ledger_wire::operator::{CreateToken, Nothing, Page, Token, TokenAnswer};

use crate::{
    asked::{FromOperator, ToShow},
    problem::Failure,
    query::{Bare, Paging},
    secret::{Kind, Secret},
};

pub(crate) async fn create<R: JournalReader>(
    asked: FromOperator<R, CreateToken>,
) -> Result<HttpResponse, Failure> {
    let id = mint::token_id();
    let secret = Secret::mint(Kind::EnrollmentToken, id.as_uuid())?;
    let CreateToken { name, max_uses, expires_in, device_number, labels } = asked.request;
    let grant = Grant {
        name,
        secret: asked.gateway.keys.digest(&secret),
        max_uses,
        expires_at: asked.gateway.handle.now().after(expires_in),
        device_number,
        labels,
    };
    let command = Command::Token(id, enrollment::Command::Create(Box::new(grant)));
    let show = move |receipt: Receipt<'_>| {
        let made = created(receipt)?;
        let details = Token::of(made, receipt.ledger.token(made)?, receipt.now);
        Some(TokenAnswer { token: (made == id).then(|| secret.expose().to_owned()), details })
    };
    let answer = asked.gateway.execute(asked.cause, command, show).await?;
    let answer = answer.expect("a token is made by the commit that answers for it");
    Ok(HttpResponse::Created().insert_header((header::CACHE_CONTROL, "no-store")).json(answer))
}

pub(crate) async fn list<R: JournalReader>(
    asked: ToShow<R, Paging>,
) -> Result<Json<Page<Token>>, Failure> {
    let Paging { after, limit } = asked.query;
    let tokens = asked.gateway.handle.view(|ledger, now| {
        let tokens = ledger.tokens_after(Position::new(after)).take(limit + 1);
        tokens.map(|(id, token)| Token::of(id, token, now)).collect()
    });
    Ok(Json(Page::cut(tokens.await?, limit, |token| token.position.to_string())))
}

pub(crate) async fn show<R: JournalReader>(
    id: Path<String>,
    asked: ToShow<R, Bare>,
) -> Result<Json<Token>, Failure> {
    let id = token_id(&id)?;
    let token =
        asked.gateway.handle.view(|ledger, now| Some(Token::of(id, ledger.token(id)?, now)));
    token.await?.map(Json).ok_or_else(unknown)
}

pub(crate) async fn revoke<R: JournalReader>(
    id: Path<String>,
    asked: FromOperator<R, Nothing>,
) -> Result<Json<Token>, Failure> {
    let id = token_id(&id)?;
    let command = Command::Token(id, enrollment::Command::Revoke);
    let show =
        move |receipt: Receipt<'_>| Some(Token::of(id, receipt.ledger.token(id)?, receipt.now));
    asked.gateway.execute(asked.cause, command, show).await?.map(Json).ok_or_else(unknown)
}

/// Returns the token that the commit made: another than ours if the request is a repeated one.
fn created(receipt: Receipt<'_>) -> Option<TokenId> {
    receipt.commit?.events.iter().find_map(|event| match event {
        Event::Token { id, what: enrollment::Event::Created(_) } => Some(*id),
        Event::Ledger(_) | Event::Token { .. } | Event::Edge { .. } | Event::Task { .. } => None,
    })
}

fn token_id(text: &str) -> Result<TokenId, Failure> {
    text.parse().map_err(|_| unknown())
}

fn unknown() -> Failure {
    enrollment_unknown().into()
}

const fn enrollment_unknown() -> edge_ledger_core::Rejection {
    edge_ledger_core::Rejection::Token(enrollment::Rejection::Unknown)
}
