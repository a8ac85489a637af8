//! The token text: parsed once, never shown (RFC 6750 §2.1).

use std::{fmt, sync::Arc};

use zeroize::Zeroizing;

/// The text of a bearer token: a secret.
///
/// It is a `b64token` of RFC 6750 §2.1 (letters, digits, `-._~+/`, then `=`) of at most
/// [`BearerToken::MAX_LENGTH`] bytes. It has no `Display` and no `Serialize`, its `Debug` is
/// redacted, it is compared in constant time, and its memory is cleared when the last copy goes.
#[derive(Clone)]
pub struct BearerToken(Arc<Zeroizing<Box<str>>>);

impl BearerToken {
    /// The longest token that is looked at, in bytes. JSON Web Tokens with many claims stay well
    /// below it.
    pub const MAX_LENGTH: usize = 16 * 1024;

    /// Parses a token. A leading `Bearer ` is taken off, since people paste whole header values.
    ///
    /// # Errors
    /// [`InvalidBearerToken`] says what is wrong without repeating the text.
    pub fn parse(text: &str) -> Result<Self, InvalidBearerToken> {
        let text = text.trim();
        let text = match text.split_at_checked(6) {
            Some((scheme, rest))
                if scheme.eq_ignore_ascii_case("bearer") && rest.starts_with(' ') =>
            {
                rest.trim_start()
            }
            _ if text.eq_ignore_ascii_case("bearer") => "",
            _ => text,
        };
        Self::parse_b64token(text)
    }

    /// Parses what stands after the scheme in an `Authorization` header, and nothing else.
    pub(crate) fn parse_b64token(text: &str) -> Result<Self, InvalidBearerToken> {
        if text.is_empty() {
            return Err(InvalidBearerToken::Empty);
        }
        if text.len() > Self::MAX_LENGTH {
            return Err(InvalidBearerToken::TooLong);
        }
        let unpadded = text.trim_end_matches('=');
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~+/".contains(&b);
        if unpadded.is_empty() || !unpadded.bytes().all(plain) {
            return Err(InvalidBearerToken::ForbiddenCharacter);
        }
        Ok(Self(Arc::new(Zeroizing::new(text.into()))))
    }

    /// The secret itself, for a verifier or an outgoing header. Whoever calls this takes care that
    /// it reaches no log, no error and no file.
    #[must_use]
    pub fn expose_secret(&self) -> &str {
        &self.0
    }
}

impl PartialEq for BearerToken {
    fn eq(&self, other: &Self) -> bool {
        subtle::ConstantTimeEq::ct_eq(
            self.expose_secret().as_bytes(),
            other.expose_secret().as_bytes(),
        )
        .into()
    }
}

impl Eq for BearerToken {}

impl fmt::Debug for BearerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BearerToken([redacted])")
    }
}

/// Why a text is not a bearer token. It never contains the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidBearerToken {
    /// There is nothing.
    #[error("the token is empty")]
    Empty,
    /// It is longer than [`BearerToken::MAX_LENGTH`].
    #[error("the token is longer than {} bytes", BearerToken::MAX_LENGTH)]
    TooLong,
    /// It contains something else than RFC 6750 allows.
    #[error("the token contains a character that RFC 6750 does not allow in a bearer token")]
    ForbiddenCharacter,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc6750_2_1_b64token() {
        for good in [
            "a",
            "secret-token-123",
            "a.b.c",
            "mF_9.B5f-4.1JqM",
            "abc==",
            "~+/",
        ] {
            assert_eq!(
                BearerToken::parse(good)
                    .map(|t| t.expose_secret().to_owned())
                    .as_deref(),
                Ok(good)
            );
        }
        for bad in ["a b", "a=b", "==", "тест", "a,b", "a\"", "a\0"] {
            assert_eq!(
                BearerToken::parse(bad),
                Err(InvalidBearerToken::ForbiddenCharacter),
                "{bad:?}"
            );
        }
        assert_eq!(BearerToken::parse(" "), Err(InvalidBearerToken::Empty));
        assert_eq!(
            BearerToken::parse(&"a".repeat(16 * 1024 + 1)),
            Err(InvalidBearerToken::TooLong)
        );
        assert!(BearerToken::parse(&"a".repeat(16 * 1024)).is_ok());
    }

    #[test]
    fn a_pasted_header_value_is_not_sent_as_bearer_bearer() {
        for pasted in ["Bearer x", "bearer x", "BEARER   x\n", "x"] {
            assert_eq!(
                BearerToken::parse(pasted).expect(pasted).expose_secret(),
                "x"
            );
        }
        assert_eq!(
            BearerToken::parse("Bearerx")
                .expect("one word")
                .expose_secret(),
            "Bearerx"
        );
    }

    #[test]
    fn debug_shows_nothing() {
        let token = BearerToken::parse("hunter2").expect("valid");
        assert_eq!(format!("{token:?}"), "BearerToken([redacted])");
    }
}
