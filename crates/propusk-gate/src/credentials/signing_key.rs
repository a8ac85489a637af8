//! One key that assertions are signed with.

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// A key of P-256 (ES256), named by its thumbprint.
pub(super) struct SigningKey {
    pair: EcdsaKeyPair,
    id: String,
}

impl SigningKey {
    /// A new one.
    pub(super) fn generate() -> Option<Self> {
        Self::new(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).ok()?)
    }

    /// All that stand in a text in PEM (RFC 7468), of PKCS#8; `None` where one of them is another key.
    pub(super) fn all_in(pem: &str) -> Option<Vec<Self>> {
        blocks(pem).map(key).collect()
    }

    fn new(pair: EcdsaKeyPair) -> Option<Self> {
        let mut key = Self {
            pair,
            id: String::new(),
        };
        let (x, y) = key.coordinates()?;
        // RFC 7638 §3.3: these members in this order, and no white space.
        let canonical = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
        key.id = URL_SAFE_NO_PAD.encode(Sha256::digest(canonical));
        Some(key)
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        let signature = self.pair.sign(&SystemRandom::new(), message).ok()?;
        Some(signature.as_ref().to_vec())
    }

    /// The point is uncompressed: a 4, then both coordinates (SEC 1 §2.3.3).
    fn coordinates(&self) -> Option<(String, String)> {
        let point = self.pair.public_key().as_ref().get(1..)?;
        let (x, y) = point.split_at_checked(32)?;
        Some((URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y)))
    }

    /// The public half (RFC 7517).
    pub(super) fn jwk(&self) -> Value {
        let (x, y) = self.coordinates().unwrap_or_default();
        json!({
            "kty": "EC", "crv": "P-256", "x": x, "y": y,
            "kid": self.id, "use": "sig", "alg": "ES256",
        })
    }
}

/// What stands between the lines of PEM (RFC 7468).
fn blocks(pem: &str) -> impl Iterator<Item = &str> {
    pem.split("-----BEGIN PRIVATE KEY-----")
        .skip(1)
        .map(|rest| {
            rest.split("-----END PRIVATE KEY-----")
                .next()
                .unwrap_or_default()
        })
}

fn key(block: &str) -> Option<SigningKey> {
    let text: Zeroizing<String> = Zeroizing::new(block.split_whitespace().collect());
    let der = Zeroizing::new(STANDARD.decode(text.as_bytes()).ok()?);
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der).ok()?;
    SigningKey::new(pair)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A new key, as a file holds it.
    pub(in super::super) fn pem() -> String {
        let random = SystemRandom::new();
        let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random);
        let text = STANDARD.encode(made.expect("a key"));
        format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n")
    }
}
