//! Shared secrets (RFC 7518 §3.2).

use std::fmt;

use aws_lc_rs::hmac;

use super::MacAlgorithm;

/// A shared secret, bound to its one algorithm.
pub(crate) struct MacKey {
    algorithm: MacAlgorithm,
    key: hmac::Key,
}

/// A secret that could be guessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the secret for {0} must have at least {bytes} bytes (RFC 7518 §3.2)",
    bytes = .0.shortest_secret()
)]
pub(crate) struct SecretTooShort(MacAlgorithm);

impl MacKey {
    /// Takes over a secret that is at least as long as the hash.
    pub(crate) fn new(algorithm: MacAlgorithm, secret: &[u8]) -> Result<Self, SecretTooShort> {
        if secret.len() < algorithm.shortest_secret() {
            return Err(SecretTooShort(algorithm));
        }
        let hash = match algorithm {
            MacAlgorithm::Hs256 => hmac::HMAC_SHA256,
            MacAlgorithm::Hs384 => hmac::HMAC_SHA384,
            MacAlgorithm::Hs512 => hmac::HMAC_SHA512,
        };
        let key = hmac::Key::new(hash, secret);
        Ok(Self { algorithm, key })
    }

    pub(crate) fn algorithm(&self) -> MacAlgorithm {
        self.algorithm
    }

    /// Whether the tag is that of the message: compared whole, in constant time.
    pub(crate) fn verify(&self, signing_input: &[u8], tag: &[u8]) -> bool {
        hmac::verify(&self.key, signing_input, tag).is_ok()
    }
}

impl fmt::Debug for MacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MacKey({}, [redacted])", self.algorithm)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc7518_3_2_a_secret_is_at_least_as_long_as_the_hash() {
        for algorithm in MacAlgorithm::ALL {
            let enough = algorithm.shortest_secret();
            assert!(MacKey::new(algorithm, &vec![7; enough]).is_ok());
            let error = MacKey::new(algorithm, &vec![7; enough - 1]).expect_err("too short");
            assert!(error.to_string().contains(&enough.to_string()), "{error}");
        }
    }

    #[test]
    fn the_whole_tag_counts_and_debug_shows_no_secret() {
        let key = MacKey::new(
            MacAlgorithm::Hs256,
            b"a secret of just about thirty-two bytes",
        );
        let key = key.expect("long enough");
        let tag = hmac::sign(&key.key, b"message");
        let tag = tag.as_ref();
        assert!(key.verify(b"message", tag));
        assert!(!key.verify(b"massage", tag));
        assert!(!key.verify(b"message", &tag[..31]));
        assert!(!key.verify(b"message", &[tag, &[0]].concat()));
        assert!(!key.verify(b"message", b""));
        assert!(!key.verify(b"message", &[0; 32]));
        assert_eq!(format!("{key:?}"), "MacKey(HS256, [redacted])");
    }
}
