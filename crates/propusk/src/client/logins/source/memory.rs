//! What the copies of a stored login know together, without asking the store or the issuer.

use std::time::{Duration, Instant, SystemTime};

use super::super::{
    super::{DpopKey, TokenError, TokenErrorKind},
    Login, LoginKey,
    renewal::{digest, login_required},
};
use crate::BearerToken;

/// How long a token that still works is used before its issuer, which could not be reached, is asked
/// again.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(5);

/// A server that refuses a token that is good by its date, and then the one that was got instead,
/// refuses for another reason. How long the second is believed in.
const TRIAL: Duration = Duration::from_secs(60);

#[derive(Default)]
pub(super) struct Memory {
    login: Option<Login>,
    dpop_key: Option<DpopKey>,
    /// When the last renewal failed, and how.
    failure: Option<(Instant, TokenErrorKind, String)>,
    /// The digest of the access token of a login that the issuer no longer renews.
    ended: Option<String>,
    /// The token that was got because the server refused another one.
    on_trial: Option<(BearerToken, Instant)>,
}

impl Memory {
    pub(super) fn login(&self) -> Option<Login> {
        self.login.clone()
    }

    pub(super) fn remember(&mut self, login: Login) -> Login {
        self.login = Some(login.clone());
        self.failure = None;
        login
    }

    pub(super) fn forget(&mut self) {
        self.login = None;
    }

    /// The token of this login is the answer to a refusal.
    pub(super) fn put_on_trial(&mut self, login: &Login) {
        self.on_trial = Some((login.access_token().clone(), Instant::now()));
    }

    /// Whether this token was itself the answer to a refusal, and should be good still.
    pub(super) fn is_on_trial(&self, sent: &BearerToken, now: SystemTime) -> bool {
        let fresh = self.login.as_ref().is_some_and(|login| login.is_fresh(now));
        let trial = self.on_trial.as_ref();
        fresh && trial.is_some_and(|(token, since)| token == sent && since.elapsed() < TRIAL)
    }

    /// What somebody who waited together with us has learned, or what will not change by asking.
    pub(super) fn shared_failure(
        &self,
        key: &LoginKey,
        stored: &Login,
        since: Instant,
    ) -> Option<TokenError> {
        if self.ended.as_ref() == Some(&digest(stored.access_token())) {
            return Some(login_required(key, "the login has ended"));
        }
        let (at, kind, message) = self.failure.as_ref()?;
        (*at > since).then(|| TokenError::new(*kind, message.clone()))
    }

    pub(super) fn failed_within_pause(&self) -> bool {
        let failure = self.failure.as_ref();
        failure.is_some_and(|(at, ..)| at.elapsed() < PAUSE_AFTER_FAILURE)
    }

    pub(super) fn note_failure(&mut self, stored: &Login, error: &TokenError) {
        self.failure = Some((Instant::now(), error.kind(), error.to_string()));
        if error.kind() == TokenErrorKind::LoginRequired {
            self.ended = Some(digest(stored.access_token()));
        }
    }

    /// The key of a login, which remembers the nonces of servers as long as it is the same.
    pub(super) fn dpop_key(&mut self, key: &LoginKey, pem: &str) -> Result<DpopKey, TokenError> {
        if let Some(known) = &self.dpop_key
            && *known.to_pem() == *pem
        {
            return Ok(known.clone());
        }
        let read = DpopKey::from_pem(pem).map_err(|error| {
            login_required(key, "the DPoP key of the login cannot be read").with_cause(error)
        })?;
        Ok(self.dpop_key.insert(read).clone())
    }
}
