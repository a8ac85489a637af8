//! Tokens that are bound to a key of their client: DPoP (RFC 9449), the side of the resource
//! server. Left out: everything of the authorization server (§5, §6, §8), and binding by
//! certificate (RFC 8705).

mod nonce;
mod proof;
mod replay;
mod target;

use std::{sync::Arc, time::SystemTime};

use http::{HeaderValue, request::Parts};

use crate::{
    AuthSettings, BearerToken, ProofDefect,
    jose::SignatureAlgorithm::{
        self, EdDsa, Es256, Es384, Ps256, Ps384, Ps512, Rs256, Rs384, Rs512,
    },
};
use nonce::{Age, Nonces};
use proof::Expected;
use replay::UsedProofs;
use target::Target;

pub(crate) use proof::Proof;
pub(crate) use replay::{Holder, NotUsed};

/// The algorithms of proofs that are accepted. All have a public key; what is shortest comes first,
/// since a client may take the first that it knows.
const ALGORITHMS: [SignatureAlgorithm; 9] = [
    Es256, EdDsa, Es384, Ps256, Ps384, Ps512, Rs256, Rs384, Rs512,
];

/// The most used proofs of ten minutes that are remembered: some 40 MB, and as much again where
/// everyone is of another holder.
const MOST_USED_PROOFS: usize = 1_000_000;

/// The names of the algorithms of proofs that are accepted.
pub(crate) fn algorithm_names() -> impl Iterator<Item = &'static str> {
    ALGORITHMS.into_iter().map(SignatureAlgorithm::name)
}

/// Checks the proofs of requests, and remembers what it has seen.
pub(crate) struct Dpop {
    target: Target,
    nonces: Option<Arc<Nonces>>,
    used: Arc<UsedProofs>,
}

impl Dpop {
    pub(crate) fn new(settings: &AuthSettings) -> Self {
        Self::with_room_for(settings, MOST_USED_PROOFS)
    }

    /// The same with another limit to how many used proofs are remembered, twice: for those of the
    /// last ten minutes, and for those of the ten before.
    pub(crate) fn with_room_for(settings: &AuthSettings, most: usize) -> Self {
        Self {
            target: Target::of(settings.resource()),
            nonces: settings
                .requires_dpop_nonce()
                .then(|| Arc::new(Nonces::new())),
            used: Arc::new(UsedProofs::with_room_for(most)),
        }
    }

    /// The same by other settings: what has been used stays used, and nonces stay good.
    pub(crate) fn renewed(&self, settings: &AuthSettings) -> Self {
        let kept = || {
            let nonces = self.nonces.as_ref();
            nonces.map_or_else(|| Arc::new(Nonces::new()), Arc::clone)
        };
        Self {
            target: Target::of(settings.resource()),
            nonces: settings.requires_dpop_nonce().then(kept),
            used: Arc::clone(&self.used),
        }
    }

    /// Checks the proof that came with a token, all but whether it has been used before.
    pub(crate) fn check(
        &self,
        request: &Parts,
        token: &BearerToken,
        now: SystemTime,
    ) -> Result<Proof, ProofDefect> {
        let expected = Expected {
            method: request.method.as_str(),
            path: request.uri.path(),
            target: &self.target,
            token: token.expose_secret(),
            nonces: self.nonces.as_deref(),
            now,
        };
        let text = proof::only_header(&request.headers)?;
        proof::check(text, &expected)
    }

    /// Uses up a proof whose token was accepted, and returns the nonce that the client is told in
    /// the answer: none where the one it has is still the current one (RFC 9449 §8.2).
    pub(crate) fn use_up(
        &self,
        proof: &Proof,
        holder: Holder,
        now: SystemTime,
    ) -> Result<Option<HeaderValue>, NotUsed> {
        // To look at the token may have taken long, and what is too old is not remembered.
        proof.is_of(now).map_err(NotUsed::Unproven)?;
        self.used.record(proof.id(), holder, now)?;
        Ok(match proof.nonce() {
            Some(Age::Previous) => self.nonce(now),
            Some(Age::Current) | None => None,
        })
    }

    /// The nonce for the next proof, if proofs need one.
    pub(crate) fn nonce(&self, now: SystemTime) -> Option<HeaderValue> {
        let nonce = self.nonces.as_ref()?.current(now)?;
        HeaderValue::try_from(nonce).ok()
    }
}
