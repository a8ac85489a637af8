//! Why one exchange of HTTP gave nothing that rmcp could read.

use std::{error::Error, fmt, time::Duration};

use crate::client::{OutgoingToken, RefusedRequest, TokenError};

/// Why there is no answer. [`ClientError`](crate::client::ClientError) is made from it.
#[derive(Debug)]
pub(in crate::client) enum Failure {
    /// The server answered that it does not do it.
    Setback(Setback),
    /// 5xx: it failed while it answered, and may have done what was asked.
    Broken {
        status: u16,
        retry_after: Option<Duration>,
        /// What it says in a JSON-RPC error.
        said: Option<String>,
    },
    /// There is no token, so nothing was sent.
    NoToken(TokenError),
    /// The answer did not come in the time that the user set.
    Late(Duration),
    /// The connection, or what came over it.
    Http(reqwest::Error),
}

/// An answer that is none, and that may be got over.
#[derive(Debug, Clone)]
pub(in crate::client) enum Setback {
    /// 401 or 403.
    Refused(Box<RefusedRequest>),
    /// 429 or 503.
    Busy {
        status: u16,
        retry_after: Option<Duration>,
        sent: Option<OutgoingToken>,
    },
}

impl Failure {
    /// With the sentence of the server that failed.
    pub(super) fn saying(mut self, message: &str) -> Self {
        if let Self::Broken { said, .. } = &mut self {
            *said = Some(message.to_owned()).filter(|message| !message.is_empty());
        }
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Setback(Setback::Refused(refused)) => write!(f, "HTTP {}", refused.status),
            Self::Setback(Setback::Busy { status, .. }) => write!(f, "HTTP {status}"),
            Self::Broken { status, .. } => write!(f, "HTTP {status}"),
            Self::NoToken(error) => error.fmt(f),
            Self::Late(limit) => write!(f, "no answer within {} s", limit.as_secs_f32()),
            Self::Http(error) => error.fmt(f),
        }
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Setback(_) | Self::Broken { .. } | Self::Late(_) => None,
            Self::NoToken(error) => error.source(),
            Self::Http(error) => error.source(),
        }
    }
}

impl From<Setback> for Failure {
    fn from(setback: Setback) -> Self {
        Self::Setback(setback)
    }
}

impl From<TokenError> for Failure {
    fn from(error: TokenError) -> Self {
        Self::NoToken(error)
    }
}

impl From<reqwest::Error> for Failure {
    fn from(error: reqwest::Error) -> Self {
        // The URL stands in every text anyway, and a query may hold what is nobody's business.
        Self::Http(error.without_url())
    }
}
