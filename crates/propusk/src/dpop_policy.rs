//! Whether tokens must be bound to a key.

use std::{fmt, str::FromStr};

/// Which tokens are accepted: those that anyone who has them can use, or only those that are bound
/// to a key of their client (DPoP, RFC 9449).
///
/// Whatever the policy, a token that is bound to a key is never accepted without a proof of that
/// key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DpopPolicy {
    /// A bound token must prove its key; any other is a plain bearer token.
    #[default]
    Accepted,
    /// Only bound tokens: what someone else gets hold of is of no use to them.
    Required,
}

impl FromStr for DpopPolicy {
    type Err = UnknownDpopPolicy;

    fn from_str(text: &str) -> Result<Self, UnknownDpopPolicy> {
        match text {
            "accepted" => Ok(Self::Accepted),
            "required" => Ok(Self::Required),
            _ => Err(UnknownDpopPolicy),
        }
    }
}

impl fmt::Display for DpopPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Accepted => "accepted",
            Self::Required => "required",
        })
    }
}

/// A text that names no DPoP policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a DPoP policy is one of: accepted, required")]
pub struct UnknownDpopPolicy;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_back() {
        for policy in [DpopPolicy::Accepted, DpopPolicy::Required] {
            assert_eq!(policy.to_string().parse(), Ok(policy));
        }
        for bad in ["", "Required", "off", "optional"] {
            assert_eq!(bad.parse::<DpopPolicy>(), Err(UnknownDpopPolicy), "{bad:?}");
        }
    }
}
