//! Signed JSON objects (JWS, JWK: RFC 7515, 7517, 7518, 8037), read strictly.
//!
//! Nothing here trusts or fetches anything: what a header says about keys is a fact for the caller
//! to judge. Left out: encryption (RFC 7516), the JSON serialization (RFC 7515 §7.2), P-521, Ed448.

mod algorithm;
mod compact;
mod header;
mod key;
mod mac;
mod material;
mod object;
mod thumbprint;

#[cfg(test)]
pub(crate) mod signer;
#[cfg(test)]
mod wycheproof;

pub use algorithm::{MacAlgorithm, SignatureAlgorithm, UnknownAlgorithm};

pub(crate) use algorithm::Algorithm;
pub(crate) use compact::{Compact, InvalidCompact, parse_part, unverified_issuer};
pub(crate) use header::{Header, InvalidHeader};
pub(crate) use key::{UnusableKey, VerifyingKey};
pub(crate) use mac::MacKey;
pub(crate) use object::{InvalidObject, parse_object, parse_objects_of};
