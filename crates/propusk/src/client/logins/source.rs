//! A client's tokens out of a stored login.

mod memory;

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use super::{
    super::{
        HttpSettings, OutgoingToken, ProtectedServer, Reaction, RefusedRequest, TokenError,
        TokenErrorKind, TokenSource,
    },
    Login, LoginKey, LoginStore, Renewal, RenewalProcess,
    renewal::login_required,
};
use crate::{BearerToken, Clock, SystemClock};
use memory::Memory;

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
        if self.memory().is_on_trial(sent, self.clock.now()) {
            return Ok(Reaction::GiveUp);
        }
        let login = self.obtain(server.http(), Some(sent.clone())).await?;
        self.memory().put_on_trial(&login);
        Ok(Reaction::Retry)
    }

    async fn on_insufficient(&self, sent: &BearerToken) -> Result<Reaction, TokenError> {
        let stored = self.store.load(&self.key).await?;
        let other = stored.filter(|login| self.is_good(login, Some(sent)));
        Ok(match other {
            Some(login) => {
                drop(self.memory().remember(login));
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
            self.memory().forget();
            return Err(login_required(&self.key, "nobody is signed in"));
        };
        if self.is_good(&stored, spent) {
            return Ok(self.memory().remember(stored));
        }
        // Whether the old token does until there is a new one.
        let still_works = spent.is_none_or(|spent| spent != stored.access_token())
            && stored.expires_at().is_none_or(|end| self.clock.now() < end);
        if still_works && (!stored.has_refresh_token() || self.memory().failed_within_pause()) {
            return Ok(stored);
        }
        let shared = self.memory().shared_failure(&self.key, &stored, since);
        if let Some(failure) = shared {
            return if still_works {
                Ok(stored)
            } else {
                Err(failure)
            };
        }
        match self.renew(settings, &stored).await {
            Ok(login) => Ok(self.memory().remember(login)),
            Err(error) => {
                self.memory().note_failure(&stored, &error);
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

    /// The login in memory, if its token is good and is another one than `spent`.
    fn remembered(&self, spent: Option<&BearerToken>) -> Option<Login> {
        let login = self.memory().login()?;
        self.is_good(&login, spent).then_some(login)
    }

    fn is_good(&self, login: &Login, spent: Option<&BearerToken>) -> bool {
        login.is_fresh(self.clock.now()) && spent != Some(login.access_token())
    }

    /// The token as it goes out, with the key that it is bound to.
    fn outgoing(&self, login: &Login) -> Result<OutgoingToken, TokenError> {
        let token =
            OutgoingToken::new(login.access_token().clone()).with_expires_at(login.expires_at());
        if !login.is_bound_to_key() {
            return Ok(token.bound_to_key(false));
        }
        match login.expose_dpop_key() {
            Some(pem) => Ok(token.with_key(self.memory().dpop_key(&self.key, pem)?)),
            // The key is the client's own.
            None => Ok(token.bound_to_key(true)),
        }
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
