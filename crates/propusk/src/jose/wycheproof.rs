//! The JSON Web Signature vectors of Project Wycheproof (Apache-2.0, see the file's notice): all but
//! two that contradict another one, and we are stricter about a few that it calls valid.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::*;

#[derive(Deserialize)]
struct Vectors {
    groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    key: Map<String, Value>,
    tests: Vec<(u32, String, String, String)>,
}

/// Vectors that are valid there and refused here, with the reason.
const STRICTER: [(&[u32], &str); 4] = [
    (&[347, 351], "ES512 on P-521, which is not offered here"),
    (
        &[346, 350],
        "the key is for PS256 and the token has PS384 (RFC 7517 §4.4)",
    ),
    (
        &[372, 373],
        "a character that is not base64url inside a part (RFC 7515 §2)",
    ),
    (
        &[259, 264, 268, 272, 320, 325],
        "an empty payload, which is no claims",
    ),
];

/// Vectors that are said to be invalid for their padding, which the file does not have: they are
/// the same text as number 357, which is said to be valid. Left out; the padding is tested beside
/// [`Compact`].
const CONTRADICTORY: [u32; 2] = [367, 370];

/// Verifies as a verifier does, up to the claims.
fn accepts(key: &Map<String, Value>, token: &str) -> bool {
    let accepted = || {
        let parts = Compact::parse(token).ok()?;
        let header = parts.header().ok()?;
        let signature = parts.signature().ok()?;
        parts
            .claims()
            .err()
            .is_none_or(|why| {
                // The payloads are no claims; all that matters here is their encoding.
                matches!(why, InvalidCompact::Object(..))
            })
            .then_some(())?;
        let named = header.key_id().is_none() || header.key_id() == key["kid"].as_str();
        let verified = match header.algorithm() {
            Algorithm::Signature(algorithm) => VerifyingKey::from_jwk(key).ok()?.verify(
                algorithm,
                parts.signing_input(),
                &signature,
            ),
            Algorithm::Mac(algorithm) => {
                let own = key.get("alg").and_then(Value::as_str) == Some(algorithm.name());
                let secret = URL_SAFE_NO_PAD.decode(key.get("k")?.as_str()?).ok()?;
                let key = MacKey::new(algorithm, &secret).ok()?;
                own && key.verify(parts.signing_input(), &signature)
            }
        };
        Some(named && header.key_source().is_none() && verified)
    };
    accepted().unwrap_or(false)
}

#[test]
fn wycheproof_json_web_signatures() {
    let vectors = include_str!("../../tests/data/wycheproof_json_web_signature.json");
    let vectors: Vectors = serde_json::from_str(vectors).expect("vectors");
    let (mut valid, mut refused, mut stricter) = (0, 0, 0);
    for Group { key, tests } in &vectors.groups {
        let same = tests.iter().find(|(number, ..)| *number == 357);
        for (number, result, comment, token) in tests {
            if CONTRADICTORY.contains(number) {
                assert!(same.is_some_and(|(.., valid)| valid == token), "{number}");
                continue;
            }
            let exception = STRICTER
                .iter()
                .find(|(numbers, _)| numbers.contains(number));
            let expected = match exception {
                Some((_, why)) => {
                    assert_eq!(result, "valid", "{number} is no exception: {why}");
                    stricter += 1;
                    false
                }
                None => result == "valid",
            };
            assert_eq!(accepts(key, token), expected, "{number} {comment}");
            *(if expected { &mut valid } else { &mut refused }) += 1;
        }
    }
    assert_eq!((valid, refused, stricter), (34, 365, 12));
}
