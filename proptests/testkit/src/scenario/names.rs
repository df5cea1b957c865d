//! Names that people read, for ids that the ledger compares.
use std::collections::BTreeMap;

use edge_ledger_core::{CredentialId, EdgeId, TokenId};
use uuid::Uuid;

/// The names used so far, with the id each stands for.
#[derive(Debug, Default)]
pub(super) struct Names {
    ids: BTreeMap<(Kind, String), Uuid>,
    given: BTreeMap<String, u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Edge = 1,
    Token = 2,
    Credential = 3,
}

impl Names {
    pub(super) fn edge(&mut self, name: &str) -> EdgeId {
        EdgeId::from_uuid(self.id(Kind::Edge, name))
    }

    pub(super) fn token(&mut self, name: &str) -> TokenId {
        TokenId::from_uuid(self.id(Kind::Token, name))
    }

    pub(super) fn credential(&mut self, name: &str) -> CredentialId {
        CredentialId::from_uuid(self.id(Kind::Credential, name))
    }

    /// Returns the name of the credential that an edge was given last: `rack.1`, `rack.2` and so
    /// on.
    pub(super) fn newest_credential(&self, edge: &str) -> String {
        format!("{edge}.{}", self.given.get(edge).copied().unwrap_or(1))
    }

    /// Returns the name of the credential that an edge would be given next.
    pub(super) fn next_credential(&self, edge: &str) -> String {
        format!("{edge}.{}", self.given.get(edge).copied().unwrap_or(0) + 1)
    }

    /// Notes that an edge was given its next credential.
    pub(super) fn was_given_credential(&mut self, edge: EdgeId) {
        if let Some(name) = self.name_of(edge) {
            *self.given.entry(name).or_default() += 1;
        }
    }

    pub(super) fn name_of(&self, edge: EdgeId) -> Option<String> {
        self.ids.iter().find(|(_, id)| *id == edge.as_uuid()).map(|((_, name), _)| name.clone())
    }

    /// Puts names where ids are, and shortens digests.
    pub(super) fn shown(&self, text: &str) -> String {
        let named = self
            .ids
            .iter()
            .fold(text.to_owned(), |text, ((_, name), id)| text.replace(&id.to_string(), name));
        shorten_digests(&named)
    }

    fn id(&mut self, kind: Kind, name: &str) -> Uuid {
        let next = Uuid::from_u64_pair(kind as u64, self.ids.len() as u64 + 1);
        *self.ids.entry((kind, name.to_owned())).or_insert(next)
    }
}

fn shorten_digests(text: &str) -> String {
    let mut shown = String::new();
    let mut digits = 0;
    for c in text.chars() {
        digits = if matches!(c, '0'..='9' | 'a'..='f') { digits + 1 } else { 0 };
        shown.push(c);
        if digits == 64 {
            shown.truncate(shown.len() - 64 + 6);
            shown.push('…');
            digits = 0;
        }
    }
    shown
}
