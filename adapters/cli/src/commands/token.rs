//! `token`: enrollment tokens.

use std::collections::BTreeMap;

use anyhow::Result;
use clap::{Args, Subcommand};
use edge_ledger_wire::operator::{Token, TokenAnswer, TokenStatus};
use serde::Serialize;

use crate::{
    client::{Client, OperatorArgs, wait},
    config::Span,
    context::Context,
    exit::Exit,
    labels::Label,
    output::{Cell, Output, Table, note},
};

/// Let machines in: make, list and revoke enrollment tokens.
#[derive(Debug, Args)]
pub(crate) struct TokenArgs {
    #[command(flatten)]
    operator: OperatorArgs,
    #[command(subcommand)]
    command: TokenCommand,
}

#[derive(Debug, Subcommand)]
enum TokenCommand {
    /// Make a token. It is shown this once.
    Create(CreateArgs),
    /// List the tokens.
    List,
    /// End a token. The edges that came by it stay.
    Revoke {
        /// The token's id, as the list has it.
        token: String,
    },
}

/// A token is to be made.
#[derive(Debug, Args, Serialize)]
#[serde(rename_all = "camelCase")]
struct CreateArgs {
    /// What to call it.
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// How many machines it lets in [default: 1].
    #[arg(long = "uses", value_name = "COUNT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    max_uses: Option<u32>,
    /// How long it is good [default: 1d].
    #[arg(long = "expires-in", value_name = "TIME")]
    #[serde(rename = "expiresInSeconds", skip_serializing_if = "Option::is_none")]
    #[serde(serialize_with = "Span::as_seconds")]
    expires_in: Option<Span>,
    /// The number of the one device it lets in: also one that is registered, which then gets a new
    /// credential.
    #[arg(long = "device", value_name = "NUMBER")]
    #[serde(skip_serializing_if = "Option::is_none")]
    device_number: Option<String>,
    /// A label of the edges it lets in; may be repeated.
    #[arg(long = "label", value_name = "NAME=VALUE")]
    #[serde(serialize_with = "Label::as_object", skip_serializing_if = "Vec::is_empty")]
    labels: Vec<Label>,
}

pub(crate) fn run(args: TokenArgs, context: &Context) -> Result<Exit> {
    let client = args.operator.settle(context).client()?;
    let output = context.output;
    wait(async {
        match args.command {
            TokenCommand::Create(args) => create(&args, &client, output).await,
            TokenCommand::List => list(&client, output).await,
            TokenCommand::Revoke { token } => revoke(&token, &client, output).await,
        }
    })
}

async fn create(args: &CreateArgs, client: &Client, output: Output) -> Result<Exit> {
    let answer = client.post(&["tokens"], args).await?;
    if output.is_json() {
        output.json(&answer)?;
        return Ok(Exit::Ok);
    }
    let TokenAnswer { token, details } = answer.read()?;
    if let Some(token) = token {
        output.text(&token)?;
    }
    let Token { id, max_uses, expires_at, .. } = details;
    note(&format!("token {id}, shown this once; uses: {max_uses}, until {expires_at}"));
    Ok(Exit::Ok)
}

async fn list(client: &Client, output: Output) -> Result<Exit> {
    let list = client.list(&["tokens"], &[], usize::MAX).await?;
    if output.is_json() {
        output.json(&list)?;
        return Ok(Exit::Ok);
    }
    let mut table = Table::new(["TOKEN", "NAME", "STATUS", "USES", "EXPIRES AT", "DEVICE"]);
    for token in list.read::<Token>()? {
        table.row(row(&token));
    }
    output.table(&table, "there are no tokens")?;
    Ok(Exit::Ok)
}

async fn revoke(token: &str, client: &Client, output: Output) -> Result<Exit> {
    let answer = client.post(&["tokens", token, "revoke"], &BTreeMap::<(), ()>::new()).await?;
    match output.is_json() {
        true => output.json(&answer)?,
        false => note(&format!("token {token} is revoked")),
    }
    Ok(Exit::Ok)
}

fn row(token: &Token) -> [Cell; 6] {
    [
        Cell::new(&token.id),
        Cell::new(&token.name),
        match token.status {
            TokenStatus::Active => Cell::new("ACTIVE").good(),
            TokenStatus::UsedUp => Cell::new("USED_UP"),
            TokenStatus::Expired => Cell::new("EXPIRED"),
            TokenStatus::Revoked => Cell::new("REVOKED"),
            _ => Cell::new("?"),
        },
        Cell::new(format!("{} of {}", token.uses, token.max_uses)),
        Cell::new(&token.expires_at),
        Cell::maybe(token.device_number.as_ref()),
    ]
}
