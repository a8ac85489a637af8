//! Public keys (JWK: RFC 7517, RFC 7518 §6, RFC 8037 §2), parsed once and bound to their
//! algorithms.

use std::fmt;

use aws_lc_rs::signature::ParsedPublicKey;
use serde_json::{Map, Value};

use super::{
    SignatureAlgorithm, UnknownAlgorithm,
    material::{Material, member},
    thumbprint::thumbprint,
};

/// A public key, with the algorithms that it may be used with and no others (RFC 8725 §3.1).
pub(crate) struct VerifyingKey {
    parsed: Vec<(SignatureAlgorithm, ParsedPublicKey)>,
    thumbprint: String,
}

/// Why a key is not used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UnusableKey {
    #[error("it has no `kty` that is known here (RSA, EC, OKP)")]
    Type,
    #[error("it contains a private or secret part (`{0}`), which does not belong there")]
    Private(&'static str),
    #[error("it is not meant for verifying signatures (`{0}`)")]
    Purpose(&'static str),
    #[error("its `alg` is {0}")]
    Algorithm(UnknownAlgorithm),
    #[error("its `alg` is not one of its key type")]
    OtherAlgorithm,
    #[error("its curve is not known here")]
    Curve,
    #[error("its `{0}` is missing or malformed")]
    Member(&'static str),
    #[error("an RSA key of {0} bits; they must be 2048 to 8192")]
    Size(usize),
    #[error("its numbers are not a public key")]
    Numbers,
}

/// Members of private and symmetric keys (RFC 7518 §6.2.2, §6.3.2, §6.4.1).
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

impl VerifyingKey {
    /// Parses a JWK that is public and meant for signatures.
    pub(crate) fn from_jwk(jwk: &Map<String, Value>) -> Result<Self, UnusableKey> {
        for name in PRIVATE {
            if jwk.contains_key(name) {
                return Err(UnusableKey::Private(name));
            }
        }
        may_verify(jwk)?;
        let material = Material::from_jwk(jwk)?;
        let algorithms = material.algorithms();
        let parsed = match named_algorithm(jwk)? {
            None => algorithms.iter().map(|one| material.parse(*one)).collect(),
            Some(one) if algorithms.contains(&one) => material.parse(one).map(|key| vec![key]),
            Some(_) => return Err(UnusableKey::OtherAlgorithm),
        }?;
        let thumbprint = thumbprint(jwk, material.required_members())?;
        Ok(Self { parsed, thumbprint })
    }

    /// The SHA-256 thumbprint in base64url (RFC 7638).
    pub(crate) fn thumbprint(&self) -> &str {
        &self.thumbprint
    }

    /// The algorithms that it may be used with.
    pub(crate) fn algorithms(&self) -> impl Iterator<Item = SignatureAlgorithm> {
        self.parsed.iter().map(|(algorithm, _)| *algorithm)
    }

    /// Whether the key may be used with that algorithm.
    #[cfg(feature = "jwt")]
    pub(crate) fn fits(&self, algorithm: SignatureAlgorithm) -> bool {
        self.algorithms().any(|own| own == algorithm)
    }

    /// Whether the signature is that of the message, by this key with this algorithm. An algorithm
    /// that does not fit is a "no".
    #[cfg(feature = "jwt")]
    pub(crate) fn verify(
        &self,
        algorithm: SignatureAlgorithm,
        signing_input: &[u8],
        signature: &[u8],
    ) -> bool {
        let mut fitting = self.parsed.iter().filter(|(own, _)| *own == algorithm);
        fitting.any(|(_, key)| key.verify_sig(signing_input, signature).is_ok())
    }
}

/// RFC 7517 §4.2 and §4.3: for signatures, where it says what it is for.
fn may_verify(jwk: &Map<String, Value>) -> Result<(), UnusableKey> {
    match jwk.get("use") {
        None => {}
        Some(Value::String(purpose)) if purpose == "sig" => {}
        Some(_) => return Err(UnusableKey::Purpose("use")),
    }
    match jwk.get("key_ops") {
        None => Ok(()),
        Some(Value::Array(operations)) if operations.iter().any(|one| one == "verify") => Ok(()),
        Some(_) => Err(UnusableKey::Purpose("key_ops")),
    }
}

/// RFC 7517 §4.4: the algorithm that the key says it is for.
fn named_algorithm(jwk: &Map<String, Value>) -> Result<Option<SignatureAlgorithm>, UnusableKey> {
    if !jwk.contains_key("alg") {
        return Ok(None);
    }
    let named = member(jwk, "alg")?.parse();
    named.map(Some).map_err(UnusableKey::Algorithm)
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey({}", self.thumbprint)?;
        for algorithm in self.algorithms() {
            write!(f, " {algorithm}")?;
        }
        f.write_str(")")
    }
}

#[cfg(test)]
#[cfg(feature = "jwt")]
mod tests;
