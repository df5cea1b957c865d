//! What must never be seen.

use std::fmt;

/// A token or a credential. Nothing prints it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps a secret, without the white space that files and shells leave around it.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.trim().to_owned())
    }

    /// Returns the secret itself.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_shows_nothing_of_itself() {
        let shown = format!("{:?} {:#?}", Secret::new("wk_live_abc"), Some(Secret::new("abc")));

        assert!(!shown.contains("abc"), "{shown}");
        assert_eq!(Secret::new(" abc\n").expose(), "abc");
    }
}
