//! What `issue` and `rotate` hand out, once.

use std::fmt;

use zeroize::Zeroizing;

use crate::TokenRecord;

/// A token that was just issued: its text, which nothing can show again, and what the store keeps.
#[derive(Debug)]
#[non_exhaustive]
pub struct IssuedToken {
    /// The text of the token: a secret.
    pub token: NewSecret,
    /// What the store keeps about it. There is no secret in it.
    pub record: TokenRecord,
}

/// The text of a token that was just issued: a secret.
///
/// No `Display`, no `Serialize`, no `Clone`; its `Debug` is redacted, and its memory is cleared
/// when it goes.
pub struct NewSecret(Zeroizing<String>);

impl NewSecret {
    pub(crate) fn new(text: Zeroizing<String>) -> Self {
        Self(text)
    }

    /// The secret itself, to hand to whoever will use the token. Whoever calls this takes care
    /// that it reaches no log, no error and no file.
    #[must_use]
    pub fn expose_secret(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for NewSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NewSecret([redacted])")
    }
}
