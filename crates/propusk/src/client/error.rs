//! Why a client got no answer.

use std::{
    error::Error,
    fmt,
    time::{Duration, SystemTime},
};

use rmcp::{
    ErrorData, ServiceError, service::ClientInitializeError,
    transport::streamable_http_client::StreamableHttpError,
};

use super::{
    OutgoingToken, TokenErrorKind,
    authorized::{Failure, Setback},
};
use crate::{Challenge, InvalidBearerToken, InvalidResourceUrl, ScopeSet};

/// Why a client got no answer. What to do about it is told by [`ClientError::kind`] and the
/// predicates; the text is for humans.
pub struct ClientError {
    kind: ErrorKind,
    challenge: Option<Box<Challenge>>,
    sent: Option<Sent>,
    cause: Option<Box<dyn Error + Send + Sync>>,
}

/// What a request carried that the server did not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sent {
    /// No token.
    Nothing,
    /// A token.
    Token {
        /// Until when it is valid, where that is known.
        expires_at: Option<SystemTime>,
        /// Whether it went out with a proof of its key (DPoP).
        bound: bool,
    },
}

/// The kinds of [`ClientError`].
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The server's URL is not usable.
    InvalidUrl,
    /// The token would travel over plain HTTP to another machine.
    InsecureUrl,
    /// The text given as a token is none.
    InvalidToken,
    /// The arguments of a tool are not a JSON object.
    InvalidArguments,
    /// 401: no token, or one that is not valid. [`ClientError::challenge`] says more.
    Unauthenticated,
    /// 403: the token does not permit it. [`ClientError::challenge`] names the scopes that would do.
    Forbidden,
    /// 429 or 5xx: the server cannot answer now.
    Unavailable {
        /// The HTTP status.
        status: u16,
        /// What the server asks to wait, where it said so.
        retry_after: Option<Duration>,
    },
    /// The server answered with a JSON-RPC error.
    Rpc(Box<ErrorData>),
    /// The server cannot be reached, or what answers is no MCP server.
    Transport,
    /// There is no token to send; nothing was sent.
    NoToken(TokenErrorKind),
}

impl ClientError {
    pub(super) fn new(kind: ErrorKind) -> Self {
        Self {
            kind,
            challenge: None,
            sent: None,
            cause: None,
        }
    }

    pub(super) fn caused(kind: ErrorKind, cause: impl Error + Send + Sync + 'static) -> Self {
        Self {
            kind,
            challenge: None,
            sent: None,
            cause: Some(Box::new(cause)),
        }
    }

    /// What kind of trouble it is.
    #[must_use]
    pub fn kind(&self) -> &ErrorKind {
        &self.kind
    }

    /// The server's challenge, where it refused and sent one.
    #[must_use]
    pub fn challenge(&self) -> Option<&Challenge> {
        self.challenge.as_deref()
    }

    /// What was sent, where a request was sent and not answered (401, 403, 429, 503).
    #[must_use]
    pub fn sent(&self) -> Option<Sent> {
        self.sent
    }

    /// Whether the server wants a (valid) token: 401.
    #[must_use]
    pub fn is_unauthenticated(&self) -> bool {
        self.kind == ErrorKind::Unauthenticated
    }

    /// Whether the token does not permit the operation: 403.
    #[must_use]
    pub fn is_forbidden(&self) -> bool {
        self.kind == ErrorKind::Forbidden
    }

    /// Whether trying again later may help: the server is overloaded, down or unreachable.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        matches!(
            self.kind,
            ErrorKind::Unavailable { .. } | ErrorKind::Transport
        )
    }

    /// A JSON-RPC error, or what rmcp makes one of where none came.
    fn of_rpc(data: ErrorData) -> Self {
        let said = |member: &str| data.data.as_ref()?.get(member)?.as_str();
        let refused = match said("error").filter(|_| data.code.0 == -32001) {
            Some("unauthenticated") => Some((ErrorKind::Unauthenticated, None)),
            Some("forbidden") => Some((ErrorKind::Forbidden, None)),
            Some("insufficient_scope") => {
                let challenge = challenge_in(&data.message, said("scope"));
                Some((ErrorKind::Forbidden, Some(Box::new(challenge))))
            }
            _ => None,
        };
        if let Some((kind, challenge)) = refused {
            let mut error = Self::caused(kind, data);
            error.challenge = challenge;
            return error;
        }
        Self::new(ErrorKind::Rpc(Box::new(data)))
    }

    /// Classifies by what our own HTTP client left at the bottom of rmcp's errors.
    fn of_transport(cause: impl Error + Send + Sync + 'static) -> Self {
        let mut found = Self::new(ErrorKind::Transport);
        let mut next: Option<&(dyn Error + 'static)> = Some(&cause);
        while let Some(error) = next {
            if let Some(failure) = error.downcast_ref::<Failure>() {
                found.learn(failure);
            }
            next = beneath(error);
        }
        found.cause = Some(Box::new(cause));
        found
    }

    fn learn(&mut self, failure: &Failure) {
        match failure {
            Failure::Setback(Setback::Refused(refused)) => {
                self.kind = match refused.status {
                    401 => ErrorKind::Unauthenticated,
                    _ => ErrorKind::Forbidden,
                };
                self.challenge = refused.challenge.clone().map(Box::new);
                self.sent = Some(Sent::of(refused.sent.as_ref()));
            }
            Failure::Setback(Setback::Busy {
                status,
                retry_after,
                sent,
            }) => {
                self.kind = ErrorKind::Unavailable {
                    status: *status,
                    retry_after: *retry_after,
                };
                self.sent = Some(Sent::of(sent.as_ref()));
            }
            Failure::Broken {
                status,
                retry_after,
                ..
            } => {
                self.kind = ErrorKind::Unavailable {
                    status: *status,
                    retry_after: *retry_after,
                };
            }
            Failure::NoToken(error) => self.kind = ErrorKind::NoToken(error.kind()),
            Failure::Late(_) | Failure::Http(_) => {}
        }
    }
}

impl Sent {
    fn of(token: Option<&OutgoingToken>) -> Self {
        token.map_or(Self::Nothing, |token| Self::Token {
            expires_at: token.expires_at(),
            bound: token.is_bound_to_key(),
        })
    }
}

/// A refusal that came inside an answer which had begun, as the challenge that it would have been.
fn challenge_in(message: &str, scope: Option<&str>) -> Challenge {
    Challenge::bearer()
        .with_error("insufficient_scope")
        .with_error_description(message)
        .with_scope(&ScopeSet::from_claim(scope.unwrap_or_default()))
}

impl From<ServiceError> for ClientError {
    fn from(error: ServiceError) -> Self {
        match error {
            ServiceError::McpError(data) => Self::of_rpc(data),
            other => Self::of_transport(other),
        }
    }
}

impl From<ClientInitializeError> for ClientError {
    fn from(error: ClientInitializeError) -> Self {
        match error {
            // rmcp makes these up where no JSON-RPC came.
            ClientInitializeError::JsonRpcError(data)
                if data
                    .message
                    .starts_with("server/discover rejected with HTTP ") =>
            {
                Self::caused(ErrorKind::Transport, data)
            }
            ClientInitializeError::JsonRpcError(data) => Self::of_rpc(data),
            ClientInitializeError::TransportError { error, .. } => Self::of_transport(error),
            // The newer protocol was declined; why the older one failed is the news.
            ClientInitializeError::LegacyFallbackFailed { fallback, .. } => Self::from(*fallback),
            other => Self::of_transport(other),
        }
    }
}

impl From<Failure> for ClientError {
    fn from(failure: Failure) -> Self {
        Self::of_transport(failure)
    }
}

impl From<InvalidBearerToken> for ClientError {
    fn from(error: InvalidBearerToken) -> Self {
        Self::caused(ErrorKind::InvalidToken, error)
    }
}

impl From<InvalidResourceUrl> for ClientError {
    fn from(error: InvalidResourceUrl) -> Self {
        Self::caused(ErrorKind::InvalidUrl, error)
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cause = || self.cause.as_deref().map(innermost).unwrap_or_default();
        match &self.kind {
            ErrorKind::InvalidUrl | ErrorKind::InvalidToken => f.write_str(&cause()),
            ErrorKind::InsecureUrl => f.write_str(
                "a token is sent to another machine over https only; this URL begins with http://",
            ),
            ErrorKind::InvalidArguments => f.write_str("the arguments of a tool are a JSON object"),
            ErrorKind::Unauthenticated => match self.said_by_the_tool() {
                Some(message) => write!(f, "not authenticated: {message}"),
                None => self.describe(f, "not authenticated (401)"),
            },
            ErrorKind::Forbidden => match self.said_by_the_tool() {
                Some(message) => write!(f, "not permitted: {message}"),
                None => self.describe(f, "not permitted (403)"),
            },
            ErrorKind::Unavailable {
                status,
                retry_after,
            } => {
                write!(f, "the server cannot answer now ({status})")?;
                if let Some(said) = self.said_by_the_gateway() {
                    write!(f, ": {said}")?;
                }
                retry_after.map_or(Ok(()), |wait| {
                    write!(f, "; it asks to wait {} s", wait.as_secs())
                })
            }
            ErrorKind::Rpc(data) => write!(f, "{} (JSON-RPC error {})", data.message, data.code.0),
            ErrorKind::Transport => write!(f, "cannot talk to the server: {}", cause()),
            ErrorKind::NoToken(_) => f.write_str(&self.said_by_the_source()),
        }
    }
}

impl ClientError {
    /// The message of a refusal that came as a JSON-RPC error and not as a 401.
    fn said_by_the_tool(&self) -> Option<&str> {
        let data = self.cause.as_deref()?.downcast_ref::<ErrorData>()?;
        data.data.is_some().then_some(&*data.message)
    }

    /// The JSON-RPC error that came with 502 or 504.
    fn said_by_the_gateway(&self) -> Option<&str> {
        self.causes().find_map(|cause| match cause.downcast_ref() {
            Some(Failure::Broken { said, .. }) => said.as_deref(),
            _ => None,
        })
    }

    /// The sentence of the [`TokenError`], which is no more and no less than the user needs.
    fn said_by_the_source(&self) -> String {
        let said = self.causes().find_map(|cause| match cause.downcast_ref() {
            Some(Failure::NoToken(error)) => Some(error.to_string()),
            _ => None,
        });
        said.unwrap_or_default()
    }

    fn causes(&self) -> impl Iterator<Item = &(dyn Error + 'static)> {
        let first = self.cause.as_deref();
        let first = first.map(|cause| cause as &(dyn Error + 'static));
        std::iter::successors(first, |error| beneath(*error))
    }

    fn describe(&self, f: &mut fmt::Formatter<'_>, what: &str) -> fmt::Result {
        f.write_str(what)?;
        match self
            .challenge
            .as_ref()
            .and_then(|challenge| challenge.error_description())
        {
            Some(description) => write!(f, ": {description}"),
            None => Ok(()),
        }
    }
}

/// What caused an error. rmcp shows the HTTP client's error in its own text and does not name it as
/// the source.
fn beneath<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match error.downcast_ref::<StreamableHttpError<Failure>>() {
        Some(StreamableHttpError::Client(inner)) => Some(inner),
        _ => error.source(),
    }
}

/// The last text of a chain of errors: the ones before it only repeat where it came through.
fn innermost(error: &(dyn Error + Send + Sync + 'static)) -> String {
    let mut last: &(dyn Error + 'static) = error;
    while let Some(next) = beneath(last) {
        last = next;
    }
    last.to_string()
}

impl fmt::Debug for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientError")
            .field("kind", &self.kind)
            .field("challenge", &self.challenge)
            .field("cause", &self.cause)
            .finish()
    }
}

impl Error for ClientError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause
            .as_deref()
            .map(|cause| cause as &(dyn Error + 'static))
    }
}
