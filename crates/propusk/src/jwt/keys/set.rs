//! A key set (RFC 7517 §5), and the search for the key of a token.

use std::fmt;

use serde_json::{Map, Value};

use super::{super::refused::Refused, Signed};
use crate::jose::{
    Algorithm, InvalidObject, UnusableKey, VerifyingKey, parse_object, parse_objects_of,
};

/// The usable keys of a document. Those that are not usable do not spoil it (RFC 7517 §5).
#[derive(Debug)]
pub(in crate::jwt) struct KeySet {
    keys: Vec<Key>,
    ignored: Vec<Ignored>,
}

#[derive(Debug)]
struct Key {
    id: Option<String>,
    key: VerifyingKey,
}

/// Why a document is not a key set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(in crate::jwt) enum InvalidKeySet {
    #[error("{0}")]
    Object(InvalidObject),
    #[error("is a single key; a set is {{\"keys\": [ … ]}}, with the key between the brackets")]
    SingleKey,
    #[error("is metadata of an issuer; the key set is at its `jwks_uri`")]
    Metadata,
    #[error("has no array `keys`")]
    NoKeys,
}

/// Why a key of a set is not used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum Ignored {
    #[error(transparent)]
    Unusable(#[from] UnusableKey),
    #[error("it {0}")]
    NotAKey(#[from] InvalidObject),
    #[error("its `kid` is not a text")]
    Id,
    #[error("the set has too many keys")]
    TooMany,
}

/// What a set says about a signature.
#[derive(Debug, PartialEq)]
pub(super) enum Found {
    Verified,
    Refused(Refused),
    /// The key is not here, so that a newer set may have it; if none has, that is why.
    Nothing(Refused),
}

/// Real sets have two or three.
const MOST_KEYS: usize = 100;

/// How many keys are tried for one token, in the order of the set. Each one costs as much as a
/// signature; issuers that do not name their keys have one or two.
const MOST_TRIED: usize = 16;

impl KeySet {
    pub(in crate::jwt) fn parse(document: &[u8]) -> Result<Self, InvalidKeySet> {
        let mut set = Self {
            keys: Vec::new(),
            ignored: Vec::new(),
        };
        for element in parse_objects_of(document, "keys").map_err(|why| instead(document, why))? {
            match element
                .map_err(Ignored::from)
                .and_then(|jwk| Key::parse(&jwk))
            {
                Ok(_) if set.keys.len() >= MOST_KEYS => set.ignored.push(Ignored::TooMany),
                Ok(key) => set.keys.push(key),
                Err(why) => set.ignored.push(why),
            }
        }
        Ok(set)
    }

    /// Whether there is no usable key.
    pub(in crate::jwt) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    pub(super) fn ignored(&self) -> usize {
        self.ignored.len()
    }

    /// The first reasons for which keys are not used.
    pub(in crate::jwt) fn complaints(&self) -> String {
        let reasons: Vec<String> = self
            .ignored
            .iter()
            .take(3)
            .map(ToString::to_string)
            .collect();
        if reasons.is_empty() {
            "it has no keys at all".to_owned()
        } else {
            reasons.join("; ")
        }
    }

    /// Whether every key of `earlier` is in this set too, under the same name and for the same
    /// algorithms.
    pub(super) fn contains_all_of(&self, earlier: &Self) -> bool {
        let same = |a: &Key, b: &Key| {
            a.id == b.id
                && a.key.thumbprint() == b.key.thumbprint()
                && a.key.algorithms().eq(b.key.algorithms())
        };
        earlier
            .keys
            .iter()
            .all(|old| self.keys.iter().any(|new| same(old, new)))
    }

    /// Verifies with the keys that the header names, or that fit its algorithm where it names none
    /// (RFC 7515 §4.1.4, appendix D); with so many of them at most as are tried for one token.
    pub(super) fn verify(&self, signed: &Signed<'_>) -> Found {
        let Algorithm::Signature(algorithm) = signed.header.algorithm() else {
            return Found::Refused(Refused::Algorithm);
        };
        let id = signed.header.key_id();
        let named = |key: &&Key| id.is_none() || key.id.as_deref() == id;
        let fitting = |key: &&Key| key.key.fits(algorithm);
        let verified = |key: &Key| key.key.verify(algorithm, signed.input, signed.signature);
        let candidates = || self.keys.iter().filter(named).filter(fitting);
        match candidates().take(MOST_TRIED + 1).count() {
            0 if id.is_some() && self.keys.iter().any(|key| named(&key)) => {
                Found::Refused(Refused::KeyAlgorithm)
            }
            0 => Found::Nothing(Refused::UnknownKey),
            _ if candidates().take(MOST_TRIED).any(verified) => Found::Verified,
            // The key that it names is here, and did not make this signature.
            _ if id.is_some() => Found::Refused(Refused::Signature),
            count if count > MOST_TRIED => Found::Nothing(Refused::AmbiguousKey(MOST_TRIED)),
            _ => Found::Nothing(Refused::Signature),
        }
    }
}

/// What a document without a usable `keys` is.
fn instead(document: &[u8], why: InvalidObject) -> InvalidKeySet {
    match parse_object(document) {
        Ok(members) if members.contains_key("keys") => InvalidKeySet::NoKeys,
        Ok(members) if members.contains_key("kty") => InvalidKeySet::SingleKey,
        Ok(members) if members.contains_key("jwks_uri") => InvalidKeySet::Metadata,
        Ok(_) => InvalidKeySet::NoKeys,
        Err(_) => InvalidKeySet::Object(why),
    }
}

impl Key {
    fn parse(jwk: &Map<String, Value>) -> Result<Self, Ignored> {
        let id = match jwk.get("kid") {
            None => None,
            Some(Value::String(id)) => Some(id.clone()),
            Some(_) => return Err(Ignored::Id),
        };
        Ok(Self {
            id,
            key: VerifyingKey::from_jwk(jwk)?,
        })
    }
}

/// For the log: how many keys there are.
impl fmt::Display for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} keys, {} ignored", self.len(), self.ignored())
    }
}

#[cfg(test)]
mod tests;
