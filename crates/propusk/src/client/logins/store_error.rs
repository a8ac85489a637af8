//! Why a login cannot be read or kept.

use std::{error::Error, fmt, io, path::Path};

use super::super::{TokenError, TokenErrorKind};

/// Why a store of logins failed: one sentence that names the place and the way out. It never
/// contains a token or a secret.
pub struct LoginStoreError {
    kind: LoginStoreErrorKind,
    message: String,
    cause: Option<Box<dyn Error + Send + Sync>>,
}

/// The kinds of [`LoginStoreError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoginStoreErrorKind {
    /// There is no way to read or write it now: no space, no right, no keyring.
    Unavailable,
    /// Another process has held the lock for too long.
    Busy,
    /// Others could have read or changed it, so it is not used.
    Exposed,
    /// What is kept there cannot be read: damaged, or written by a newer version.
    Unreadable,
}

impl LoginStoreError {
    /// Says in one sentence what happened, where, and what would help.
    #[must_use]
    pub fn new(kind: LoginStoreErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            cause: None,
        }
    }

    /// Keeps the cause. Whoever calls this knows that no secret is in its text.
    #[must_use]
    pub fn with_cause(mut self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// An operation on a file or folder that failed.
    pub(super) fn io(what: &str, path: &Path, error: io::Error) -> Self {
        let message = format!("cannot {what} {}: {error}", path.display());
        Self::new(LoginStoreErrorKind::Unavailable, message).with_cause(error)
    }

    /// What kind of trouble it is.
    #[must_use]
    pub fn kind(&self) -> LoginStoreErrorKind {
        self.kind
    }
}

impl From<LoginStoreError> for TokenError {
    fn from(error: LoginStoreError) -> Self {
        let kind = match error.kind {
            LoginStoreErrorKind::Unavailable | LoginStoreErrorKind::Busy => {
                TokenErrorKind::Unavailable
            }
            LoginStoreErrorKind::Exposed | LoginStoreErrorKind::Unreadable => {
                TokenErrorKind::Misconfigured
            }
        };
        let message = error.message.clone();
        Self::new(kind, message).with_cause(error)
    }
}

impl fmt::Display for LoginStoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for LoginStoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginStoreError")
            .field("kind", &self.kind)
            .field("message", &self.message)
            .finish_non_exhaustive()
    }
}

impl Error for LoginStoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let cause = self.cause.as_deref();
        cause.map(|cause| cause as &(dyn Error + 'static))
    }
}
