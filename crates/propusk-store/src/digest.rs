//! The only trace of a token's text at rest: its SHA-256.

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The SHA-256 of a whole token text.
///
/// A fast hash is the right one here. Slow, salted hashes (Argon2, bcrypt) make up for passwords
/// that people choose and that can be guessed; this text holds 256 random bits, so guessing from a
/// stolen digest is hopeless at any speed, equal texts do not occur, and a slow hash would only
/// cost every request and invite a flood.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct TokenDigest([u8; 32]);

impl TokenDigest {
    /// Belongs to no token: nobody knows a text with this digest. What a guess at an unknown id is
    /// compared with.
    pub(crate) const OF_NO_TOKEN: Self = Self([0; 32]);

    pub(crate) fn of(text: &str) -> Self {
        Self(Sha256::digest(text.as_bytes()).into())
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Compares in constant time.
    pub(crate) fn matches(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}
