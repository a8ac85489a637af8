//! How an introspection fails: by its configuration, or by the other side.

use crate::{InvalidIssuer, InvalidResourceUrl, discovery::DiscoveryError, fetch::FetchError};

/// A configuration that cannot work. It contains no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidIntrospection {
    /// The endpoint is not a URL that tokens may be sent to.
    #[error("the introspection endpoint: {0}")]
    Endpoint(InvalidResourceUrl),
    /// The endpoint is not a place that tokens may be sent to.
    #[error(
        "tokens and the client's credentials are sent to the introspection endpoint, so it must be \
         https, or http on this machine"
    )]
    Insecure,
    /// The issuer is none.
    #[error(transparent)]
    Issuer(#[from] InvalidIssuer),
    /// The audience is not the URL of a resource.
    #[error("the audience: {0}")]
    Audience(#[from] InvalidResourceUrl),
    /// Answers are to be signed, and nobody said by whom.
    #[error("signed answers need an issuer, whose keys they are verified with; name it")]
    NoIssuer,
    /// There is no HTTP client: the TLS library cannot be set up.
    #[error("cannot prepare an HTTP client: {0}")]
    Client(String),
}

/// Why there is no answer. It never contains what was sent or received.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error(transparent)]
    Discovery(#[from] DiscoveryError),
    #[error("the introspection endpoint was not found a moment ago; it is looked for again soon")]
    NotFoundBefore,
    #[error(
        "the metadata names {0} as introspection endpoint; tokens are sent to https only, or to \
         this machine"
    )]
    Insecure(String),
    #[error(
        "the introspection endpoint refuses the credentials of this server (HTTP {0}); check \
         client id, secret or key, and that the client may introspect tokens"
    )]
    CredentialsRefused(u16),
    #[error("the introspection endpoint does not answer: {0}")]
    Fetch(FetchError),
    #[error("what the introspection endpoint answers {0}")]
    NotAnAnswer(&'static str),
    #[error("the keys that answers are signed with are not to be had: {0}")]
    Keys(String),
    #[error("the introspection endpoint has failed several times; it is asked again soon")]
    FailedBefore,
    #[error("too many tokens are being introspected at the moment")]
    Busy,
    #[error("cannot sign with the client's key")]
    Signing,
}

impl From<FetchError> for Failure {
    fn from(error: FetchError) -> Self {
        match error {
            FetchError::Status(status @ (401 | 403)) => Self::CredentialsRefused(status),
            other => Self::Fetch(other),
        }
    }
}

impl Failure {
    /// Whether the next token would fare no better. A plain 500 is not among them: a crafted token
    /// might provoke it, and must not keep others from being asked about.
    pub(super) fn is_outage(&self) -> bool {
        use FetchError::{Connect, Status, Timeout, Transport};
        match self {
            // Not 403: what stands before the server may answer that to one crafted token.
            Self::CredentialsRefused(status) => *status == 401,
            Self::Fetch(error) => matches!(
                error,
                Connect(_) | Timeout | Transport(_) | Status(429 | 502..=504)
            ),
            _ => false,
        }
    }

    /// Whether the endpoint is not where it was.
    pub(super) fn is_misplaced(&self) -> bool {
        use FetchError::{Connect, Status, Timeout};
        matches!(
            self,
            Self::Fetch(Connect(_) | Timeout | Status(404 | 405 | 410))
        )
    }

    /// Whether it only repeats what was said before.
    pub(super) fn is_echo(&self) -> bool {
        matches!(self, Self::FailedBefore | Self::NotFoundBefore)
    }
}
