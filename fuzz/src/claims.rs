//! Any header and claims, signed: what is accepted says what it must, and only the right secret
//! makes it valid.

use std::time::SystemTime;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use propusk::{AccessToken, TokenVerifier};
use serde_json::Value;

use crate::{
    at_once,
    issuer::{ISSUER, OTHER, PUBLIC_KEYS, RESOURCE, SIGNED, sign},
};

/// The header is the first line where there are two.
pub(crate) fn run(input: &[u8]) -> bool {
    let end = input.iter().position(|byte| *byte == b'\n');
    let (header, claims) = match end {
        Some(end) => (&input[..end], &input[end + 1..]),
        None => (br#"{"alg":"HS256"}"#.as_slice(), input),
    };
    let text = |part: &[u8]| URL_SAFE_NO_PAD.encode(part);
    let signed = format!("{}.{}", text(header), text(claims));
    let token = format!("{signed}.{}", text(sign(signed.as_bytes()).as_ref()));
    for wrong in [&*OTHER, &*PUBLIC_KEYS] {
        let answer = at_once(wrong.verify_token(&token));
        assert!(matches!(answer, Ok(None)), "accepted with a wrong key");
    }
    match at_once(SIGNED.verify_token(&token)) {
        Ok(Some(token)) => {
            check(&token, header, claims);
            true
        }
        Ok(None) => false,
        Err(_) => panic!("a fixed key is always there"),
    }
}

/// The rules once more, from another reading of the same bytes.
fn check(token: &AccessToken, header: &[u8], claims: &[u8]) {
    let read = |json: &[u8]| match serde_json::from_slice::<Value>(json) {
        Ok(value) => value,
        Err(error) => panic!("accepted, and not JSON: {error}"),
    };
    let (header, claims) = (read(header), read(claims));
    assert_eq!(header["alg"], "HS256");
    for name in ["crit", "b64", "zip", "enc", "jwk", "jku", "x5u", "x5c"] {
        assert!(header.get(name).is_none(), "accepted with {name}");
    }
    assert_eq!(claims["iss"], ISSUER);
    assert_eq!(token.issuer(), Some(ISSUER));
    assert_eq!(claims["sub"], token.subject());
    assert!(!token.subject().is_empty());
    let is_us = |audience: &String| {
        let plain = audience.to_ascii_lowercase().replace(":443/", "/");
        plain == RESOURCE && audience.ends_with("/mcp")
    };
    assert!(token.audience().iter().any(is_us), "for somebody else");
    assert!(claims["exp"].is_number());
    assert!(!token.is_expired_at(SystemTime::now() - std::time::Duration::from_secs(5)));
    assert_eq!(claims.get("cnf").is_some(), token.confirmation().is_some());
    assert_eq!(Value::Object(token.claims().clone()), claims);
}
