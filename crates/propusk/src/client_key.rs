//! The private key of a client (`private_key_jwt`, DPoP), and what is signed with it.

use std::fmt;

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
        Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaKeyPair,
    },
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use crate::SignatureAlgorithm;

/// A private key that a client signs with, instead of having a secret.
///
/// The algorithm follows from the key: ES256, ES384, EdDSA; RS256 for RSA, or PS256 after
/// [`with_pss`](ClientKey::with_pss).
pub struct ClientKey {
    pair: Pair,
    algorithm: SignatureAlgorithm,
    key_id: Option<String>,
}

enum Pair {
    Rsa(RsaKeyPair),
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// Why a text is not a key that can be signed with. It never contains the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidClientKey {
    /// It is no PEM with a private key in PKCS#8.
    #[error(
        "the client's key is not a PKCS#8 private key in PEM (-----BEGIN PRIVATE KEY-----); convert \
         others with: openssl pkcs8 -topk8 -nocrypt -in key.pem"
    )]
    NotPkcs8,
    /// It is of another kind.
    #[error("the client's key must be RSA of at least 2048 bits, P-256, P-384 or Ed25519")]
    Unsupported,
    /// Only RSA knows PSS.
    #[error("PSS needs an RSA key, which this one is not")]
    NotRsa,
}

impl ClientKey {
    /// Reads a private key in PKCS#8 (RFC 5958) from PEM (RFC 7468), without a password.
    ///
    /// # Errors
    /// [`InvalidClientKey`].
    pub fn from_pem(pem: &str) -> Result<Self, InvalidClientKey> {
        const BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
        const END: &str = "-----END PRIVATE KEY-----";
        let inside = pem
            .split_once(BEGIN)
            .and_then(|(_, rest)| rest.split_once(END))
            .ok_or(InvalidClientKey::NotPkcs8)?
            .0;
        let text: Zeroizing<String> = Zeroizing::new(inside.split_whitespace().collect());
        let der = STANDARD.decode(text.as_bytes());
        let der = Zeroizing::new(der.map_err(|_| InvalidClientKey::NotPkcs8)?);
        Self::from_pkcs8(&der)
    }

    fn from_pkcs8(der: &[u8]) -> Result<Self, InvalidClientKey> {
        use SignatureAlgorithm::{EdDsa, Es256, Es384, Rs256};
        let curve = |kind| EcdsaKeyPair::from_pkcs8(kind, der).map(Pair::Ecdsa);
        let (pair, algorithm) = if let Ok(pair) = RsaKeyPair::from_pkcs8(der) {
            (Pair::Rsa(pair), Rs256)
        } else if let Ok(pair) = curve(&ECDSA_P256_SHA256_FIXED_SIGNING) {
            (pair, Es256)
        } else if let Ok(pair) = curve(&ECDSA_P384_SHA384_FIXED_SIGNING) {
            (pair, Es384)
        } else if let Ok(pair) = Ed25519KeyPair::from_pkcs8(der) {
            (Pair::Ed25519(pair), EdDsa)
        } else {
            return Err(InvalidClientKey::Unsupported);
        };
        Ok(Self {
            pair,
            algorithm,
            key_id: None,
        })
    }

    /// Names the key to the identity server (`kid`), which it needs where a client has several.
    #[must_use]
    pub fn with_key_id(mut self, key_id: impl Into<String>) -> Self {
        self.key_id = Some(key_id.into());
        self
    }

    /// Signs with PS256 instead of RS256.
    ///
    /// # Errors
    /// [`InvalidClientKey::NotRsa`].
    pub fn with_pss(mut self) -> Result<Self, InvalidClientKey> {
        match self.pair {
            Pair::Rsa(_) => self.algorithm = SignatureAlgorithm::Ps256,
            _ => return Err(InvalidClientKey::NotRsa),
        }
        Ok(self)
    }

    /// What it signs with.
    #[cfg(feature = "client")]
    pub(crate) fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    /// The public half (RFC 7517), for whoever is to know this client by it: the members that make the
    /// key and no others, so no `kid`. `None` for RSA, whose numbers are not at hand.
    #[must_use]
    pub fn public_jwk(&self) -> Option<Map<String, Value>> {
        let text = |bytes: &[u8]| Value::from(URL_SAFE_NO_PAD.encode(bytes));
        let mut jwk = Map::new();
        match &self.pair {
            Pair::Rsa(_) => return None,
            Pair::Ecdsa(pair) => {
                // The point is uncompressed: a 4, then both coordinates (SEC 1 §2.3.3).
                let point = pair.public_key().as_ref().get(1..)?;
                let (x, y) = point.split_at(point.len() / 2);
                let curve = match self.algorithm {
                    SignatureAlgorithm::Es384 => "P-384",
                    _ => "P-256",
                };
                jwk.insert("kty".to_owned(), "EC".into());
                jwk.insert("crv".to_owned(), curve.into());
                jwk.insert("x".to_owned(), text(x));
                jwk.insert("y".to_owned(), text(y));
            }
            Pair::Ed25519(pair) => {
                jwk.insert("kty".to_owned(), "OKP".into());
                jwk.insert("crv".to_owned(), "Ed25519".into());
                jwk.insert("x".to_owned(), text(pair.public_key().as_ref()));
            }
        }
        Some(jwk)
    }

    /// A signed JSON Web Token with these claims; `None` where the library fails.
    pub(crate) fn sign(&self, claims: &Value) -> Option<Zeroizing<String>> {
        self.sign_as("JWT", claims)
    }

    /// The same with this media type.
    pub(crate) fn sign_as(&self, media_type: &str, claims: &Value) -> Option<Zeroizing<String>> {
        let mut header = json!({"typ": media_type});
        if let Some(key_id) = &self.key_id {
            header["kid"] = key_id.as_str().into();
        }
        self.sign_with(header, claims)
    }

    /// The same with another header, to which `alg` is added.
    pub(crate) fn sign_with(&self, mut header: Value, claims: &Value) -> Option<Zeroizing<String>> {
        header["alg"] = self.algorithm.name().into();
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let input = format!("{}.{}", encode(&header), encode(claims));
        let signature = URL_SAFE_NO_PAD.encode(self.signature(input.as_bytes())?);
        Some(Zeroizing::new(format!("{input}.{signature}")))
    }

    fn signature(&self, message: &[u8]) -> Option<Vec<u8>> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Rsa(pair) => {
                let padding = match self.algorithm {
                    SignatureAlgorithm::Ps256 => &RSA_PSS_SHA256,
                    _ => &RSA_PKCS1_SHA256,
                };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(padding, &random, message, &mut signature).ok()?;
                Some(signature)
            }
            Pair::Ecdsa(pair) => Some(pair.sign(&random, message).ok()?.as_ref().to_vec()),
            Pair::Ed25519(pair) => Some(pair.sign(message).as_ref().to_vec()),
        }
    }
}

impl fmt::Debug for ClientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientKey")
            .field("algorithm", &self.algorithm)
            .field("key_id", &self.key_id)
            .finish_non_exhaustive()
    }
}
