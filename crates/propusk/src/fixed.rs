//! Fixed tokens, for development and tests.

use std::fmt;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::{AccessToken, Explanation, TokenVerifier, Unavailable, Verdict};

/// A short list of tokens that are known from the start.
///
/// Only their SHA-256 digests are kept. Every entry is compared, in constant time, so that neither
/// the position nor a common beginning of a guess shows.
#[derive(Clone, Default)]
pub struct FixedTokens {
    entries: Vec<([u8; 32], AccessToken)>,
}

impl FixedTokens {
    /// No tokens.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a token that stands for `caller`. Of two entries with the same token the later one
    /// counts.
    #[must_use]
    pub fn with(mut self, token: &str, caller: AccessToken) -> Self {
        self.entries.push((digest(token), caller));
        self
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

impl TokenVerifier for FixedTokens {
    async fn verify_token(&self, token: &str) -> Result<Option<AccessToken>, Unavailable> {
        let presented = digest(token);
        let mut found = None;
        for (expected, caller) in &self.entries {
            if bool::from(expected.ct_eq(&presented)) {
                found = Some(caller);
            }
        }
        Ok(found.cloned())
    }

    async fn explain_token(&self, token: &str) -> Explanation {
        let verdict = match self.verify_token(token).await {
            Ok(Some(token)) => Verdict::Valid(token),
            _ => Verdict::NotMine("it is none of the fixed tokens".to_owned()),
        };
        Explanation::new("fixed tokens", verdict)
    }
}

impl fmt::Debug for FixedTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FixedTokens({} tokens)", self.entries.len())
    }
}
