//! Signed JSON objects (JWS, JWK: RFC 7515, 7517, 7518, 8037), read strictly.
//!
//! Nothing here trusts or fetches anything: what a header says about keys is a fact for the caller
//! to judge. Left out: encryption (RFC 7516), the JSON serialization (RFC 7515 §7.2), P-521, Ed448.

mod algorithm;
#[cfg(feature = "jwt")]
mod compact;
#[cfg(feature = "jwt")]
mod header;
mod key;
#[cfg(feature = "jwt")]
mod mac;
mod material;
#[cfg(feature = "jwt")]
mod named;
#[cfg(feature = "jwt")]
mod object;
mod thumbprint;

#[cfg(test)]
#[cfg(feature = "jwt")]
pub(crate) mod signer;
#[cfg(test)]
#[cfg(feature = "jwt")]
mod wycheproof;

pub use algorithm::{MacAlgorithm, SignatureAlgorithm, UnknownAlgorithm};

pub(crate) use key::{UnusableKey, VerifyingKey};

#[cfg(feature = "jwt")]
pub(crate) use {
    compact::{Compact, InvalidCompact, parse_part, unverified_issuer},
    header::{Header, InvalidHeader},
    mac::MacKey,
    named::Algorithm,
    object::{InvalidObject, parse_object, parse_objects_of},
};
