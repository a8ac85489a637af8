//! Where a client's tokens come from.

use std::{fmt, pin::Pin, sync::Arc, time::SystemTime};

use super::{DpopKey, ProtectedServer, TokenError};
use crate::{BearerToken, Challenge, InvalidBearerToken};

/// Gives a client its tokens: the counterpart of [`TokenVerifier`](crate::TokenVerifier).
///
/// [`TokenSource::token`] is asked before every HTTP request, so it answers from memory as long as
/// it can. [`TokenSource::on_challenge`] is asked when the server refused a request; a source that
/// got another token meanwhile answers [`Reaction::Retry`], and the request is sent once more. How
/// often is the client's decision, not the source's.
///
/// A closure is a source too; see [`TokenProvider`](super::TokenProvider).
pub trait TokenSource: Send + Sync + 'static {
    /// The token for the next request to this server. `None`: the request goes without one.
    ///
    /// # Errors
    /// [`TokenError`]: no request is sent.
    fn token(
        &self,
        server: &ProtectedServer,
    ) -> impl Future<Output = Result<Option<OutgoingToken>, TokenError>> + Send;

    /// What to do about a refusal (401, or 403 with a challenge).
    ///
    /// # Errors
    /// [`TokenError`]: shown to the caller in the place of the refusal.
    fn on_challenge(
        &self,
        server: &ProtectedServer,
        refused: &RefusedRequest,
    ) -> impl Future<Output = Result<Reaction, TokenError>> + Send {
        let _ = (server, refused);
        std::future::ready(Ok(Reaction::GiveUp))
    }
}

impl<S: TokenSource> TokenSource for Arc<S> {
    fn token(
        &self,
        server: &ProtectedServer,
    ) -> impl Future<Output = Result<Option<OutgoingToken>, TokenError>> + Send {
        S::token(self, server)
    }

    fn on_challenge(
        &self,
        server: &ProtectedServer,
        refused: &RefusedRequest,
    ) -> impl Future<Output = Result<Reaction, TokenError>> + Send {
        S::on_challenge(self, server, refused)
    }
}

/// What a [`TokenSource`] made of a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reaction {
    /// There is another token now: send the request again with it.
    Retry,
    /// There is not: the refusal goes to the caller.
    GiveUp,
}

/// A token as it goes out with a request.
#[derive(Clone)]
pub struct OutgoingToken {
    secret: BearerToken,
    expires_at: Option<SystemTime>,
    pub(super) bound: Option<bool>,
    key: Option<DpopKey>,
}

impl OutgoingToken {
    /// A token. It goes out as a bearer token (RFC 6750), unless the client has a
    /// [`DpopKey`](super::Client::dpop); [`OutgoingToken::bound_to_key`] decides it here.
    #[must_use]
    pub fn new(secret: BearerToken) -> Self {
        Self {
            secret,
            expires_at: None,
            bound: None,
            key: None,
        }
    }

    /// A token from its text. A pasted `Bearer ` in front of it is taken off.
    ///
    /// # Errors
    /// [`InvalidBearerToken`] says what is wrong without repeating the text.
    pub fn parse(text: &str) -> Result<Self, InvalidBearerToken> {
        BearerToken::parse(text).map(Self::new)
    }

    /// Says until when it is valid, where that is known.
    #[must_use]
    pub fn with_expires_at(mut self, at: Option<SystemTime>) -> Self {
        self.expires_at = at;
        self
    }

    /// Says whether it is bound to the client's DPoP key (`token_type=DPoP`, RFC 9449 §5), so that
    /// it goes out with a proof and under the scheme `DPoP`.
    #[must_use]
    pub fn bound_to_key(mut self, bound: bool) -> Self {
        self.bound = Some(bound);
        self
    }

    /// Says that it is bound to this key, whatever key the client has.
    #[must_use]
    pub fn with_key(mut self, key: DpopKey) -> Self {
        self.bound = Some(true);
        self.key = Some(key);
        self
    }

    /// Until when it is valid, where that is known.
    #[must_use]
    pub fn expires_at(&self) -> Option<SystemTime> {
        self.expires_at
    }

    /// Whether it is said to be bound to a DPoP key.
    #[must_use]
    pub fn is_bound_to_key(&self) -> bool {
        self.bound == Some(true)
    }

    /// The key that it is bound to, where it is not the client's.
    #[must_use]
    pub fn key(&self) -> Option<&DpopKey> {
        self.key.as_ref()
    }

    /// The token itself.
    #[must_use]
    pub fn secret(&self) -> &BearerToken {
        &self.secret
    }
}

impl fmt::Debug for OutgoingToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutgoingToken")
            .field("expires_at", &self.expires_at)
            .field("bound", &self.bound)
            .finish_non_exhaustive()
    }
}

impl PartialEq for OutgoingToken {
    fn eq(&self, other: &Self) -> bool {
        let key = |token: &Self| token.key.as_ref().map(|key| key.thumbprint().to_owned());
        self.secret == other.secret
            && self.expires_at == other.expires_at
            && self.bound == other.bound
            && key(self) == key(other)
    }
}

impl Eq for OutgoingToken {}

impl From<BearerToken> for OutgoingToken {
    fn from(token: BearerToken) -> Self {
        Self::new(token)
    }
}

impl TryFrom<String> for OutgoingToken {
    type Error = InvalidBearerToken;

    fn try_from(text: String) -> Result<Self, InvalidBearerToken> {
        Self::parse(&zeroize::Zeroizing::new(text))
    }
}

impl TryFrom<&str> for OutgoingToken {
    type Error = InvalidBearerToken;

    fn try_from(text: &str) -> Result<Self, InvalidBearerToken> {
        Self::parse(text)
    }
}

/// A request that the server refused.
#[derive(Debug, Clone)]
pub struct RefusedRequest {
    pub(super) status: u16,
    pub(super) header: Option<String>,
    pub(super) challenge: Option<Challenge>,
    pub(super) sent: Option<OutgoingToken>,
    pub(super) operation: String,
}

impl RefusedRequest {
    /// The HTTP status: 401 or 403.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The `WWW-Authenticate` header as it came, where there was one; several are joined by commas.
    #[must_use]
    pub fn header(&self) -> Option<&str> {
        self.header.as_deref()
    }

    /// The challenge in that header that this client answers: of the scheme that the token went
    /// out under, else `Bearer`, else `DPoP`.
    #[must_use]
    pub fn challenge(&self) -> Option<&Challenge> {
        self.challenge.as_ref()
    }

    /// The token that was sent, where there was one. Where the source has another one by now,
    /// another request or another process was quicker, and that one should be tried first.
    #[must_use]
    pub fn sent(&self) -> Option<&OutgoingToken> {
        self.sent.as_ref()
    }

    /// What was asked for: the method, and the name or URI where it has one (`tools/call:echo`).
    #[must_use]
    pub fn operation(&self) -> &str {
        &self.operation
    }

    /// Whether it was 403 with `error="insufficient_scope"` (RFC 6750 §3.1): a token with more
    /// scopes would do.
    #[must_use]
    pub fn is_insufficient_scope(&self) -> bool {
        self.status == 403
            && self.challenge.as_ref().and_then(Challenge::error) == Some("insufficient_scope")
    }
}

type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The object-safe twin of [`TokenSource`], for storage only.
pub(super) trait DynTokenSource: Send + Sync {
    fn dyn_token<'a>(
        &'a self,
        server: &'a ProtectedServer,
    ) -> Later<'a, Result<Option<OutgoingToken>, TokenError>>;

    fn dyn_on_challenge<'a>(
        &'a self,
        server: &'a ProtectedServer,
        refused: &'a RefusedRequest,
    ) -> Later<'a, Result<Reaction, TokenError>>;
}

impl<S: TokenSource> DynTokenSource for S {
    fn dyn_token<'a>(
        &'a self,
        server: &'a ProtectedServer,
    ) -> Later<'a, Result<Option<OutgoingToken>, TokenError>> {
        Box::pin(self.token(server))
    }

    fn dyn_on_challenge<'a>(
        &'a self,
        server: &'a ProtectedServer,
        refused: &'a RefusedRequest,
    ) -> Later<'a, Result<Reaction, TokenError>> {
        Box::pin(self.on_challenge(server, refused))
    }
}
