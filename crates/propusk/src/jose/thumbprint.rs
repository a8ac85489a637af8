//! The name of a key that follows from the key (RFC 7638).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::{UnusableKey, material::member};

/// The SHA-256 thumbprint of a key with these required members, which are in alphabetical order.
pub(super) fn thumbprint(
    jwk: &Map<String, Value>,
    required: &[&'static str],
) -> Result<String, UnusableKey> {
    // RFC 7638 §3.3: no white space; the values are base64url or names, so nothing is escaped.
    let mut canonical = String::from("{");
    for (index, name) in required.iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        let value = member(jwk, name)?;
        canonical.push_str(&format!(r#"{comma}"{name}":"{value}""#));
    }
    canonical.push('}');
    Ok(URL_SAFE_NO_PAD.encode(Sha256::digest(canonical)))
}

#[cfg(test)]
#[cfg(feature = "jwt")]
mod tests {
    use crate::jose::{VerifyingKey, parse_object};

    #[test]
    fn rfc7638_3_1_the_example() {
        let jwk = br#"{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}"#;
        let jwk = parse_object(jwk).expect("an object");
        let key = VerifyingKey::from_jwk(&jwk).expect("a key");
        assert_eq!(
            key.thumbprint(),
            "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
        );
    }

    #[test]
    fn rfc8037_a_3_the_example() {
        let jwk =
            br#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
        let jwk = parse_object(jwk).expect("an object");
        let key = VerifyingKey::from_jwk(&jwk).expect("a key");
        assert_eq!(
            key.thumbprint(),
            "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
        );
    }
}
