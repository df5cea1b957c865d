//! Secrets: made here, shown once, known afterwards only by their keyed hash.
use std::{borrow::Cow, fmt};

use uuid::Uuid;

/// A token or a credential in clear. Nothing writes it by accident: it does not serialize, and
/// its debug form is empty.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// What a secret is for, as its first letters say: a leaked one is recognised wherever it turns up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Lets a machine become an edge.
    EnrollmentToken,
    /// Lets an edge speak for itself.
    Credential,
    /// Lets an operator ask for anything.
    OperatorToken,
}

/// How many random bits a secret has, in bytes: 256 bits.
const RANDOM: usize = 32;

impl Kind {
    const ALL: [Self; 3] = [Self::EnrollmentToken, Self::Credential, Self::OperatorToken];

    const fn prefix(self) -> &'static str {
        match self {
            Self::EnrollmentToken => "etr_live_",
            Self::Credential => "wk_live_",
            Self::OperatorToken => "op_live_",
        }
    }
}

impl Secret {
    /// Takes what somebody shows for a secret.
    #[must_use]
    pub fn shown(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// Makes a secret under an id by which its hash is found again.
    ///
    /// # Errors
    ///
    /// Fails if the operating system gives no random bits. There is no secret then.
    pub fn mint(kind: Kind, id: &Uuid) -> Result<Self, getrandom::Error> {
        use fmt::Write as _;

        let mut random = [0; RANDOM];
        getrandom::fill(&mut random)?;
        let mut text = format!("{}{}_", kind.prefix(), id.simple());
        for byte in random {
            write!(text, "{byte:02x}").expect("a String takes whatever is written to it");
        }
        Ok(Self(text))
    }

    /// Returns the id under which the secret's hash is found, if it has the form of one.
    #[must_use]
    pub fn id(&self, kind: Kind) -> Option<Uuid> {
        let (id, random) = self.0.strip_prefix(kind.prefix())?.split_once('_')?;
        let id = Uuid::try_parse(id).ok()?;
        (random.len() == 2 * RANDOM).then_some(id)
    }

    /// Returns the secret itself, to be shown to whom it is for.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Leaves only the first letters of secrets in a text that somebody else wrote: people put them
/// into paths and parameters.
pub(crate) fn masked(text: &str) -> Cow<'_, str> {
    Kind::ALL.map(Kind::prefix).into_iter().fold(text.into(), |text, prefix| {
        let mut parts = text.split(prefix);
        let before = parts.next().unwrap_or_default();
        let is_secret = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        let rest: String =
            parts.map(|part| format!("{prefix}…{}", part.trim_start_matches(is_secret))).collect();
        if rest.is_empty() { text } else { format!("{before}{rest}").into() }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_has_its_prefix_its_id_and_enough_random_bits() {
        let id = Uuid::now_v7();

        let first = Secret::mint(Kind::Credential, &id).unwrap();
        let second = Secret::mint(Kind::Credential, &id).unwrap();

        assert!(first.expose().starts_with("wk_live_"));
        assert_eq!(first.id(Kind::Credential), Some(id));
        assert_eq!(first.id(Kind::EnrollmentToken), None);
        assert_ne!(first, second);
        let random = first.expose().rsplit('_').next().unwrap();
        assert!(random.len() * 4 >= 192, "{} bits", random.len() * 4);
    }

    #[test]
    fn nothing_but_the_first_letters_of_a_secret_is_left_where_it_does_not_belong() {
        let secret = |kind| Secret::mint(kind, &Uuid::now_v7()).unwrap();
        let [token, credential, operator] = Kind::ALL.map(secret);
        let (token, credential) = (token.expose(), credential.expose());
        let text = format!("/v1/{token}/a?x={credential}&y={}", operator.expose());

        assert_eq!(masked(&text), "/v1/etr_live_…/a?x=wk_live_…&y=op_live_…");
        assert_eq!(masked(&format!("{token}{token}")), "etr_live_…etr_live_…");
        assert!(matches!(masked("/v1/tasks"), Cow::Borrowed("/v1/tasks")));
    }

    #[test]
    fn nothing_of_a_secret_is_in_its_debug_form() {
        let secret = Secret::mint(Kind::OperatorToken, &Uuid::now_v7()).unwrap();

        assert_eq!(format!("{secret:?}"), "Secret(…)");
    }
}
