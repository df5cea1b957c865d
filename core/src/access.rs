//! Who may ask what. Looked at again in every decision, because between the check at the border
//! and the decision a credential may end.
use crate::{
    Command, Principal, Timestamp,
    command::Asker,
    edge::{self, Edge},
};

/// The sender may not ask this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// The command is for others.
    #[error("{asker} may not ask this: it is for {needed}")]
    NotPermitted {
        /// Who asked.
        asker: &'static str,
        /// Who may.
        needed: &'static str,
    },
}

/// Refuses senders who may not ask a command. `edge` is the sender's, if it is one.
pub(crate) fn check(
    principal: &Principal,
    command: &Command,
    edge: Option<&Edge>,
    now: Timestamp,
) -> Result<(), crate::Rejection> {
    match (command.asker(), principal) {
        (Asker::System | Asker::Operator, Principal::System)
        | (Asker::Operator, Principal::Operator { .. })
        | (Asker::Enrollee, Principal::Enrollee { .. }) => Ok(()),
        (Asker::Edge, Principal::Edge { credential, .. }) => {
            let edge = edge.ok_or(edge::Rejection::CredentialEnded)?;
            let shown = edge.credential(*credential).filter(|shown| shown.holds(now));
            shown.ok_or(edge::Rejection::CredentialEnded)?;
            Ok(edge.talks()?)
        }
        (asker, principal) => {
            let needed = match asker {
                Asker::System => "the ledger itself",
                Asker::Operator => "operators",
                Asker::Enrollee => "machines with an enrollment token",
                Asker::Edge => "edges",
            };
            let asker = match principal {
                Principal::System => "the ledger itself",
                Principal::Operator { .. } => "an operator",
                Principal::Enrollee { .. } => "a machine with an enrollment token",
                Principal::Edge { .. } => "an edge",
            };
            Err(Rejection::NotPermitted { asker, needed }.into())
        }
    }
}
