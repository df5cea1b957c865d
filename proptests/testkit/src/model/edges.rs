//! Tokens and edges.
use std::collections::BTreeMap;

use edge_ledger_core::{
    Cause, CredentialId, EdgeId, Labels, Principal, Timestamp, TokenId,
    edge::{Change, Command, Registration, Report, RuntimeState},
    enrollment::{self, Grant},
};

use super::{Answer, Model};

#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) grant: Grant,
    pub(super) uses: u32,
    pub(super) revoked: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Edge {
    pub(super) device: String,
    pub(super) labels: Labels,
    pub(super) capacity: u32,
    pub(super) disabled: bool,
    pub(super) quarantined: bool,
    pub(super) failures: u32,
    /// With the time at which each ends.
    pub(super) credentials: BTreeMap<CredentialId, Option<Timestamp>>,
    pub(super) contact: Option<(Timestamp, u64)>,
    pub(super) version: Option<String>,
    pub(super) state: Option<RuntimeState>,
    pub(super) active_task: Option<String>,
    pub(super) last_error: Option<String>,
}

impl Edge {
    pub(super) fn shows(
        &self,
        credential: CredentialId,
        now: Timestamp,
    ) -> Result<(), &'static str> {
        let holds =
            self.credentials.get(&credential).is_some_and(|end| end.is_none_or(|end| now < end));
        match (holds, self.disabled) {
            (false, _) => Err("edge_credential_ended"),
            (true, true) => Err("edge_disabled"),
            (true, false) => Ok(()),
        }
    }

    pub(super) fn failed(&mut self) {
        self.failures += 1;
        self.quarantined |= self.failures >= 3;
    }

    fn is_heard(&self, now: Timestamp) -> bool {
        self.credentials.values().any(|end| end.is_none_or(|end| now < end))
    }
}

impl Model {
    pub(super) fn of_device(&self, device: &str) -> Option<EdgeId> {
        self.edges.iter().find(|(_, edge)| edge.device == device).map(|(id, _)| *id)
    }

    pub(super) fn token(&mut self, id: TokenId, command: &enrollment::Command) -> Answer {
        match (command, self.tokens.get_mut(&id)) {
            (enrollment::Command::Create(grant), None) => {
                let token = Token { grant: (**grant).clone(), uses: 0, revoked: false };
                self.tokens.insert(id, token);
                Ok(true)
            }
            (enrollment::Command::Create(grant), Some(token)) if token.grant == **grant => {
                Ok(false)
            }
            (enrollment::Command::Create(_), Some(_)) => Err("token_id_taken"),
            (enrollment::Command::Revoke, None) => Err("token_unknown"),
            (enrollment::Command::Revoke, Some(token)) => {
                Ok(!std::mem::replace(&mut token.revoked, true))
            }
        }
    }

    pub(super) fn register(
        &mut self,
        registration: &Registration,
        cause: &Cause,
        now: Timestamp,
    ) -> Answer {
        let Principal::Enrollee { token } = cause.principal else { return Ok(false) };
        let token_id = token;
        let token = self.tokens.get(&token_id).ok_or("token_unrecognized")?;
        if token.revoked {
            return Err("token_revoked");
        }
        if now >= token.grant.expires_at {
            return Err("token_expired");
        }
        let repeats = self.known(cause, now)?.map(|known| known.credential);
        let device = &registration.identity.device_number;
        let known = self.of_device(device);
        if let (Some(first), Some(edge)) = (repeats, known.and_then(|id| self.edges.get_mut(&id))) {
            if edge.disabled {
                return Err("edge_disabled");
            }
            let first = first.and_then(|first| edge.credentials.remove(&first));
            if first.is_none() {
                return Err("edge_credential_ended");
            }
            edge.credentials.insert(registration.credential, None);
            return Ok(true);
        }
        if token.uses >= token.grant.max_uses {
            return Err("token_used_up");
        }
        let issued_for = token.grant.device_number.as_ref();
        if issued_for.is_some_and(|issued_for| issued_for != device) {
            return Err("token_for_other_device");
        }
        let id_is_taken = self.edges.contains_key(&registration.edge);
        match known.and_then(|id| self.edges.get_mut(&id)) {
            None if id_is_taken => return Err("edge_id_taken"),
            Some(_) if issued_for.is_none() => return Err("edge_device_taken"),
            Some(edge) if edge.disabled => return Err("edge_disabled"),
            Some(edge) => {
                edge.credentials = BTreeMap::from([(registration.credential, None)]);
                let version = registration.identity.version.as_deref().map(str::to_owned);
                edge.version = version.or_else(|| edge.version.take());
            }
            None => {
                let labels = token.grant.labels.clone();
                self.edges.insert(registration.edge, new_edge(registration, labels));
            }
        }
        self.tokens.entry(token_id).and_modify(|token| token.uses += 1);
        Ok(true)
    }

    pub(super) fn report(&mut self, id: EdgeId, report: &Report) -> Answer {
        let edge = self.edges.get_mut(&id).ok_or("edge_unknown")?;
        if let Some(version) = &report.version {
            edge.version = Some(version.to_string());
        }
        edge.state = report.runtime_state.or(edge.state);
        change(&mut edge.active_task, &report.active_task);
        change(&mut edge.last_error, &report.last_error);
        Ok(true)
    }

    pub(super) fn edge(&mut self, id: EdgeId, command: &Command, now: Timestamp) -> Answer {
        let taken = |id| self.edges.values().any(|edge| edge.credentials.contains_key(id));
        let is_taken = matches!(
            command,
            Command::RotateCredential { credential, .. } if taken(credential)
        );
        let edge = self.edges.get_mut(&id).ok_or("edge_unknown")?;
        match command {
            Command::RotateCredential { .. } if is_taken => Err("edge_credential_taken"),
            Command::Disable { .. } => {
                if std::mem::replace(&mut edge.disabled, true) {
                    return Ok(false);
                }
                self.leases_of_end(id);
                Ok(true)
            }
            Command::Enable => {
                if !std::mem::replace(&mut edge.disabled, false) {
                    return Ok(false);
                }
                (edge.quarantined, edge.failures) = (false, 0);
                Ok(true)
            }
            Command::Release => {
                if edge.disabled || !std::mem::replace(&mut edge.quarantined, false) {
                    return Ok(false);
                }
                edge.failures = 0;
                Ok(true)
            }
            Command::SetLabels(labels) => {
                Ok(std::mem::replace(&mut edge.labels, labels.clone()) != *labels)
            }
            Command::SetCapacity(capacity) => {
                Ok(std::mem::replace(&mut edge.capacity, *capacity) != *capacity)
            }
            Command::RotateCredential { credential, overlap, .. } => {
                let day = 24 * 60 * 60 * 1_000;
                let end = now.after(edge_ledger_core::time::Millis(overlap.0.min(day)));
                for ends in edge.credentials.values_mut() {
                    *ends = Some(ends.map_or(end, |ends| ends.min(end)));
                }
                edge.credentials.retain(|_, ends| ends.is_none_or(|ends| now < ends));
                edge.credentials.insert(*credential, None);
                Ok(true)
            }
            Command::RevokeCredentials { only } => {
                if only.is_some_and(|only| !edge.credentials.contains_key(&only)) {
                    return Err("edge_credential_unknown");
                }
                if edge.credentials.is_empty() {
                    return Ok(false);
                }
                edge.credentials.retain(|id, _| only.is_some_and(|only| only != *id));
                if !edge.is_heard(now) {
                    self.leases_of_end(id);
                }
                Ok(true)
            }
        }
    }

    /// Ends an edge's leases through no fault of the attempts.
    fn leases_of_end(&mut self, edge: EdgeId) {
        for task in self.tasks.values_mut().filter(|task| task.is_held_by(edge)) {
            task.give_up();
        }
    }
}

fn new_edge(registration: &Registration, labels: Labels) -> Edge {
    Edge {
        device: registration.identity.device_number.to_string(),
        labels,
        capacity: 1,
        disabled: false,
        quarantined: false,
        failures: 0,
        credentials: BTreeMap::from([(registration.credential, None)]),
        contact: None,
        version: registration.identity.version.as_deref().map(str::to_owned),
        state: None,
        active_task: None,
        last_error: None,
    }
}

fn change(value: &mut Option<String>, change: &Change<Box<str>>) {
    match change {
        Change::Keep => {}
        Change::Clear => *value = None,
        Change::Set(new) => *value = Some(new.to_string()),
    }
}
