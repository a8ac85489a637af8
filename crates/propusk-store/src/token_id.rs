//! The public identifier of a token.

use std::{fmt, str::FromStr};

use serde::{Serialize, Serializer};

use crate::base62::is_base62;

/// The public identifier of a token: 12 base-62 characters. Safe to show and to log.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenId([u8; TokenId::LENGTH]);

impl TokenId {
    /// The number of characters.
    pub const LENGTH: usize = 12;

    /// Parses an id as `propusk token list` shows it. The id inside a token's text comes from
    /// [`check_format`](crate::check_format).
    ///
    /// # Errors
    /// [`InvalidTokenId`], without repeating the text: it may be a whole token.
    pub fn parse(text: &str) -> Result<Self, InvalidTokenId> {
        match text.as_bytes().try_into() {
            Ok(id) if is_base62(text) => Ok(Self(id)),
            _ => Err(InvalidTokenId),
        }
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // ASCII since `parse`: the default is never taken.
        str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl FromStr for TokenId {
    type Err = InvalidTokenId;

    fn from_str(text: &str) -> Result<Self, InvalidTokenId> {
        Self::parse(text)
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenId({self})")
    }
}

impl Serialize for TokenId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// A text that is not the id of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "this is not the id of a token: an id is {} letters and digits, as `propusk token list` shows it",
    TokenId::LENGTH
)]
pub struct InvalidTokenId;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twelve_letters_and_digits() {
        for good in ["0123456789AZ", "azazazazazaz"] {
            assert_eq!(TokenId::parse(good).expect(good).to_string(), good);
        }
        for bad in [
            "",
            "0123456789A",
            "0123456789AZa",
            "0123456789A_",
            "0123456789é",
        ] {
            assert_eq!(TokenId::parse(bad), Err(InvalidTokenId), "{bad}");
        }
    }
}
