//! How an exchange with an identity server fails.

use super::addresses::NoPublicAddress;

/// Why there is no answer. It never contains what was sent or received.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum FetchError {
    /// The URL leads to an address that the configured one does not vouch for.
    #[error("{0} is not a place that tokens or keys are asked of: {1}")]
    Forbidden(String, &'static str),
    /// The answer sends elsewhere.
    #[error("the server redirects to another origin, or too often")]
    Redirected,
    /// The answer is larger than so many bytes.
    #[error("the answer is larger than {0} bytes")]
    TooLarge(usize),
    /// The server answered, but not with success.
    #[cfg(feature = "fetch")]
    #[error("the server answered with HTTP {0}")]
    Status(u16),
    /// There was no answer in time.
    #[error("there was no answer in time")]
    Timeout,
    /// The connection did not come about or broke.
    #[error("cannot connect: {0}")]
    Connect(String),
    /// Something else about the exchange.
    #[error("the exchange failed: {0}")]
    Transport(String),
}

impl FetchError {
    pub(crate) fn transport(error: reqwest::Error) -> Self {
        let error = error.without_url();
        if error.is_timeout() {
            return Self::Timeout;
        }
        // The outermost text only says that it failed; the innermost says why.
        let mut cause: &dyn std::error::Error = &error;
        while let Some(inner) = cause.source() {
            cause = inner;
        }
        if let Some(forbidden) = Self::of_name(cause) {
            return forbidden;
        }
        if error.is_connect() {
            Self::Connect(cause.to_string())
        } else {
            Self::Transport(cause.to_string())
        }
    }

    /// A name that was not resolved because of where it leads.
    pub(crate) fn of_name(error: &(dyn std::error::Error + 'static)) -> Option<Self> {
        let NoPublicAddress(name) = error.downcast_ref()?;
        Some(Self::Forbidden(name.clone(), "it has no public address"))
    }

    /// Whether the server itself said that there is nothing at this URL, so that another one may be
    /// tried.
    #[cfg(feature = "fetch")]
    pub(crate) fn is_absent(&self) -> bool {
        matches!(self, Self::Status(400..=499))
    }
}
