//! A client's tokens out of a stored login.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::{
    super::{
        DpopKey, HttpSettings, OutgoingToken, ProtectedServer, Reaction, RefusedRequest,
        TokenError, TokenErrorKind, TokenSource,
    },
    Login, LoginKey, LoginStore, Renewal, RenewalProcess,
    renewal::{digest, login_required},
};
use crate::{BearerToken, Clock, SystemClock};

/// How long a token that still works is used before its issuer, which could not be reached, is asked
/// again.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(5);

/// A server that refuses a token that is good by its date, and then the one that was got instead,
/// refuses for another reason. How long the second is believed in.
const TRIAL: Duration = Duration::from_secs(60);

/// Takes a client's tokens from a stored login, and renews them.
///
/// The token in memory is used as long as it is good; then the one in the store, where another
/// process may have renewed it; then the issuer is asked, by one caller in this process and by one
/// process at a time. While the issuer cannot be reached, a token goes on being used until its end.
///
/// A renewal that has begun goes on when its caller is dropped, but not when the runtime or the
/// process ends; see [`StoredLogin::renew_in`].
///
/// Copies share memory and renewals.
pub struct StoredLogin<S>(Arc<Inner<S>>);

struct Inner<S> {
    store: Arc<S>,
    key: LoginKey,
    process: Option<RenewalProcess>,
    clock: Arc<dyn Clock>,
    memory: Mutex<Memory>,
    /// One renewal at a time.
    renewing: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Memory {
    login: Option<Login>,
    dpop_key: Option<DpopKey>,
    /// When the last renewal failed, and how.
    failure: Option<(Instant, TokenErrorKind, String)>,
    /// The digest of the access token of a login that the issuer no longer renews.
    ended: Option<String>,
    /// The token that was got because the server refused another one.
    on_trial: Option<(BearerToken, Instant)>,
}

impl<S: LoginStore> StoredLogin<S> {
    /// The login of this key. That there is one shows when a token is needed.
    pub fn new(store: S, key: LoginKey) -> Self {
        Self::build(Arc::new(store), key, None, Arc::new(SystemClock))
    }

    fn build(
        store: Arc<S>,
        key: LoginKey,
        process: Option<RenewalProcess>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self(Arc::new(Inner {
            store,
            key,
            process,
            clock,
            memory: Mutex::default(),
            renewing: tokio::sync::Mutex::default(),
        }))
    }

    /// Has renewals done by a process of their own, so that a rotated refresh token survives whatever
    /// happens to this one, SIGKILL included. Where that process cannot be started, this one does it.
    ///
    /// The process must keep its logins in the same store.
    #[must_use]
    pub fn renew_in(self, process: RenewalProcess) -> Self {
        let Inner {
            store, key, clock, ..
        } = &*self.0;
        Self::build(
            Arc::clone(store),
            key.clone(),
            Some(process),
            Arc::clone(clock),
        )
    }

    /// Takes the time from elsewhere.
    #[must_use]
    pub fn with_clock(self, clock: impl Clock) -> Self {
        let Inner {
            store,
            key,
            process,
            ..
        } = &*self.0;
        Self::build(
            Arc::clone(store),
            key.clone(),
            process.clone(),
            Arc::new(clock),
        )
    }

    /// Which login it is.
    #[must_use]
    pub fn key(&self) -> &LoginKey {
        &self.0.key
    }

    /// Forgets what is in memory, so that the next request reads the store: after a login that this
    /// very process has just kept there.
    pub fn reload(&self) {
        *self.0.memory() = Memory::default();
    }
}

impl<S: LoginStore> TokenSource for StoredLogin<S> {
    async fn token(&self, server: &ProtectedServer) -> Result<Option<OutgoingToken>, TokenError> {
        self.0.check(server)?;
        if let Some(login) = self.0.remembered(None) {
            return self.0.outgoing(&login).map(Some);
        }
        let login = self.0.obtain(server.http(), None).await?;
        self.0.outgoing(&login).map(Some)
    }

    async fn on_challenge(
        &self,
        server: &ProtectedServer,
        refused: &RefusedRequest,
    ) -> Result<Reaction, TokenError> {
        self.0.check(server)?;
        let Some(sent) = refused.sent().map(OutgoingToken::secret) else {
            return Ok(Reaction::GiveUp);
        };
        match refused.status() {
            401 => self.0.on_invalid(server, sent).await,
            // A wider login may have been kept by another process meanwhile.
            _ => self.0.on_insufficient(sent).await,
        }
    }
}

impl<S: LoginStore> Inner<S> {
    /// The token goes to the server that the user signed in for, and to no other.
    fn check(&self, server: &ProtectedServer) -> Result<(), TokenError> {
        if server.url() == self.key.server {
            return Ok(());
        }
        let message = format!(
            "the login for {} is not used for {}; run: propusk login {}",
            self.key.server,
            server.url(),
            server.url(),
        );
        Err(TokenError::new(TokenErrorKind::Misconfigured, message))
    }

    async fn on_invalid(
        self: &Arc<Self>,
        server: &ProtectedServer,
        sent: &BearerToken,
    ) -> Result<Reaction, TokenError> {
        if self.remembered(Some(sent)).is_some() {
            return Ok(Reaction::Retry);
        }
        if self.is_on_trial(sent) {
            return Ok(Reaction::GiveUp);
        }
        let login = self.obtain(server.http(), Some(sent.clone())).await?;
        self.memory().on_trial = Some((login.access_token().clone(), Instant::now()));
        Ok(Reaction::Retry)
    }

    /// Whether this token was itself the answer to a refusal, and should be good still.
    fn is_on_trial(&self, sent: &BearerToken) -> bool {
        let now = self.clock.now();
        let memory = self.memory();
        let fresh = memory
            .login
            .as_ref()
            .is_some_and(|login| login.is_fresh(now));
        fresh
            && memory
                .on_trial
                .as_ref()
                .is_some_and(|(token, since)| token == sent && since.elapsed() < TRIAL)
    }

    async fn on_insufficient(&self, sent: &BearerToken) -> Result<Reaction, TokenError> {
        let stored = self.store.load(&self.key).await?;
        let other = stored.filter(|login| self.is_good(login, Some(sent)));
        Ok(match other {
            Some(login) => {
                drop(self.remember(login));
                Reaction::Retry
            }
            None => Reaction::GiveUp,
        })
    }

    /// A login with a good token. The work goes on when the caller is dropped: what the issuer
    /// answers must be kept.
    async fn obtain(
        self: &Arc<Self>,
        settings: &HttpSettings,
        spent: Option<BearerToken>,
    ) -> Result<Login, TokenError> {
        let (this, settings, since) = (Arc::clone(self), settings.clone(), Instant::now());
        let work = tokio::spawn(async move { this.obtain_alone(&settings, spent, since).await });
        work.await.unwrap_or_else(|stopped| {
            let message = "the login was not renewed: the program is ending";
            Err(TokenError::new(TokenErrorKind::Unavailable, message).with_cause(stopped))
        })
    }

    async fn obtain_alone(
        &self,
        settings: &HttpSettings,
        spent: Option<BearerToken>,
        since: Instant,
    ) -> Result<Login, TokenError> {
        let _alone = self.renewing.lock().await;
        let spent = spent.as_ref();
        if let Some(login) = self.remembered(spent) {
            return Ok(login);
        }
        let stored = self.store.load(&self.key).await?;
        let Some(stored) = stored else {
            self.memory().login = None;
            return Err(login_required(&self.key, "nobody is signed in"));
        };
        if self.is_good(&stored, spent) {
            return Ok(self.remember(stored));
        }
        // Whether the old token does until there is a new one.
        let still_works = spent.is_none_or(|spent| spent != stored.access_token())
            && stored.expires_at().is_none_or(|end| self.clock.now() < end);
        if still_works && (!stored.has_refresh_token() || self.failed_within_pause()) {
            return Ok(stored);
        }
        if let Some(failure) = self.shared_failure(&stored, since) {
            return if still_works {
                Ok(stored)
            } else {
                Err(failure)
            };
        }
        match self.renew(settings, &stored).await {
            Ok(login) => Ok(self.remember(login)),
            Err(error) => {
                self.note_failure(&stored, &error);
                if still_works {
                    tracing::warn!("{error}; the present token is used until its end");
                    return Ok(stored);
                }
                Err(error)
            }
        }
    }

    async fn renew(&self, settings: &HttpSettings, stored: &Login) -> Result<Login, TokenError> {
        let renewal = Renewal::of(stored);
        let Some(process) = &self.process else {
            return renewal.run(&*self.store, settings).await;
        };
        match process.renew(&renewal).await {
            Ok(done) => {
                done?;
                let renewed = self.store.load(&self.key).await?;
                renewed.ok_or_else(|| login_required(&self.key, "nobody is signed in"))
            }
            Err(error) => {
                tracing::debug!("no process for the renewal could be started: {error}");
                renewal.run(&*self.store, settings).await
            }
        }
    }

    /// What somebody who waited together with us has learned, or what will not change by asking.
    fn shared_failure(&self, stored: &Login, since: Instant) -> Option<TokenError> {
        let memory = self.memory();
        if memory.ended.as_ref() == Some(&digest(stored.access_token())) {
            return Some(login_required(&self.key, "the login has ended"));
        }
        let (at, kind, message) = memory.failure.as_ref()?;
        (*at > since).then(|| TokenError::new(*kind, message.clone()))
    }

    fn failed_within_pause(&self) -> bool {
        let memory = self.memory();
        let failure = memory.failure.as_ref();
        failure.is_some_and(|(at, ..)| at.elapsed() < PAUSE_AFTER_FAILURE)
    }

    fn note_failure(&self, stored: &Login, error: &TokenError) {
        let mut memory = self.memory();
        memory.failure = Some((Instant::now(), error.kind(), error.to_string()));
        if error.kind() == TokenErrorKind::LoginRequired {
            memory.ended = Some(digest(stored.access_token()));
        }
    }

    /// The login in memory, if its token is good and is another one than `spent`.
    fn remembered(&self, spent: Option<&BearerToken>) -> Option<Login> {
        let login = self.memory().login.clone()?;
        self.is_good(&login, spent).then_some(login)
    }

    fn is_good(&self, login: &Login, spent: Option<&BearerToken>) -> bool {
        login.is_fresh(self.clock.now()) && spent != Some(login.access_token())
    }

    fn remember(&self, login: Login) -> Login {
        let mut memory = self.memory();
        memory.login = Some(login.clone());
        memory.failure = None;
        login
    }

    /// The token as it goes out, with the key that it is bound to.
    fn outgoing(&self, login: &Login) -> Result<OutgoingToken, TokenError> {
        let token =
            OutgoingToken::new(login.access_token().clone()).with_expires_at(login.expires_at());
        if !login.is_bound_to_key() {
            return Ok(token.bound_to_key(false));
        }
        match login.expose_dpop_key() {
            Some(pem) => Ok(token.with_key(self.key_of(pem)?)),
            // The key is the client's own.
            None => Ok(token.bound_to_key(true)),
        }
    }

    /// The key of a login, which remembers the nonces of servers as long as it is the same.
    fn key_of(&self, pem: &str) -> Result<DpopKey, TokenError> {
        let mut memory = self.memory();
        if let Some(known) = &memory.dpop_key
            && *known.to_pem() == *pem
        {
            return Ok(known.clone());
        }
        let key = DpopKey::from_pem(pem).map_err(|error| {
            login_required(&self.key, "the DPoP key of the login cannot be read").with_cause(error)
        })?;
        Ok(memory.dpop_key.insert(key).clone())
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S> Clone for StoredLogin<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S> fmt::Debug for StoredLogin<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StoredLogin").field(&self.0.key).finish()
    }
}

#[cfg(test)]
mod tests;
