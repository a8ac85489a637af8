//! The third answer of a verifier: it cannot tell now.

use std::{error::Error, fmt, sync::Arc, time::Duration};

/// A verifier cannot tell now whether a token is valid: its database, key set or identity server
/// does not answer. The client gets 503 with `Retry-After`, never a 401 that would make it throw a
/// good token away.
///
/// Any error converts into it, so `?` works inside a verifier. (For that reason it does not
/// implement [`Error`] itself; [`Unavailable::cause`] has the original.) The cause is logged and
/// never sent to the client. A clone shares the cause: all that waited for one answer get it.
#[derive(Clone)]
pub struct Unavailable {
    cause: Arc<dyn Error + Send + Sync>,
    retry_after: Duration,
    is_of_one_token: bool,
}

impl Unavailable {
    /// What a client is told to wait when the verifier has no better idea.
    pub const DEFAULT_RETRY_AFTER: Duration = Duration::from_secs(5);

    /// Cannot tell, for the reason given (an error or a text).
    pub fn new(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            cause: Arc::from(cause.into()),
            retry_after: Self::DEFAULT_RETRY_AFTER,
            is_of_one_token: false,
        }
    }

    /// It is this token about which nobody can tell yet: nothing is down, and its operator has
    /// nothing to mend.
    #[cfg(feature = "jwt")]
    pub(crate) fn of_one_token(mut self) -> Self {
        self.is_of_one_token = true;
        self
    }

    /// Whether it is only this token about which nobody can tell yet: no operator has anything to
    /// mend, and a log need not say so.
    #[must_use]
    pub fn is_of_one_token(&self) -> bool {
        self.is_of_one_token
    }

    /// Sets how long the client should wait. Sent in whole seconds, rounded up.
    #[must_use]
    pub fn with_retry_after(mut self, retry_after: Duration) -> Self {
        self.retry_after = retry_after;
        self
    }

    /// How long the client should wait.
    #[must_use]
    pub fn retry_after(&self) -> Duration {
        self.retry_after
    }

    /// The original error, for the log.
    #[must_use]
    pub fn cause(&self) -> &(dyn Error + Send + Sync + 'static) {
        &*self.cause
    }
}

impl<E: Error + Send + Sync + 'static> From<E> for Unavailable {
    fn from(error: E) -> Self {
        Self::new(error)
    }
}

impl fmt::Debug for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Unavailable({:?})", self.cause)
    }
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot verify tokens now: {}", self.cause)
    }
}
