//! The protected header (RFC 7515 §4), as facts; who calls judges them.

use serde_json::{Map, Value};

use super::{Algorithm, UnknownAlgorithm};

/// A header that can be worked with: a known algorithm, and nothing that changes how the rest would
/// have to be read.
#[derive(Debug, Clone)]
pub(crate) struct Header {
    algorithm: Algorithm,
    members: Map<String, Value>,
}

/// Why a header is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidHeader {
    #[error("its header has no `alg`")]
    NoAlgorithm,
    #[error("the `alg` of its header is {0}")]
    Algorithm(UnknownAlgorithm),
    #[error("the `{0}` of its header is not of the type that it must have, or too long")]
    Type(&'static str),
    #[error("its header says `{0}`, which is not understood here")]
    Unsupported(&'static str),
}

/// The longest key identifier, in bytes.
const LONGEST_KEY_ID: usize = 1024;

/// Parameters that change what payload and signature mean: extensions (RFC 7515 §4.1.11), the
/// unencoded payload (RFC 7797), compression and encryption (RFC 7516 §4.1).
const CHANGING: [&str; 4] = ["crit", "b64", "zip", "enc"];

/// Parameters that carry a key, or say where to get one (RFC 7515 §4.1.2, §4.1.3, §4.1.5, §4.1.6).
const KEY_SOURCES: [&str; 4] = ["jwk", "jku", "x5u", "x5c"];

impl TryFrom<Map<String, Value>> for Header {
    type Error = InvalidHeader;

    fn try_from(members: Map<String, Value>) -> Result<Self, InvalidHeader> {
        for name in CHANGING {
            if members.contains_key(name) {
                return Err(InvalidHeader::Unsupported(name));
            }
        }
        for name in ["typ", "cty"] {
            if members.get(name).is_some_and(|value| !value.is_string()) {
                return Err(InvalidHeader::Type(name));
            }
        }
        match members.get("kid") {
            None => {}
            Some(Value::String(id)) if id.len() <= LONGEST_KEY_ID => {}
            Some(_) => return Err(InvalidHeader::Type("kid")),
        }
        let algorithm = match members.get("alg") {
            Some(Value::String(name)) => name.parse().map_err(InvalidHeader::Algorithm)?,
            Some(_) => return Err(InvalidHeader::Type("alg")),
            None => return Err(InvalidHeader::NoAlgorithm),
        };
        Ok(Self { algorithm, members })
    }
}

impl Header {
    pub(crate) fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// `kid`: which key, as a hint (RFC 7515 §4.1.4).
    pub(crate) fn key_id(&self) -> Option<&str> {
        self.text("kid")
    }

    /// `typ` without a leading `application/` (RFC 7515 §4.1.9). Compare it without case.
    pub(crate) fn media_type(&self) -> Option<&str> {
        self.text("typ").map(without_application)
    }

    /// Whether the payload is itself a token (RFC 7519 §5.2).
    pub(crate) fn is_nested(&self) -> bool {
        let content = self.text("cty").map(without_application);
        content.is_some_and(|content| content.eq_ignore_ascii_case("jwt"))
    }

    /// `jwk`: the public key that the presenter says it has, for proofs of possession only.
    #[cfg(feature = "layer")]
    pub(crate) fn embedded_key(&self) -> Option<&Map<String, Value>> {
        self.members.get("jwk").and_then(Value::as_object)
    }

    /// The first parameter that carries or names a key, whatever its type.
    pub(crate) fn key_source(&self) -> Option<&'static str> {
        KEY_SOURCES
            .into_iter()
            .find(|name| self.members.contains_key(*name))
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.members.get(name).and_then(Value::as_str)
    }
}

fn without_application(media_type: &str) -> &str {
    const PREFIX: &str = "application/";
    match media_type.split_at_checked(PREFIX.len()) {
        Some((start, rest)) if start.eq_ignore_ascii_case(PREFIX) => rest,
        _ => media_type,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::parse_object;

    fn parse(json: &str) -> Result<Header, InvalidHeader> {
        Header::try_from(parse_object(json.as_bytes()).expect(json))
    }

    #[test]
    fn rfc7515_4_1_11_crit_and_what_else_changes_the_meaning() {
        use InvalidHeader::{Algorithm, NoAlgorithm, Type, Unsupported};
        let long = format!(r#"{{"alg":"ES256","kid":"{}"}}"#, "k".repeat(1025));
        for (json, expected) in [
            (r#"{"alg":"ES256"}"#, None),
            (
                r#"{"alg":"ES256","kid":"../../etc/passwd\u0000' OR 1=1","typ":"JWT","x5t":"a"}"#,
                None,
            ),
            (
                r#"{"alg":"ES256","crit":["exp"],"exp":1}"#,
                Some(Unsupported("crit")),
            ),
            (r#"{"alg":"ES256","crit":[]}"#, Some(Unsupported("crit"))),
            (r#"{"alg":"ES256","crit":null}"#, Some(Unsupported("crit"))),
            (r#"{"alg":"ES256","b64":true}"#, Some(Unsupported("b64"))),
            (r#"{"alg":"ES256","zip":"DEF"}"#, Some(Unsupported("zip"))),
            (
                r#"{"alg":"RSA-OAEP","enc":"A256GCM"}"#,
                Some(Unsupported("enc")),
            ),
            (r#"{"alg":"none"}"#, Some(Algorithm(UnknownAlgorithm))),
            (r#"{"alg":"nOnE"}"#, Some(Algorithm(UnknownAlgorithm))),
            (r#"{"alg":["ES256"]}"#, Some(Type("alg"))),
            (r#"{"alg":null}"#, Some(Type("alg"))),
            (r#"{"Alg":"ES256"}"#, Some(NoAlgorithm)),
            ("{}", Some(NoAlgorithm)),
            (r#"{"alg":"ES256","kid":1}"#, Some(Type("kid"))),
            (r#"{"alg":"ES256","kid":null}"#, Some(Type("kid"))),
            (r#"{"alg":"ES256","typ":[]}"#, Some(Type("typ"))),
            (r#"{"alg":"ES256","cty":1}"#, Some(Type("cty"))),
            (&long, Some(Type("kid"))),
        ] {
            assert_eq!(parse(json).err(), expected, "{json:.60}");
        }
    }

    #[test]
    #[cfg(feature = "layer")]
    fn the_facts() {
        let header = parse(
            r#"{"alg":"ES256","kid":"1","typ":"Application/AT+jwt","cty":"jwt","jwk":{"kty":"EC"}}"#,
        );
        let header = header.expect("valid");
        let es256 = Algorithm::Signature(crate::SignatureAlgorithm::Es256);
        assert_eq!(header.algorithm(), es256);
        assert_eq!(header.key_id(), Some("1"));
        assert_eq!(header.media_type(), Some("AT+jwt"));
        assert!(header.is_nested());
        assert_eq!(header.key_source(), Some("jwk"));
        assert_eq!(header.embedded_key().map(Map::len), Some(1));
        for source in KEY_SOURCES {
            let header = parse(&format!(r#"{{"alg":"ES256","{source}":null}}"#)).expect("valid");
            assert_eq!(header.key_source(), Some(source));
            assert!(header.embedded_key().is_none());
            assert!(!header.is_nested());
        }
        assert_eq!(
            parse(r#"{"alg":"ES256"}"#).expect("valid").key_source(),
            None
        );
    }
}
