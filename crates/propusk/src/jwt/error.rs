//! Why a verifier cannot be made.

use crate::{InvalidIssuer, InvalidResourceUrl};

/// What is wrong with the configuration of a [`JwtVerifier`](crate::JwtVerifier). It contains
/// neither a secret nor a key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidJwtVerifier {
    /// The issuer is not one whose metadata can be asked for.
    #[error(transparent)]
    Issuer(#[from] InvalidIssuer),
    /// The issuer is an empty text.
    #[error("the issuer is empty; it is the `iss` of the tokens, byte for byte")]
    NoIssuer,
    /// The audience is not the URL of a resource.
    #[error("the audience must be the URL of this server (others are added to it): {0}")]
    Audience(#[from] InvalidResourceUrl),
    /// The URL of the key set is not one to trust.
    #[error("the URL of the key set is not usable: {0}")]
    KeySetUrl(&'static str),
    /// The text is not a key set.
    #[error("the key set is not usable: it {0}")]
    KeySet(String),
    /// No key of the set can be used.
    #[error("the key set has no public key for signatures that is known here: {0}")]
    NoKey(String),
    /// The shared secret could be guessed.
    #[error("{0}")]
    Secret(String),
    /// The HTTP client cannot be set up.
    #[error("{0}")]
    Http(String),
}
