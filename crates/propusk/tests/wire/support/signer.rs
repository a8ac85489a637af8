//! A client with a key: makes DPoP proofs, good ones and others.

use aws_lc_rs::{
    digest::{SHA256, digest},
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

/// A P-256 key.
pub(crate) struct Signer(EcdsaKeyPair);

impl Signer {
    pub(crate) fn new() -> Self {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING);
        Self(key.expect("a key"))
    }

    /// The public key (RFC 7517).
    pub(crate) fn jwk(&self) -> Value {
        let point = self.0.public_key().as_ref();
        json!({"kty": "EC", "crv": "P-256", "x": encoded(&point[1..33]), "y": encoded(&point[33..])})
    }

    /// What a token that is bound to this key says (RFC 7638, RFC 9449 §6.1).
    pub(crate) fn thumbprint(&self) -> String {
        let jwk = self.jwk();
        // The required members in this order, without blanks.
        let members = format!(
            r#"{{"crv":"P-256","kty":"EC","x":{},"y":{}}}"#,
            jwk["x"], jwk["y"]
        );
        hash(&members)
    }

    /// The header of a good proof.
    pub(crate) fn header(&self) -> Value {
        json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": self.jwk()})
    }

    /// A proof of these claims with the usual header.
    pub(crate) fn proof(&self, claims: &Value) -> String {
        self.sign(&self.header().to_string(), &claims.to_string())
    }

    /// Signs any header and payload (RFC 7515 §5.1).
    pub(crate) fn sign(&self, header: &str, payload: &str) -> String {
        let input = format!("{}.{}", encoded(header), encoded(payload));
        let signature = self.0.sign(&SystemRandom::new(), input.as_bytes());
        format!("{input}.{}", encoded(signature.expect("a signature")))
    }
}

/// The claims of a good proof (RFC 9449 §4.2), with a `jti` of its own.
pub(crate) fn claims(method: &str, url: &str, token: &str, seconds: u64) -> Value {
    let mut unique = [0; 12];
    aws_lc_rs::rand::fill(&mut unique).expect("random numbers");
    json!({
        "jti": encoded(unique),
        "htm": method,
        "htu": url,
        "iat": seconds,
        "ath": hash(token),
    })
}

/// The base64url of the SHA-256, as `ath` and thumbprints have it.
pub(crate) fn hash(text: &str) -> String {
    encoded(digest(&SHA256, text.as_bytes()))
}

pub(crate) fn encoded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
