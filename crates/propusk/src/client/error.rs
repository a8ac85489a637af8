//! Why a client got no answer.

use std::{error::Error, fmt, time::Duration};

use rmcp::{
    ErrorData, ServiceError,
    service::ClientInitializeError,
    transport::streamable_http_client::{
        AuthRequiredError, HttpStatusError, InsufficientScopeError, StreamableHttpError,
    },
};

use super::{TokenError, TokenErrorKind};
use crate::{Challenge, InvalidBearerToken, InvalidResourceUrl, ScopeSet};

/// Why a client got no answer. What to do about it is told by [`ClientError::kind`] and the
/// predicates; the text is for humans.
pub struct ClientError {
    kind: ErrorKind,
    challenge: Option<Box<Challenge>>,
    cause: Option<Box<dyn Error + Send + Sync>>,
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
        /// What the server asks to wait, where it said so in seconds.
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
            cause: None,
        }
    }

    pub(super) fn caused(kind: ErrorKind, cause: impl Error + Send + Sync + 'static) -> Self {
        Self {
            kind,
            challenge: None,
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
        if let Some(status) = data
            .message
            .strip_prefix("server/discover rejected with HTTP ")
        {
            let kind = match refusing_status(status) {
                Some(401) => ErrorKind::Unauthenticated,
                Some(_) => ErrorKind::Forbidden,
                None => ErrorKind::Transport,
            };
            return Self::caused(kind, data);
        }
        if let Some((kind, challenge)) = refused {
            let mut error = Self::caused(kind, data);
            error.challenge = challenge;
            return error;
        }
        Self::new(ErrorKind::Rpc(Box::new(data)))
    }

    /// Classifies by the HTTP facts that rmcp keeps at the bottom of its errors.
    fn of_transport(cause: impl Error + Send + Sync + 'static) -> Self {
        let mut found = Self::new(ErrorKind::Transport);
        let mut next: Option<&(dyn Error + 'static)> = Some(&cause);
        while let Some(error) = next {
            if let Some(refused) = error.downcast_ref::<AuthRequiredError>() {
                found.kind = ErrorKind::Unauthenticated;
                found.challenge = challenge_of(&refused.www_authenticate_header).map(Box::new);
            } else if let Some(refused) = error.downcast_ref::<InsufficientScopeError>() {
                found.kind = ErrorKind::Forbidden;
                found.challenge = challenge_of(&refused.www_authenticate_header).map(Box::new);
            } else if let Some(failed) = http_status(error) {
                let seconds = failed
                    .retry_after
                    .as_deref()
                    .and_then(|text| text.parse().ok());
                let retry_after = seconds.map(Duration::from_secs);
                found.kind = ErrorKind::Unavailable {
                    status: failed.status,
                    retry_after,
                };
            }
            if let Some(kind) = kind_without_challenge(error) {
                found.kind = kind;
            }
            if let Some(failed) = error.downcast_ref::<TokenError>() {
                found.kind = ErrorKind::NoToken(failed.kind());
            }
            next = beneath(error);
        }
        found.cause = Some(Box::new(cause));
        found
    }
}

/// A refusal that came inside an answer which had begun, as the challenge that it would have been.
fn challenge_in(message: &str, scope: Option<&str>) -> Challenge {
    Challenge::bearer()
        .with_error("insufficient_scope")
        .with_error_description(message)
        .with_scope(&ScopeSet::from_claim(scope.unwrap_or_default()))
}

/// A 401 or 403 without a challenge.
fn kind_without_challenge(error: &(dyn Error + 'static)) -> Option<ErrorKind> {
    match status_without_challenge(error.downcast_ref()?)? {
        401 => Some(ErrorKind::Unauthenticated),
        _ => Some(ErrorKind::Forbidden),
    }
}

/// 401 or 403 where there was no challenge; rmcp keeps the status as the beginning of a text.
pub(super) fn status_without_challenge(error: &StreamableHttpError<reqwest::Error>) -> Option<u16> {
    match error {
        StreamableHttpError::UnexpectedServerResponse(text) => {
            refusing_status(text.strip_prefix("HTTP ")?)
        }
        _ => None,
    }
}

fn refusing_status(text: &str) -> Option<u16> {
    match text.get(..3)? {
        "401" => Some(401),
        "403" => Some(403),
        _ => None,
    }
}

/// The challenge in a `WWW-Authenticate` header. What a server says that wants a token bound to a
/// key is worth knowing too.
pub(super) fn challenge_of(header: &str) -> Option<Challenge> {
    Challenge::parse_bearer(header).or_else(|| Challenge::parse_dpop(header))
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
                retry_after.map_or(Ok(()), |wait| {
                    write!(f, "; it asks to wait {} s", wait.as_secs())
                })
            }
            ErrorKind::Rpc(data) => write!(f, "{} (JSON-RPC error {})", data.message, data.code.0),
            ErrorKind::Transport => write!(f, "cannot talk to the server: {}", cause()),
            ErrorKind::NoToken(_) => f.write_str(&cause()),
        }
    }
}

impl ClientError {
    /// The message of a refusal that came as a JSON-RPC error and not as a 401.
    fn said_by_the_tool(&self) -> Option<&str> {
        let data = self.cause.as_deref()?.downcast_ref::<ErrorData>()?;
        data.data.is_some().then_some(&*data.message)
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
/// the source; the I/O error around a [`TokenError`] names that one's source as its own.
fn beneath<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    if let Some(outer) = error.downcast_ref::<std::io::Error>()
        && let Some(inner) = outer.get_ref()
    {
        return Some(inner as &(dyn Error + 'static));
    }
    match error.downcast_ref::<StreamableHttpError<reqwest::Error>>() {
        Some(StreamableHttpError::Client(inner)) => Some(inner),
        _ => error.source(),
    }
}

/// rmcp's error stands for the one inside: it is not its source.
fn http_status<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a HttpStatusError> {
    match error.downcast_ref::<StreamableHttpError<reqwest::Error>>() {
        Some(StreamableHttpError::HttpStatus(failed)) => Some(failed),
        _ => error.downcast_ref(),
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
