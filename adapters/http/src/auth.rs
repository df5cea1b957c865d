//! Who asks, by the secret they show.
use actix_web::http::header::{AUTHORIZATION, HeaderMap};
use edge_ledger_core::{
    CredentialId, Digest, EdgeId, JournalReader, Ledger, Principal, Timestamp, TokenId,
};

use crate::{
    gateway::Gateway,
    problem::Failure,
    secret::{Kind, Secret},
};

/// An edge, as its credential shows. Decide looks again whether the credential still holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Speaker {
    pub(crate) edge: EdgeId,
    pub(crate) credential: CredentialId,
}

impl Speaker {
    /// Refuses an edge that speaks in another's name.
    pub(crate) fn is(self, worker_id: &str) -> Result<(), Failure> {
        if worker_id.parse() == Ok(self.edge) {
            return Ok(());
        }
        let detail = format!("workerId: the credential is that of edge {}", self.edge);
        Err(Failure::forbidden("worker_id_differs", detail))
    }

    pub(crate) const fn principal(self) -> Principal {
        Principal::Edge { edge: self.edge, credential: self.credential }
    }
}

impl<R: JournalReader> Gateway<R> {
    /// Recognises an edge by the credential it shows.
    pub(crate) async fn edge(&self, headers: &HeaderMap) -> Result<Speaker, Failure> {
        let shown = bearer(headers).ok_or_else(Failure::unauthenticated)?;
        let id = shown.id(Kind::Credential).map(CredentialId::from_uuid);
        let find = |ledger: &Ledger, now| {
            let (edge, known) = ledger.edge_with_credential(id?)?;
            let credential = known.credential(id?).filter(|credential| credential.holds(now))?;
            Some((Speaker { edge, credential: credential.id }, credential.secret))
        };
        self.recognise(&shown, find).await
    }

    /// Recognises an enrollment token. Whether it is still in force is for decide to say.
    pub(crate) async fn enrollee(&self, shown: Option<&Secret>) -> Result<TokenId, Failure> {
        let shown = shown.ok_or_else(Failure::unauthenticated)?;
        let id = shown.id(Kind::EnrollmentToken).map(TokenId::from_uuid);
        let find = |ledger: &Ledger, _| Some((id?, ledger.token(id?)?.grant().secret));
        self.recognise(shown, find).await
    }

    /// Finds who is known by a secret. Whoever is recognised may go on at once: decide looks again.
    /// Only that nobody is has to be durable, for that is told.
    async fn recognise<T>(
        &self,
        shown: &Secret,
        find: impl Fn(&Ledger, Timestamp) -> Option<(T, Digest)>,
    ) -> Result<T, Failure> {
        if let Some(known) = self.known(shown, self.handle.glance(&find)?) {
            return Ok(known);
        }
        let durable = self.handle.view(&find).await?;
        self.known(shown, durable).ok_or_else(Failure::unauthenticated)
    }

    /// Returns whom a secret is kept of, if it is the one shown. Nobody takes as long as somebody.
    fn known<T>(&self, shown: &Secret, kept: Option<(T, Digest)>) -> Option<T> {
        let recognised = self.keys.recognise(shown, kept.as_ref().map(|(_, digest)| digest));
        kept.filter(|_| recognised).map(|(known, _)| known)
    }

    pub(crate) fn operator(&self, headers: &HeaderMap) -> Result<Principal, Failure> {
        let shown = bearer(headers).filter(|shown| self.keys.is_operator(shown));
        let shown = shown.ok_or_else(Failure::unauthenticated);
        shown.map(|_| Principal::Operator { name: "operator".into() })
    }
}

/// Returns the secret that the headers show, if they show one and no more.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<Secret> {
    let mut shown = headers.get_all(AUTHORIZATION);
    let (Some(header), None) = (shown.next(), shown.next()) else { return None };
    let (scheme, secret) = header.to_str().ok()?.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| Secret::shown(secret.trim()))
}
