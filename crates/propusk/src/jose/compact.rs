//! The compact serialization (RFC 7515 §7.1): three parts, base64url without padding.

use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Header, InvalidHeader, InvalidObject, parse_object};
use crate::BearerToken;

/// A text in the right form, cut into its parts. Nothing of it is verified.
#[derive(Clone, Copy)]
pub(crate) struct Compact<'a> {
    signing_input: &'a str,
    header: &'a str,
    payload: &'a str,
    signature: &'a str,
}

/// Why a text is not a JWS. It never contains the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidCompact {
    #[error("it is longer than {} bytes", BearerToken::MAX_LENGTH)]
    TooLong,
    #[error("it does not consist of three parts with dots between them")]
    Parts,
    #[error("it is encrypted (five parts); only signed tokens are accepted")]
    Encrypted,
    #[error("its {0} is empty")]
    Empty(&'static str),
    #[error("its {0} is not base64url without padding")]
    Encoding(&'static str),
    #[error("its {0} {1}")]
    Object(&'static str, #[source] InvalidObject),
    #[error(transparent)]
    Header(#[from] InvalidHeader),
}

const HEADER: &str = "header";
const PAYLOAD: &str = "payload";
const SIGNATURE: &str = "signature";

impl<'a> Compact<'a> {
    /// Cuts a token into its parts; the length is checked before anything else.
    pub(crate) fn parse(token: &'a str) -> Result<Self, InvalidCompact> {
        if token.len() > BearerToken::MAX_LENGTH {
            return Err(InvalidCompact::TooLong);
        }
        let mut parts = token.split('.');
        let mut next = || parts.next().ok_or(InvalidCompact::Parts);
        let (header, payload, signature) = (next()?, next()?, next()?);
        match parts.count() {
            0 => {}
            2 => return Err(InvalidCompact::Encrypted),
            _ => return Err(InvalidCompact::Parts),
        }
        for (part, name) in [(header, HEADER), (payload, PAYLOAD), (signature, SIGNATURE)] {
            if part.is_empty() {
                return Err(InvalidCompact::Empty(name));
            }
        }
        Ok(Self {
            signing_input: &token[..header.len() + 1 + payload.len()],
            header,
            payload,
            signature,
        })
    }

    /// What the signature is over (RFC 7515 §5.2 step 8).
    pub(crate) fn signing_input(&self) -> &'a [u8] {
        self.signing_input.as_bytes()
    }

    /// The protected header.
    pub(crate) fn header(&self) -> Result<Header, InvalidCompact> {
        let members = object(self.header, HEADER)?;
        Ok(Header::try_from(members)?)
    }

    /// The payload as a set of claims. Not verified.
    pub(crate) fn claims(&self) -> Result<Map<String, Value>, InvalidCompact> {
        object(self.payload, PAYLOAD)
    }

    /// The header as it stands there, for a human.
    pub(crate) fn shown_header(&self) -> Option<Map<String, Value>> {
        object(self.header, HEADER).ok()
    }

    /// The signature.
    pub(crate) fn signature(&self) -> Result<Vec<u8>, InvalidCompact> {
        decode(self.signature, SIGNATURE)
    }
}

/// One part of a token as an object, for a human.
pub(crate) fn parse_part(part: &str) -> Option<Map<String, Value>> {
    let is_short = part.len() <= BearerToken::MAX_LENGTH;
    is_short.then(|| object(part, PAYLOAD).ok()).flatten()
}

fn object(part: &str, name: &'static str) -> Result<Map<String, Value>, InvalidCompact> {
    parse_object(&decode(part, name)?).map_err(|why| InvalidCompact::Object(name, why))
}

fn decode(part: &str, name: &'static str) -> Result<Vec<u8>, InvalidCompact> {
    // Strict: no padding, no white space, and no bits behind the end, so that a token has one
    // spelling only.
    let bytes = URL_SAFE_NO_PAD.decode(part);
    bytes.map_err(|_| InvalidCompact::Encoding(name))
}

/// The issuer that a token claims to be from, if it looks like a JWT: for the choice of a verifier
/// and nothing else, since nothing is verified.
pub(crate) fn unverified_issuer(token: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Claims<'a> {
        #[serde(borrow)]
        iss: Cow<'a, str>,
    }
    let payload = decode(Compact::parse(token).ok()?.payload, PAYLOAD).ok()?;
    let claims: Claims<'_> = serde_json::from_slice(&payload).ok()?;
    Some(claims.iss.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc7515_7_1_exactly_three_parts() {
        use InvalidCompact::{Empty, Encrypted, Parts, TooLong};
        for (token, expected) in [
            ("a.b.c", None),
            ("", Some(Parts)),
            ("a", Some(Parts)),
            ("a.b", Some(Parts)),
            ("a.b.c.d", Some(Parts)),
            ("a.b.c.d.e", Some(Encrypted)),
            ("a.b.c.d.e.f", Some(Parts)),
            ("....", Some(Encrypted)),
            (".b.c", Some(Empty("header"))),
            ("a..c", Some(Empty("payload"))),
            ("a.b.", Some(Empty("signature"))),
            (&format!("a.b.{}", "c".repeat(16 * 1024)), Some(TooLong)),
            (&".".repeat(1_000_000), Some(TooLong)),
        ] {
            assert_eq!(Compact::parse(token).err(), expected, "{:.20}", token);
        }
        let parts = Compact::parse("ab.cd.ef").expect("three parts");
        assert_eq!(parts.signing_input(), b"ab.cd");
    }

    #[test]
    fn rfc7515_2_base64url_without_padding_and_white_space() {
        for (part, fine) in [
            ("AA", true),
            ("AAA", true),
            ("AAAA", true),
            ("-_-_", true),
            ("A", false),
            ("AA==", false),
            ("AA=", false),
            ("AB", false),
            ("AAB", false),
            ("A A", false),
            ("AAAA\n", false),
            (" AAAA", false),
            ("+/+/", false),
            ("AA\0A", false),
            ("тест", false),
        ] {
            let token = format!("{part}.{part}.{part}");
            let parts = Compact::parse(&token).expect("three parts");
            assert_eq!(parts.signature().is_ok(), fine, "{part:?}");
            let bad = |name| Some(InvalidCompact::Encoding(name));
            assert_eq!(parts.claims().err() == bad("payload"), !fine, "{part:?}");
            assert_eq!(parts.header().err() == bad("header"), !fine, "{part:?}");
        }
    }

    #[test]
    fn the_unverified_issuer_is_read_strictly() {
        let long = format!(r#"{{"iss":"a","x":"{}"}}"#, "x".repeat(16 * 1024));
        for (payload, expected) in [
            (r#"{"iss":"https://a.example"}"#, Some("https://a.example")),
            (r#"{"x":{"iss":"b"},"iss":"a"}"#, Some("a")),
            (r#"{"iss":"a\u002fb"}"#, Some("a/b")),
            (r#"{"iss":"a","iss":"b"}"#, None),
            (r#"{"iss":"a","\u0069ss":"b"}"#, None),
            (r#"{"iss":["a"]}"#, None),
            (r#"{"iss":null}"#, None),
            (r#"{"sub":"a"}"#, None),
            ("[]", None),
            (&long, None),
        ] {
            let token = format!("e30.{}.AA", URL_SAFE_NO_PAD.encode(payload));
            assert_eq!(
                unverified_issuer(&token).as_deref(),
                expected,
                "{payload:.60}"
            );
        }
        for opaque in ["", "pk_secret", "a.b.c", "e30.e30", "e30.e30.AA.AA.AA"] {
            assert_eq!(unverified_issuer(opaque), None, "{opaque}");
        }
    }
}
