//! What goes upstream in the place of the caller's token, which never does.

mod assertion;
mod client_credentials;
mod exchange;
mod fixed;
mod grant;
mod id_jag;
mod kept;
mod keys;
mod per_caller;
mod rotation;
mod signing_key;
mod token_exchange;

use std::{fmt, pin::Pin};

use http::HeaderMap;
use propusk::AccessToken;

pub use assertion::CallerAssertion;
pub use client_credentials::ClientCredentials;
pub use fixed::{FixedHeader, InvalidFixedHeader};
pub use id_jag::IdJag;
pub use keys::{AssertionKeys, InvalidAssertionKey, JWKS_PATH, JwksPage};
pub use token_exchange::TokenExchange;

/// Says which headers carry the gate's own credentials to an upstream.
///
/// It is asked for every request, so it answers from memory as long as it can: for the gate as a
/// whole, or for one caller. The caller's own token must not be among the headers.
pub trait UpstreamCredentials: Send + Sync + 'static {
    /// The headers for a request of this caller; `None` is an anonymous one.
    ///
    /// # Errors
    /// [`CredentialsError`]: no request is sent.
    fn headers(
        &self,
        caller: Option<&AccessToken>,
    ) -> impl Future<Output = Result<HeaderMap, CredentialsError>> + Send;

    /// The upstream refused these headers with 401. Whoever can have others forgets them and says
    /// `true`: the request is then sent once more.
    fn refused(
        &self,
        caller: Option<&AccessToken>,
        headers: &HeaderMap,
    ) -> impl Future<Output = bool> + Send {
        let _ = (caller, headers);
        std::future::ready(false)
    }
}

/// Why there are no credentials for a request.
#[derive(Clone)]
pub struct CredentialsError {
    kind: CredentialsErrorKind,
    message: String,
}

/// The kinds of [`CredentialsError`], by who can do something about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CredentialsErrorKind {
    /// Time: whoever issues them cannot be reached now (503 for the caller).
    Unavailable,
    /// The operator of the gate (502).
    Misconfigured,
    /// Whoever administers the issuer: this caller gets none (403).
    Forbidden,
    /// The caller, by signing in: credentials are for somebody, and nobody is there (401).
    Anonymous,
}

impl CredentialsError {
    /// An error with a sentence for the operator's log. The caller never sees the sentence; it must
    /// contain no secret all the same.
    #[must_use]
    pub fn new(kind: CredentialsErrorKind, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { kind, message }
    }

    /// The same, with where it happened.
    fn at(self, place: &str) -> Self {
        Self::new(self.kind, format!("{place}: {}", self.message))
    }

    /// What kind it is.
    #[must_use]
    pub fn kind(&self) -> CredentialsErrorKind {
        self.kind
    }
}

impl fmt::Display for CredentialsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for CredentialsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CredentialsError")
            .field("kind", &self.kind)
            .field("message", &self.message)
            .finish()
    }
}

impl std::error::Error for CredentialsError {}

type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The object-safe twin of [`UpstreamCredentials`], for storage only.
pub(crate) trait DynCredentials: Send + Sync {
    fn dyn_headers<'a>(
        &'a self,
        caller: Option<&'a AccessToken>,
    ) -> Later<'a, Result<HeaderMap, CredentialsError>>;

    fn dyn_refused<'a>(
        &'a self,
        caller: Option<&'a AccessToken>,
        headers: &'a HeaderMap,
    ) -> Later<'a, bool>;
}

impl<C: UpstreamCredentials> DynCredentials for C {
    fn dyn_headers<'a>(
        &'a self,
        caller: Option<&'a AccessToken>,
    ) -> Later<'a, Result<HeaderMap, CredentialsError>> {
        Box::pin(self.headers(caller))
    }

    fn dyn_refused<'a>(
        &'a self,
        caller: Option<&'a AccessToken>,
        headers: &'a HeaderMap,
    ) -> Later<'a, bool> {
        Box::pin(self.refused(caller, headers))
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::{path::Path, process::Command};

    pub(super) fn make_pipe(path: &Path) {
        let made = Command::new("mkfifo").arg(path).status();
        assert!(made.expect("a program of the system").success());
    }
}
