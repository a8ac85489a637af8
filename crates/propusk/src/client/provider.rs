//! Tokens from a closure: a command, a file, a secret manager, another library.

use std::{
    error::Error,
    fmt,
    pin::Pin,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use tokio::sync::Mutex as Flight;

use super::{
    OutgoingToken, ProtectedServer, Reaction, RefusedRequest, TokenError, TokenErrorKind,
    TokenSource,
};

/// How long before its end a token is replaced, but not before half of its life is over.
const MARGIN: Duration = Duration::from_secs(30);

/// How long nobody asks again where that failed and the token may still be used.
const PAUSE: Duration = Duration::from_secs(1);

/// A [`TokenSource`] out of a closure.
///
/// ```no_run
/// # async fn run() -> Result<(), propusk::client::ClientError> {
/// use std::time::{Duration, SystemTime};
/// use propusk::{Client, client::{OutgoingToken, TokenProvider}};
///
/// // A token alone is used until the server refuses it.
/// let from_file = TokenProvider::new(|| async {
///     Ok(tokio::fs::read_to_string("/run/secrets/mcp-token").await?)
/// });
/// // With its end, it is replaced in time.
/// let made_here = TokenProvider::new(|| async {
///     let end = SystemTime::now() + Duration::from_secs(300);
///     Ok(OutgoingToken::parse("a-token-signed-just-now")?.with_expires_at(Some(end)))
/// });
/// let session = Client::new("https://mcp.example.com/mcp").tokens(made_here).connect().await?;
/// # drop((session, from_file));
/// # Ok(())
/// # }
/// ```
///
/// The closure is asked when there is no token yet, when the token is about to end, and when the
/// server answered 401 to it; once, however many requests wait for it. Its error goes to all that
/// wait; it is asked again with the next request. A token that may still be used is used while the
/// closure fails.
pub struct TokenProvider {
    ask: Ask,
    held: Mutex<Held>,
    /// Whoever holds it asks.
    flight: Flight<()>,
}

/// What the closure last said.
#[derive(Default)]
struct Held {
    token: Option<OutgoingToken>,
    renew_at: Option<SystemTime>,
    failed: Option<TokenError>,
    /// How often it has been asked.
    asked: u64,
}

type Cause = Box<dyn Error + Send + Sync>;
type Asked = Pin<Box<dyn Future<Output = Result<OutgoingToken, Cause>> + Send>>;
type Ask = Box<dyn Fn() -> Asked + Send + Sync>;

impl TokenProvider {
    /// A source that asks this closure. It gives the token as text, or as an [`OutgoingToken`] that
    /// says more of it.
    pub fn new<A, F, T>(ask: A) -> Self
    where
        A: Fn() -> F + Send + Sync + 'static,
        F: Future<Output = Result<T, Box<dyn Error + Send + Sync>>> + Send + 'static,
        T: TryInto<OutgoingToken>,
        T::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        Self {
            ask: Box::new(move || {
                let asked = ask();
                Box::pin(async move { asked.await?.try_into().map_err(Into::into) })
            }),
            held: Mutex::default(),
            flight: Flight::default(),
        }
    }

    /// Asks the closure, or waits for what it says to somebody who is asking it already. `seen` is
    /// how often it had been asked when the caller looked.
    async fn renewed(&self, seen: u64) -> Result<OutgoingToken, TokenError> {
        let _asking = self.flight.lock().await;
        {
            let held = self.held();
            match (&held.failed, &held.token) {
                _ if held.asked == seen => {}
                (Some(failed), _) => return Err(failed.clone()),
                (None, Some(token)) => return Ok(token.clone()),
                (None, None) => {}
            }
        }
        self.ask().await
    }

    /// Only ever with the lock of the flight.
    async fn ask(&self) -> Result<OutgoingToken, TokenError> {
        let asked = (self.ask)().await.map_err(failure);
        let mut held = self.held();
        held.asked += 1;
        held.failed = asked.as_ref().err().cloned();
        if let Ok(token) = &asked {
            let end = token.expires_at();
            held.renew_at = end.map(|end| renewal(end, SystemTime::now()));
            held.token = Some(token.clone());
        }
        asked
    }

    /// Replaces a token that may still be used for a while, unless somebody does so already.
    async fn replaced(&self, token: OutgoingToken) -> OutgoingToken {
        let Ok(_asking) = self.flight.try_lock() else {
            return token;
        };
        match self.ask().await {
            Ok(new) => new,
            Err(error) => {
                tracing::debug!(%error, "a token that is about to end could not be replaced yet");
                self.held().renew_at = Some(SystemTime::now() + PAUSE);
                token
            }
        }
    }

    // Nothing panics while it is held.
    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TokenSource for TokenProvider {
    async fn token(&self, _: &ProtectedServer) -> Result<Option<OutgoingToken>, TokenError> {
        let now = SystemTime::now();
        let (token, renew_at, seen) = {
            let held = self.held();
            (held.token.clone(), held.renew_at, held.asked)
        };
        let over = |at: Option<SystemTime>| at.is_some_and(|at| at <= now);
        let token = match token {
            Some(token) if !over(renew_at) => token,
            Some(token) if !over(token.expires_at()) => self.replaced(token).await,
            _ => self.renewed(seen).await?,
        };
        Ok(Some(token))
    }

    async fn on_challenge(
        &self,
        _: &ProtectedServer,
        refused: &RefusedRequest,
    ) -> Result<Reaction, TokenError> {
        let Some(sent) = refused.sent().filter(|_| refused.status() == 401) else {
            // What a token may do is not the closure's decision.
            return Ok(Reaction::GiveUp);
        };
        let is_other = |token: &OutgoingToken| token.secret() != sent.secret();
        let (other, seen) = {
            let held = self.held();
            (held.token.as_ref().is_some_and(is_other), held.asked)
        };
        if other || is_other(&self.renewed(seen).await?) {
            Ok(Reaction::Retry)
        } else {
            Ok(Reaction::GiveUp)
        }
    }
}

/// When to ask for the next token: near the end of this one.
fn renewal(end: SystemTime, now: SystemTime) -> SystemTime {
    let life = end.duration_since(now).unwrap_or_default();
    end - MARGIN.min(life / 2)
}

fn failure(cause: Cause) -> TokenError {
    match cause.downcast::<TokenError>() {
        Ok(error) => *error,
        Err(cause) => {
            let message = format!("no token could be obtained: {cause}");
            TokenError::new(TokenErrorKind::Unavailable, message).with_cause(cause)
        }
    }
}

impl fmt::Debug for TokenProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenProvider")
    }
}

#[cfg(test)]
mod tests;
