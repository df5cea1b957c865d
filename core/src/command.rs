//! The sum of all that may be asked.
use serde::{Deserialize, Serialize};

use crate::{EdgeId, TaskId, TokenId, edge, enrollment, lifecycle, task};

/// A wish, addressed to one subject or left to the ledger to place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// About the ledger itself.
    Ledger(lifecycle::Command),
    /// About an enrollment token.
    Token(TokenId, enrollment::Command),
    /// A machine asks to be an edge.
    Register(Box<edge::Registration>),
    /// An operator asks about an edge.
    Edge(EdgeId, edge::Command),
    /// The asking edge reports its health.
    Report(Box<edge::Report>),
    /// The asking edge asks for work.
    Poll(task::Poll),
    /// Tasks are to be added, all or none.
    Submit(Vec<task::Submission>),
    /// About one task.
    Task(TaskId, task::Command),
}

/// Who may ask a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asker {
    /// The ledger's own process only.
    System,
    /// An operator, or the ledger's own process.
    Operator,
    /// A machine with an enrollment token.
    Enrollee,
    /// An edge.
    Edge,
}

impl Command {
    pub(crate) const fn asker(&self) -> Asker {
        match self {
            Self::Ledger(_) | Self::Task(_, task::Command::System(_)) => Asker::System,
            Self::Token(..)
            | Self::Edge(..)
            | Self::Submit(_)
            | Self::Task(_, task::Command::Operator(_)) => Asker::Operator,
            Self::Register(_) => Asker::Enrollee,
            Self::Report(_) | Self::Poll(_) | Self::Task(_, task::Command::Holder(..)) => {
                Asker::Edge
            }
        }
    }
}
