//! Renewing a login: under its lock, at the issuer that it came from, and kept before it is used.
//!
//! A refresh token that rotates is good once. Whoever presents it holds the lock, has read the login
//! under it, and has shown that the store can be written; what comes back is kept before anybody
//! uses it. Left is one gap: the process may be killed between the issuer's answer and the write.
//! [`RenewalProcess`](super::RenewalProcess) moves that gap to a process that nobody kills.

mod answer;
mod request;
mod revocation;

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    super::{HttpSettings, TokenError, TokenErrorKind},
    Login, LoginKey, LoginStore, record,
};
use crate::BearerToken;
use answer::Outcome;

pub use revocation::Revocation;

/// How often new tokens are written before they are given up, and how long after a failure.
const SAVE_ATTEMPTS: usize = 5;
const SAVE_PAUSE: Duration = Duration::from_millis(200);

/// One renewal, to be done here or in another process. It contains no secret.
#[derive(Clone, Serialize, Deserialize)]
pub struct Renewal {
    #[serde(flatten)]
    key: LoginKey,
    /// The digest of the access token that is not to be used again.
    spent: String,
}

impl Renewal {
    /// The renewal of a login whose access token has ended or was refused.
    #[must_use]
    pub fn of(login: &Login) -> Self {
        Self {
            key: login.key().clone(),
            spent: digest(login.access_token()),
        }
    }

    /// Which login is to be renewed.
    #[must_use]
    pub fn key(&self) -> &LoginKey {
        &self.key
    }

    /// Renews the login in its store: takes the lock, reads again, and asks the issuer only where
    /// nobody else has renewed it meanwhile. The new login is kept before it is returned.
    ///
    /// Once it has begun, this must not be dropped before it is done: spawn it.
    ///
    /// # Errors
    /// [`TokenErrorKind::LoginRequired`] where there is no login, or its refresh token is no longer
    /// good; [`TokenErrorKind::Unavailable`] where the issuer or the store cannot be reached, and the
    /// login is as before; others where it is set up so that it cannot be renewed.
    pub async fn run<S: LoginStore>(
        &self,
        store: &S,
        settings: &HttpSettings,
    ) -> Result<Login, TokenError> {
        let key = self.key();
        let lock = store.lock(key).await?;
        let mut login = self.under_lock(store, settings, key).await;
        if let Ok(Step::Spent(login_then)) = &login {
            // Somebody without our lock, an older version perhaps, may have been quicker.
            login = self.after_refusal(store, settings, login_then).await;
        }
        drop(lock);
        match login? {
            Step::Done(login) => Ok(*login),
            Step::Spent(_) => Err(login_required(key, "the login has ended")),
        }
    }

    async fn under_lock<S: LoginStore>(
        &self,
        store: &S,
        settings: &HttpSettings,
        key: &LoginKey,
    ) -> Result<Step, TokenError> {
        let login = store.load(key).await?;
        let login = login.ok_or_else(|| login_required(key, "nobody is signed in"))?;
        self.renew(store, settings, login).await
    }

    async fn after_refusal<S: LoginStore>(
        &self,
        store: &S,
        settings: &HttpSettings,
        refused: &Login,
    ) -> Result<Step, TokenError> {
        let again = store.load(refused.key()).await?;
        match again {
            Some(login) if login.refresh_token != refused.refresh_token => {
                self.renew(store, settings, login).await
            }
            _ => Ok(Step::Spent(Box::new(refused.clone()))),
        }
    }

    /// Asks the issuer, unless this login is good already.
    async fn renew<S: LoginStore>(
        &self,
        store: &S,
        settings: &HttpSettings,
        login: Login,
    ) -> Result<Step, TokenError> {
        if digest(login.access_token()) != self.spent && login.is_fresh(SystemTime::now()) {
            return Ok(Step::Done(Box::new(login)));
        }
        if !login.has_refresh_token() {
            return Ok(Step::Spent(Box::new(login)));
        }
        // What cannot be kept must not be asked for: the new refresh token would be lost, and the
        // old one is good no more.
        store.save(&login).await?;
        match request::refresh(&login, settings).await? {
            Outcome::Renewed(renewed) => {
                keep(store, &renewed).await;
                Ok(Step::Done(renewed))
            }
            Outcome::Spent => Ok(Step::Spent(Box::new(login))),
            outcome => Err(failure(login.key(), outcome)),
        }
    }
}

/// Keeps what came. The store could be written a moment ago; where it no longer can, the new tokens
/// are better used by this process than by none.
async fn keep<S: LoginStore>(store: &S, renewed: &Login) {
    for attempt in 1..=SAVE_ATTEMPTS {
        let Err(error) = store.save(renewed).await else {
            return;
        };
        if attempt == SAVE_ATTEMPTS {
            tracing::error!("the renewed login cannot be kept and ends with this process: {error}");
        } else {
            tokio::time::sleep(SAVE_PAUSE).await;
        }
    }
}

enum Step {
    Done(Box<Login>),
    /// The issuer no longer accepts the refresh token of this login.
    Spent(Box<Login>),
}

fn failure(key: &LoginKey, outcome: Outcome) -> TokenError {
    let issuer = &key.issuer;
    match outcome {
        // The registration of the client has ended; the next login makes a new one.
        Outcome::Declined(code) if code == "invalid_client" || code == "unauthorized_client" => {
            login_required(
                key,
                &format!("{issuer} no longer knows this client ({code})"),
            )
        }
        Outcome::Declined(code) => {
            let message = format!(
                "{issuer} does not renew the login ({code}); to sign in again, run: propusk login {}",
                key.server
            );
            TokenError::new(TokenErrorKind::Declined, message)
        }
        Outcome::Unavailable(why) => {
            let message = format!(
                "{issuer} cannot renew the login now: {why}; the login is kept, try again later"
            );
            TokenError::new(TokenErrorKind::Unavailable, message)
        }
        Outcome::Renewed(_) | Outcome::Spent | Outcome::WantsNonce => TokenError::new(
            TokenErrorKind::Unavailable,
            format!("{issuer} gave no token"),
        ),
    }
}

/// Says that a human is needed, and what the human does.
pub(super) fn login_required(key: &LoginKey, why: &str) -> TokenError {
    let message = format!("{why}; run: propusk login {}", key.server);
    TokenError::new(TokenErrorKind::LoginRequired, message)
}

/// A digest names a token without giving it away.
pub(super) fn digest(token: &BearerToken) -> String {
    let digest = Sha256::digest(token.expose_secret());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl fmt::Debug for Renewal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Renewal")
            .field("login", &record::name(self.key()))
            .finish_non_exhaustive()
    }
}
