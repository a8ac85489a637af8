//! Verifiers to try tokens on.

use std::sync::LazyLock;

use aws_lc_rs::hmac;
use propusk::{JwtVerifier, MacAlgorithm, Routing};

pub(crate) const ISSUER: &str = "https://login.example";
pub(crate) const RESOURCE: &str = "https://mcp.example/mcp";

const SECRET: &[u8; 32] = b"a secret that the targets share.";
const OTHER_SECRET: &[u8; 32] = b"a secret that nobody signs with.";

/// The public keys of RFC 7515 A.2 and A.3, and of RFC 8037 A.1. No input has their issuer and is
/// signed with them.
const KEYS: &str = r#"{"keys":[
    {"kty":"RSA","kid":"r","e":"AQAB","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"},
    {"kty":"EC","kid":"e","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"},
    {"kty":"OKP","kid":"o","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

/// Public keys whose private halves no input is signed with.
pub(crate) static PUBLIC_KEYS: LazyLock<JwtVerifier> =
    LazyLock::new(|| made(JwtVerifier::from_keys(ISSUER, RESOURCE, KEYS)));

/// The secret that [`sign`] signs with.
pub(crate) static SIGNED: LazyLock<JwtVerifier> = LazyLock::new(|| with_secret(SECRET));

/// Another secret.
pub(crate) static OTHER: LazyLock<JwtVerifier> = LazyLock::new(|| with_secret(OTHER_SECRET));

/// Tokens of the issuer to other keys than theirs, whatever comes.
pub(crate) static ROUTING: LazyLock<Routing> = LazyLock::new(|| {
    let keys = made(JwtVerifier::from_keys(ISSUER, RESOURCE, KEYS));
    Routing::new()
        .prefix("propusk_", with_secret(OTHER_SECRET))
        .issuer(ISSUER, keys)
});

/// The tag of HS256.
pub(crate) fn sign(message: &[u8]) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET), message)
}

fn with_secret(secret: &[u8]) -> JwtVerifier {
    made(JwtVerifier::from_secret(
        ISSUER,
        RESOURCE,
        MacAlgorithm::Hs256,
        secret,
    ))
}

fn made(verifier: Result<JwtVerifier, propusk::InvalidJwtVerifier>) -> JwtVerifier {
    match verifier {
        Ok(verifier) => verifier,
        Err(error) => panic!("{error}"),
    }
}
