//! Keys and signatures for tests: made anew in every run.

use aws_lc_rs::{
    encoding::AsDer,
    hmac,
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
        Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512,
        RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512, RsaKeyPair,
    },
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde_json::{Value, json};

use super::SignatureAlgorithm;

/// A private key.
pub(crate) enum Signer {
    Rsa(RsaKeyPair),
    P256(EcdsaKeyPair),
    P384(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Secret(Vec<u8>),
}

impl Signer {
    /// A new key that fits the algorithm.
    pub(crate) fn generate(algorithm: SignatureAlgorithm) -> Self {
        use SignatureAlgorithm::{EdDsa, Es256, Es384};
        match algorithm {
            Es256 => {
                Self::P256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("key"))
            }
            Es384 => {
                Self::P384(EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).expect("key"))
            }
            EdDsa => Self::Ed25519(Ed25519KeyPair::generate().expect("key")),
            _ => Self::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).expect("key")),
        }
    }

    /// The private key in PKCS#8, as PEM.
    pub(crate) fn pem(&self) -> String {
        let document = match self {
            Self::Rsa(pair) => pair.as_der().expect("PKCS#8").as_ref().to_vec(),
            Self::P256(pair) | Self::P384(pair) => {
                pair.to_pkcs8v1().expect("PKCS#8").as_ref().to_vec()
            }
            Self::Ed25519(pair) => pair.to_pkcs8v1().expect("PKCS#8").as_ref().to_vec(),
            Self::Secret(_) => panic!("a secret is no private key"),
        };
        let text = STANDARD.encode(document);
        format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n")
    }

    /// The public half, without `kid` and `alg`.
    pub(crate) fn jwk(&self) -> Value {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match self {
            Self::Rsa(pair) => {
                // RFC 8017 A.1.1 in DER: a sequence of 2048 bits behind a zero, and of 65537.
                let modulus = &pair.public_key().as_ref()[9..][..256];
                json!({"kty": "RSA", "n": text(modulus), "e": "AQAB"})
            }
            Self::P256(pair) => ec("P-256", &pair.public_key().as_ref()[1..]),
            Self::P384(pair) => ec("P-384", &pair.public_key().as_ref()[1..]),
            Self::Ed25519(pair) => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": text(pair.public_key().as_ref())})
            }
            Self::Secret(secret) => json!({"kty": "oct", "k": text(secret)}),
        }
    }

    /// The signature that this `alg` asks for, as far as the key can give it.
    pub(crate) fn sign(&self, alg: &str, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Rsa(pair) => {
                let padding = match alg {
                    "RS384" => &RSA_PKCS1_SHA384,
                    "RS512" => &RSA_PKCS1_SHA512,
                    "PS256" => &RSA_PSS_SHA256,
                    "PS384" => &RSA_PSS_SHA384,
                    "PS512" => &RSA_PSS_SHA512,
                    _ => &RSA_PKCS1_SHA256,
                };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(padding, &random, message, &mut signature)
                    .expect("signature");
                signature
            }
            Self::P256(pair) | Self::P384(pair) => pair
                .sign(&random, message)
                .expect("signature")
                .as_ref()
                .to_vec(),
            Self::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
            Self::Secret(secret) => {
                let hash = match alg {
                    "HS384" => hmac::HMAC_SHA384,
                    "HS512" => hmac::HMAC_SHA512,
                    _ => hmac::HMAC_SHA256,
                };
                hmac::sign(&hmac::Key::new(hash, secret), message)
                    .as_ref()
                    .to_vec()
            }
        }
    }

    /// A token with this header, whose `alg` counts, and this payload.
    pub(crate) fn token(&self, header: &Value, payload: &Value) -> String {
        self.token_of(&header.to_string(), &payload.to_string())
    }

    /// A token of these very texts.
    pub(crate) fn token_of(&self, header: &str, payload: &str) -> String {
        let alg = serde_json::from_str::<Value>(header).unwrap_or_default();
        let input = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(header),
            URL_SAFE_NO_PAD.encode(payload)
        );
        let signature = self.sign(alg["alg"].as_str().unwrap_or_default(), input.as_bytes());
        format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

fn ec(curve: &str, coordinates: &[u8]) -> Value {
    let (x, y) = coordinates.split_at(coordinates.len() / 2);
    let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    json!({"kty": "EC", "crv": curve, "x": text(x), "y": text(y)})
}
