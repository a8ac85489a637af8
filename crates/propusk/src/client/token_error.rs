//! Why a client has no token.

use std::{error::Error, fmt, sync::Arc};

/// Why there is no token for a request. It never contains a token, a code or a secret.
#[derive(Clone)]
pub struct TokenError {
    kind: TokenErrorKind,
    message: String,
    cause: Option<Arc<dyn Error + Send + Sync>>,
}

/// The kinds of [`TokenError`]: what to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenErrorKind {
    /// A human must sign in: nobody did yet, or the login ended.
    LoginRequired,
    /// The authorization server declined; trying the same again does not help.
    Declined,
    /// The authorization server, the keyring or the file of logins is not available now.
    Unavailable,
    /// What the server or its metadata asked for is not safe, so it was not done.
    Unsafe,
    /// The client is set up in a way that cannot work with this server.
    Misconfigured,
}

impl TokenError {
    /// Says in one sentence what happened and what would help.
    #[must_use]
    pub fn new(kind: TokenErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            cause: None,
        }
    }

    /// Keeps the cause. Whoever calls this knows that no secret is in its text.
    #[must_use]
    pub fn with_cause(mut self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.cause = Some(cause.into().into());
        self
    }

    /// What kind of trouble it is.
    #[must_use]
    pub fn kind(&self) -> TokenErrorKind {
        self.kind
    }
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenError")
            .field("kind", &self.kind)
            .field("message", &self.message)
            .field("cause", &self.cause)
            .finish()
    }
}

impl Error for TokenError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause
            .as_deref()
            .map(|cause| cause as &(dyn Error + 'static))
    }
}
