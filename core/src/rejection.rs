//! The sum of all refusals, with what a caller can do about each.
use crate::{access, edge, enrollment, idempotency, lifecycle, task};

/// Why the ledger refused a command. The ledger is as it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// The sender may not ask this.
    #[error(transparent)]
    Access(#[from] access::Rejection),
    /// The idempotency key stands for something else.
    #[error(transparent)]
    Idempotency(#[from] idempotency::Rejection),
    /// The ledger itself refused.
    #[error(transparent)]
    Ledger(#[from] lifecycle::Rejection),
    /// An enrollment token refused.
    #[error(transparent)]
    Token(#[from] enrollment::Rejection),
    /// An edge refused.
    #[error(transparent)]
    Edge(#[from] edge::Rejection),
    /// A task refused.
    #[error(transparent)]
    Task(#[from] task::Rejection),
}

/// What a caller can do about a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Show a secret that is in force.
    Unauthenticated,
    /// Ask an operator: the caller is known and may not.
    Forbidden,
    /// Name something that exists.
    NotFound,
    /// Look again: the subject has moved on.
    Conflict,
    /// Say something else: the content contradicts what is known.
    Unprocessable,
    /// Wait: the ledger does not serve.
    Unavailable,
}

impl Rejection {
    /// Returns the stable name of the refusal, for wire formats and metrics.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Access(access::Rejection::NotPermitted { .. }) => "access_not_permitted",
            Self::Idempotency(idempotency::Rejection::KeyReused) => "idempotency_key_reused",
            Self::Ledger(lifecycle::Rejection::Closed) => "ledger_closed",
            Self::Ledger(lifecycle::Rejection::EpochPassed { .. }) => "ledger_epoch_passed",
            Self::Ledger(lifecycle::Rejection::EpochOutOfRange { .. }) => {
                "ledger_epoch_out_of_range"
            }
            Self::Ledger(lifecycle::Rejection::ArchiveSize { .. }) => "ledger_archive_size",
            Self::Ledger(lifecycle::Rejection::ArchiveRepeats(_)) => "ledger_archive_repeats",
            Self::Ledger(lifecycle::Rejection::ArchiveUnfinished { .. }) => {
                "ledger_archive_unfinished"
            }
            Self::Token(refusal) => match refusal {
                enrollment::Rejection::Unknown => "token_unknown",
                enrollment::Rejection::Unrecognized => "token_unrecognized",
                enrollment::Rejection::IdTaken => "token_id_taken",
                enrollment::Rejection::Revoked => "token_revoked",
                enrollment::Rejection::Expired { .. } => "token_expired",
                enrollment::Rejection::UsedUp { .. } => "token_used_up",
                enrollment::Rejection::OtherDevice => "token_for_other_device",
            },
            Self::Edge(refusal) => match refusal {
                edge::Rejection::Unknown(_) => "edge_unknown",
                edge::Rejection::IdTaken(_) => "edge_id_taken",
                edge::Rejection::DeviceTaken(_) => "edge_device_taken",
                edge::Rejection::Disabled(_) => "edge_disabled",
                edge::Rejection::CredentialEnded => "edge_credential_ended",
                edge::Rejection::CredentialUnknown(_) => "edge_credential_unknown",
                edge::Rejection::CredentialTaken(_) => "edge_credential_taken",
            },
            Self::Task(refusal) => match refusal {
                task::Rejection::Unknown(_) => "task_unknown",
                task::Rejection::IdTaken(_) => "task_id_taken",
                task::Rejection::DedupeKeyTaken { .. } => "task_dedupe_key_taken",
                task::Rejection::EdgeUnknown(_) => "task_edge_unknown",
                task::Rejection::LeaseLost(_) => "task_lease_lost",
                task::Rejection::FenceStale(_) => "task_fence_stale",
                task::Rejection::WrongStatus { .. } => "task_wrong_status",
                task::Rejection::BestUnknown(_) => "task_best_unknown",
                task::Rejection::ProgressBeyondTotal { .. } => "task_progress_beyond_total",
                task::Rejection::TooManyRows { .. } => "task_too_many_rows",
                task::Rejection::LateResultsUnknown => "task_late_results_unknown",
            },
        }
    }

    /// Returns what kind of refusal it is.
    #[must_use]
    pub const fn class(&self) -> Class {
        match self {
            Self::Access(access::Rejection::NotPermitted { .. }) => Class::Forbidden,
            Self::Idempotency(idempotency::Rejection::KeyReused) => Class::Unprocessable,
            Self::Ledger(lifecycle::Rejection::Closed) => Class::Unavailable,
            Self::Ledger(
                lifecycle::Rejection::EpochPassed { .. }
                | lifecycle::Rejection::ArchiveUnfinished { .. },
            ) => Class::Conflict,
            Self::Ledger(
                lifecycle::Rejection::EpochOutOfRange { .. }
                | lifecycle::Rejection::ArchiveSize { .. }
                | lifecycle::Rejection::ArchiveRepeats(_),
            ) => Class::Unprocessable,
            Self::Token(refusal) => match refusal {
                enrollment::Rejection::Unknown => Class::NotFound,
                enrollment::Rejection::IdTaken => Class::Conflict,
                enrollment::Rejection::Unrecognized
                | enrollment::Rejection::Revoked
                | enrollment::Rejection::Expired { .. }
                | enrollment::Rejection::UsedUp { .. } => Class::Unauthenticated,
                enrollment::Rejection::OtherDevice => Class::Forbidden,
            },
            Self::Edge(refusal) => match refusal {
                edge::Rejection::CredentialEnded => Class::Unauthenticated,
                edge::Rejection::Disabled(_) => Class::Forbidden,
                edge::Rejection::Unknown(_) | edge::Rejection::CredentialUnknown(_) => {
                    Class::NotFound
                }
                edge::Rejection::IdTaken(_)
                | edge::Rejection::DeviceTaken(_)
                | edge::Rejection::CredentialTaken(_) => Class::Conflict,
            },
            Self::Task(refusal) => match refusal {
                task::Rejection::Unknown(_) | task::Rejection::LateResultsUnknown => {
                    Class::NotFound
                }
                task::Rejection::IdTaken(_)
                | task::Rejection::DedupeKeyTaken { .. }
                | task::Rejection::LeaseLost(_)
                | task::Rejection::FenceStale(_)
                | task::Rejection::WrongStatus { .. } => Class::Conflict,
                task::Rejection::EdgeUnknown(_)
                | task::Rejection::BestUnknown(_)
                | task::Rejection::ProgressBeyondTotal { .. }
                | task::Rejection::TooManyRows { .. } => Class::Unprocessable,
            },
        }
    }
}
