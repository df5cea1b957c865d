//! How events change an edge.
use crate::{Labels, Millis, Position, Timestamp, credential::Credential};

use super::{Contact, Edge, Event, Health, Identity, Standing, health::keep_or_set};

impl Edge {
    pub(crate) fn registered(
        identity: &Identity,
        labels: &Labels,
        at: Position,
        now: Timestamp,
    ) -> Self {
        Self {
            identity: identity.clone(),
            registered: at,
            registered_at: now,
            labels: labels.clone(),
            capacity: 1,
            standing: Standing::Active,
            failures: 0,
            credentials: Vec::new(),
            health: Health::default(),
            contact: None,
            changes: 1,
        }
    }

    pub(crate) fn evolve(&mut self, event: &Event, at: Position, now: Timestamp) {
        self.changes += 1;
        match event {
            Event::Registered { .. } => {}
            Event::Reregistered { identity, .. } => self.reregistered(identity),
            Event::CredentialIssued { credential, secret } => {
                // Few edges ever have a second one beside it.
                self.credentials.reserve_exact(1);
                self.credentials.push(Credential {
                    id: *credential,
                    secret: *secret,
                    issued: at,
                    issued_at: now,
                    expires_at: None,
                });
            }
            Event::CredentialExpirySet { credential, expires_at } => {
                for known in self.credentials.iter_mut().filter(|known| known.id == *credential) {
                    known.expires_at = Some(*expires_at);
                }
            }
            Event::CredentialEnded { credential, .. } => {
                self.credentials.retain(|known| known.id != *credential);
            }
            Event::Reported(report) => self.health.evolve(report, &mut self.identity, now),
            Event::FailureCounted { failures } => self.failures = *failures,
            Event::FailuresCleared => self.failures = 0,
            Event::Quarantined { .. } => self.standing = Standing::Quarantined { since: now },
            Event::Disabled { reason } => {
                self.standing = Standing::Disabled { since: now, reason: reason.clone() };
            }
            Event::Released | Event::Enabled => {
                self.standing = Standing::Active;
                self.failures = 0;
            }
            Event::LabelsSet(labels) => self.labels = labels.clone(),
            Event::CapacitySet(capacity) => self.capacity = *capacity,
        }
    }

    fn reregistered(&mut self, identity: &Identity) {
        let Identity { device_number, display_name, platform, arch, version } = identity;
        self.identity.device_number.clone_from(device_number);
        self.identity.display_name.clone_from(display_name);
        keep_or_set(&mut self.identity.platform, platform);
        keep_or_set(&mut self.identity.arch, arch);
        keep_or_set(&mut self.identity.version, version);
    }

    pub(crate) fn contacted(&mut self, at: Timestamp, open: Millis) {
        self.contact = Some(Contact { at, open });
    }
}
