//! What commands about an edge make happen.
use crate::{
    CredentialId, EdgeId, Timestamp, TokenId,
    credential::{self, Credential, EndReason},
    enrollment::{self, Token},
    idempotency::{self, Answer},
    task,
    time::Millis,
};

use super::{Command, Edge, Event, QUARANTINE_AFTER, Registration, Rejection, Report, Standing};

/// All that a registration may look at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Registering<'a> {
    /// The token presented.
    pub(crate) token: Option<&'a Token>,
    /// Its id.
    pub(crate) token_id: TokenId,
    /// The edge that has the device number already.
    pub(crate) taken: Option<(EdgeId, &'a Edge)>,
    /// Whether an edge has the id that was minted for this one.
    pub(crate) id_taken: bool,
    /// Whether an edge has the credential id that was minted for this one.
    pub(crate) credential_taken: bool,
    /// The commit that answered this very request once.
    pub(crate) repeats: Result<Option<&'a Answer>, idempotency::Rejection>,
}

/// A registration in one event list an edge, or a refusal.
pub(crate) struct Registered {
    pub(crate) edge: EdgeId,
    pub(crate) uses_token: bool,
    pub(crate) events: Vec<Event>,
}

/// Decides a registration. The token is looked at first: who has none learns nothing.
pub(crate) fn register(
    facts: Registering<'_>,
    registration: Registration,
    now: Timestamp,
) -> Result<Registered, crate::Rejection> {
    let token = facts.token.ok_or(enrollment::Rejection::Unrecognized)?;
    if let Some(refusal) = token.refusal(now) {
        return Err(refusal.into());
    }
    let repeats = facts.repeats?;
    if facts.credential_taken {
        return Err(Rejection::CredentialTaken(registration.credential).into());
    }
    let issued = Event::CredentialIssued {
        credential: registration.credential,
        secret: registration.secret,
    };
    if let (Some(first), Some((edge, known))) = (repeats, facts.taken) {
        known.talks()?;
        // An operator who ended the first credential meant its holder: a repetition undoes nothing.
        let given = known
            .credentials
            .iter()
            .find(|given| first.after < given.issued && given.issued <= first.head)
            .ok_or(Rejection::CredentialEnded)?;
        let events = vec![ended(given, EndReason::Repeated), issued];
        return Ok(Registered { edge, uses_token: false, events });
    }
    if let Some(refusal) = token.used_up() {
        return Err(refusal.into());
    }
    let identity = registration.identity;
    let issued_for = token.grant().device_number.as_ref();
    if issued_for.is_some_and(|device| *device != identity.device_number) {
        return Err(enrollment::Rejection::OtherDevice.into());
    }
    let (edge, first, replaced) = match facts.taken {
        None if facts.id_taken => return Err(Rejection::IdTaken(registration.edge).into()),
        None => (
            registration.edge,
            Event::Registered {
                identity: Box::new(identity),
                token: facts.token_id,
                labels: token.grant().labels.clone(),
            },
            &[][..],
        ),
        Some(_) if issued_for.is_none() => {
            return Err(Rejection::DeviceTaken(identity.device_number).into());
        }
        Some((edge, known)) => {
            known.talks()?;
            let event = Event::Reregistered { identity: Box::new(identity), token: facts.token_id };
            (edge, event, &known.credentials[..])
        }
    };
    let events = [first]
        .into_iter()
        .chain(replaced.iter().map(|credential| ended(credential, EndReason::Reregistered)))
        .chain([issued])
        .collect();
    Ok(Registered { edge, uses_token: true, events })
}

/// What a command about an edge makes happen, to it and to the leases it holds.
pub(crate) struct Decided {
    pub(crate) events: Vec<Event>,
    pub(crate) leases_end: Option<task::EndReason>,
}

pub(crate) fn decide(
    edge: &Edge,
    command: Command,
    credential_taken: bool,
    now: Timestamp,
) -> Result<Decided, Rejection> {
    let only =
        |event: Option<Event>| Decided { events: event.into_iter().collect(), leases_end: None };
    Ok(match (command, &edge.standing) {
        (Command::Disable { .. }, Standing::Disabled { .. }) => only(None),
        (Command::Disable { reason }, Standing::Active | Standing::Quarantined { .. }) => Decided {
            events: vec![Event::Disabled { reason }],
            leases_end: Some(task::EndReason::EdgeDisabled),
        },
        (Command::Enable, Standing::Disabled { .. }) => only(Some(Event::Enabled)),
        (Command::Enable, Standing::Active | Standing::Quarantined { .. }) => only(None),
        (Command::Release, Standing::Quarantined { .. }) => only(Some(Event::Released)),
        (Command::Release, Standing::Active | Standing::Disabled { .. }) => only(None),
        (Command::SetLabels(labels), _) => {
            only((edge.labels != labels).then_some(Event::LabelsSet(labels)))
        }
        (Command::SetCapacity(capacity), _) => {
            only((edge.capacity != capacity).then_some(Event::CapacitySet(capacity)))
        }
        (Command::RotateCredential { credential, .. }, _) if credential_taken => {
            return Err(Rejection::CredentialTaken(credential));
        }
        (Command::RotateCredential { credential, secret, overlap }, _) => {
            let issued = Event::CredentialIssued { credential, secret };
            let events =
                edge.credentials.iter().map(|old| rotated(old, overlap, now)).chain([issued]);
            Decided { events: events.collect(), leases_end: None }
        }
        (Command::RevokeCredentials { only: Some(id) }, _) if edge.credential(id).is_none() => {
            return Err(Rejection::CredentialUnknown(id));
        }
        (Command::RevokeCredentials { only }, _) => revoke(edge, only, now),
    })
}

/// Decides a report of an edge's health: it is always news that the edge is there.
pub(crate) fn report(report: Report) -> Event {
    Event::Reported(Box::new(report))
}

/// Counts one more failure in a row against an edge.
pub(crate) fn count_failure(edge: &Edge) -> Vec<Event> {
    let failures = edge.failures.saturating_add(1);
    let quarantines = failures >= QUARANTINE_AFTER && matches!(edge.standing, Standing::Active);
    let counted = Event::FailureCounted { failures };
    [counted].into_iter().chain(quarantines.then_some(Event::Quarantined { failures })).collect()
}

fn revoke(edge: &Edge, only: Option<CredentialId>, now: Timestamp) -> Decided {
    let (revoked, kept): (Vec<_>, Vec<_>) =
        edge.credentials.iter().partition(|credential| only.is_none_or(|id| credential.id == id));
    let silenced = !revoked.is_empty() && !kept.iter().any(|credential| credential.holds(now));
    Decided {
        events: revoked.into_iter().map(|old| ended(old, EndReason::Revoked)).collect(),
        leases_end: silenced.then_some(task::EndReason::CredentialRevoked),
    }
}

fn rotated(old: &Credential, overlap: Millis, now: Timestamp) -> Event {
    let expires_at = credential::overlap_end(old, overlap, now);
    if expires_at <= now {
        return ended(old, EndReason::Rotated);
    }
    Event::CredentialExpirySet { credential: old.id, expires_at }
}

const fn ended(credential: &Credential, reason: EndReason) -> Event {
    Event::CredentialEnded { credential: credential.id, reason }
}

impl Edge {
    /// Returns one of its credentials that has not been ended.
    #[must_use]
    pub fn credential(&self, id: CredentialId) -> Option<&Credential> {
        self.credentials.iter().find(|credential| credential.id == id)
    }

    /// Refuses a disabled edge.
    pub(crate) fn talks(&self) -> Result<(), Rejection> {
        match &self.standing {
            Standing::Active | Standing::Quarantined { .. } => Ok(()),
            Standing::Disabled { reason, .. } => Err(Rejection::Disabled(reason.clone())),
        }
    }
}
