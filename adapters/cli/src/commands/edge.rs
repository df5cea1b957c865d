//! `edge`: the machines that run tasks.

mod look;

use anyhow::Result;
use clap::{Args, Subcommand};
use edge_ledger_wire::operator::{CredentialAnswer, Edge};
use serde_json::{Value, json};

pub(crate) use look::{liveness, silence};

use crate::{
    client::{Answer, Client, OperatorArgs, wait},
    config::Span,
    context::Context,
    exit::Exit,
    labels::Label,
    output::{Output, note},
};

/// Look after edges: list, show, disable, enable and release them, label them, end credentials.
#[derive(Debug, Args)]
pub(crate) struct EdgeArgs {
    #[command(flatten)]
    operator: OperatorArgs,
    #[command(subcommand)]
    command: EdgeCommand,
}

#[derive(Debug, Subcommand)]
enum EdgeCommand {
    List(look::ListArgs),
    Show(look::ShowArgs),
    /// Refuse an edge everywhere, and end its leases.
    Disable {
        /// Which.
        edge: String,
        /// Why, for those who look later.
        #[arg(long)]
        reason: Option<String>,
    },
    /// Let a disabled edge work again.
    Enable {
        /// Which.
        edge: String,
    },
    /// Lift the quarantine of an edge.
    Release {
        /// Which.
        edge: String,
    },
    /// Replace the labels of an edge.
    Labels {
        /// Which.
        edge: String,
        /// All the labels it is to have.
        #[arg(value_name = "NAME=VALUE", required_unless_present = "none")]
        labels: Vec<Label>,
        /// It is to have none.
        #[arg(long, conflicts_with = "labels")]
        none: bool,
    },
    /// Set the most tasks an edge may hold at once.
    Capacity {
        /// Which.
        edge: String,
        /// How many.
        count: u32,
    },
    /// Give an edge a new credential. It is shown this once.
    Rotate {
        /// Which.
        edge: String,
        /// How long the old ones live on, at most a day [default: 0s].
        #[arg(long, value_name = "TIME")]
        overlap: Option<Span>,
    },
    /// End the credentials of an edge, and with the last one its leases.
    Revoke {
        /// Which.
        edge: String,
        /// Only this one, by its id.
        #[arg(long, value_name = "ID")]
        credential: Option<String>,
    },
}

pub(crate) fn run(args: EdgeArgs, context: &Context) -> Result<Exit> {
    let client = args.operator.settle(context).client()?;
    let output = context.output;
    wait(async {
        let desk = Desk { client, output };
        match args.command {
            EdgeCommand::List(args) => look::list(&args, &desk.client, output).await,
            EdgeCommand::Show(args) => look::show(&args, &desk.client, output).await,
            EdgeCommand::Disable { edge, reason } => {
                desk.change(&edge, "disable", &reason_of(reason)).await
            }
            EdgeCommand::Enable { edge } => desk.change(&edge, "enable", &json!({})).await,
            EdgeCommand::Release { edge } => desk.change(&edge, "release", &json!({})).await,
            EdgeCommand::Labels { edge, labels, none: _ } => {
                desk.set(&edge, "labels", &json!({ "labels": Label::object(&labels) })).await
            }
            EdgeCommand::Capacity { edge, count } => {
                desk.set(&edge, "capacity", &json!({ "capacity": count })).await
            }
            EdgeCommand::Rotate { edge, overlap } => desk.rotate(&edge, overlap).await,
            EdgeCommand::Revoke { edge, credential } => {
                desk.change(&edge, "revoke", &only(credential)).await
            }
        }
    })
}

fn reason_of(reason: Option<String>) -> Value {
    reason.map_or_else(|| json!({}), |reason| json!({ "reason": reason }))
}

fn only(credential: Option<String>) -> Value {
    credential.map_or_else(|| json!({}), |id| json!({ "credentialId": id }))
}

/// Where edges are changed.
struct Desk {
    client: Client,
    output: Output,
}

impl Desk {
    async fn change(&self, edge: &str, how: &str, body: &Value) -> Result<Exit> {
        self.show(&self.client.post(&["edges", edge, how], body).await?)
    }

    async fn set(&self, edge: &str, what: &str, body: &Value) -> Result<Exit> {
        self.show(&self.client.put(&["edges", edge, what], body).await?)
    }

    fn show(&self, answer: &Answer) -> Result<Exit> {
        match self.output.is_json() {
            true => self.output.json(answer)?,
            false => look::table_of(&[answer.read::<Edge>()?], self.output)?,
        }
        Ok(Exit::Ok)
    }

    async fn rotate(&self, edge: &str, overlap: Option<Span>) -> Result<Exit> {
        let body =
            overlap.map_or_else(|| json!({}), |span| json!({ "overlapSeconds": span.0.as_secs() }));
        let answer = self.client.post(&["edges", edge, "rotate"], &body).await?;
        if self.output.is_json() {
            self.output.json(&answer)?;
            return Ok(Exit::Ok);
        }
        let CredentialAnswer { credential, credential_id, edge } = answer.read()?;
        if let Some(credential) = credential {
            self.output.text(&credential)?;
        }
        let name = crate::output::plain(&edge.display_name).into_owned();
        note(&format!("credential {credential_id} of {name}; shown this once"));
        Ok(Exit::Ok)
    }
}
