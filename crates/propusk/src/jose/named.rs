//! The algorithm of a header, of whichever kind (RFC 7515 §4.1.1).

use std::{fmt, str::FromStr};

use super::{MacAlgorithm, SignatureAlgorithm, UnknownAlgorithm};

/// What a header names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Signature(SignatureAlgorithm),
    Mac(MacAlgorithm),
}

impl FromStr for Algorithm {
    type Err = UnknownAlgorithm;

    fn from_str(name: &str) -> Result<Self, UnknownAlgorithm> {
        let signature = name.parse().map(Self::Signature);
        signature.or_else(|_| name.parse().map(Self::Mac))
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signature(algorithm) => algorithm.fmt(f),
            Self::Mac(algorithm) => algorithm.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc7515_4_1_1_names_are_case_sensitive() {
        for algorithm in SignatureAlgorithm::ALL {
            let expected = Ok(Algorithm::Signature(algorithm));
            assert_eq!(algorithm.name().parse(), expected);
        }
        for algorithm in MacAlgorithm::ALL {
            assert_eq!(algorithm.name().parse(), Ok(Algorithm::Mac(algorithm)));
        }
        let ed25519 = Algorithm::Signature(SignatureAlgorithm::EdDsa);
        assert_eq!("Ed25519".parse(), Ok(ed25519));
        for unknown in [
            "none", "None", "NONE", "nOnE", "", "rs256", "RS256 ", " RS256", "Rs256", "RS256\0",
            "ES256K", "ES512", "Ed448", "ed25519", "eddsa", "HS256 ", "hs256", "HS1", "A256GCM",
            "RSA-OAEP", "dir",
        ] {
            assert_eq!(
                unknown.parse::<Algorithm>(),
                Err(UnknownAlgorithm),
                "{unknown:?}"
            );
        }
    }
}
