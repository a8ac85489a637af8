//! The keys of an issuer: given, or from a source that changes.

mod origin;
mod policy;
mod set;
mod source;
mod state;

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

pub(super) use origin::Origin;
pub(super) use set::KeySet;

use self::{set::Found, source::Source};
use super::refused::{NotVerified, Refused};
use crate::{
    Clock, Unavailable,
    jose::{Algorithm, Header, MacKey},
};

/// What signatures are verified with.
#[derive(Debug)]
pub(super) enum Keys {
    Secret(Box<MacKey>),
    Fixed(KeySet),
    Source(Arc<Source>),
}

/// A token whose claims are in order and whose signature is in question.
pub(super) struct Signed<'a> {
    pub(super) header: &'a Header,
    pub(super) input: &'a [u8],
    pub(super) signature: &'a [u8],
    pub(super) issued_at: Option<SystemTime>,
    pub(super) leeway: Duration,
}

impl Keys {
    pub(super) fn from_origin(origin: Origin) -> Self {
        Self::Source(Arc::new(Source::new(origin)))
    }

    /// Whether this kind of keys goes with that kind of algorithm (RFC 8725 §3.1): a shared secret
    /// with its one, public keys with none that needs a secret.
    pub(super) fn judge_algorithm(&self, algorithm: Algorithm) -> Result<(), Refused> {
        match (self, algorithm) {
            (Self::Secret(key), Algorithm::Mac(own)) if own == key.algorithm() => Ok(()),
            (Self::Fixed(_) | Self::Source(_), Algorithm::Signature(_)) => Ok(()),
            _ => Err(Refused::Algorithm),
        }
    }

    /// Whether the signature is that of one of these keys.
    pub(super) async fn verify(
        &self,
        signed: &Signed<'_>,
        clock: &Arc<dyn Clock>,
    ) -> Result<(), NotVerified> {
        match self {
            Self::Secret(key) if key.verify(signed.input, signed.signature) => Ok(()),
            Self::Secret(_) => Err(Refused::Signature.into()),
            Self::Fixed(set) => match set.verify(signed) {
                Found::Verified => Ok(()),
                Found::Refused(reason) | Found::Nothing(reason) => Err(reason.into()),
            },
            Self::Source(source) => source.verify(signed, clock).await,
        }
    }

    pub(super) async fn revision(&self, clock: &Arc<dyn Clock>) -> Result<u64, Unavailable> {
        match self {
            Self::Secret(_) | Self::Fixed(_) => Ok(0),
            Self::Source(source) => source.revision(clock).await,
        }
    }
}

#[cfg(test)]
mod tests;
