//! The token that a machine has, and when it is replaced.

use std::time::{Duration, Instant, SystemTime};

use super::place::Place;
use crate::{
    BearerToken, ScopeSet,
    client::{
        DpopKey, OutgoingToken, RefusedRequest, TokenError, TokenErrorKind,
        token_answer::TokenAnswer,
    },
};

/// How long before its end a token is replaced, but not before half of its life is over.
const MARGIN: Duration = Duration::from_secs(30);

/// How long nobody asks again where that failed and the token may still be used.
const PAUSE: Duration = Duration::from_secs(5);

/// What a machine knows between two requests.
#[derive(Default)]
pub(super) struct Held {
    /// The server that all this is about.
    server: Option<String>,
    /// The issuer that credentials went to. They never go to another.
    pub(super) issuer: Option<String>,
    pub(super) place: Option<Place>,
    /// What was asked for last.
    pub(super) scopes: ScopeSet,
    pub(super) token: Option<OutgoingToken>,
    renew_at: Option<SystemTime>,
    not_before: Option<Instant>,
    pub(super) failed: Option<TokenError>,
    /// How often it was asked.
    pub(super) asked: u64,
    /// The operation that the token was widened for.
    stepped_up: Option<(String, BearerToken)>,
}

/// What the token is good for now.
pub(super) enum State {
    Fresh(OutgoingToken),
    /// It may be used, and should be replaced.
    Ageing(OutgoingToken, Place),
    Ended(Place),
    /// Nothing is known; the server is asked first.
    Unknown,
}

impl Held {
    /// A token for one server is not sent to another.
    pub(super) fn is_for(&mut self, server: &str) -> Result<(), TokenError> {
        if self.server.get_or_insert_with(|| server.to_owned()) == server {
            return Ok(());
        }
        Err(TokenError::new(
            TokenErrorKind::Misconfigured,
            "this source has the tokens of another server; make one for each server",
        ))
    }

    pub(super) fn state(&self, now: SystemTime) -> State {
        let Some(place) = &self.place else {
            return State::Unknown;
        };
        let over = |at: Option<SystemTime>| at.is_some_and(|at| at <= now);
        let waits = self.not_before.is_some_and(|at| at > Instant::now());
        match &self.token {
            Some(token) if over(token.expires_at()) => State::Ended(place.clone()),
            Some(token) if !over(self.renew_at) || waits => State::Fresh(token.clone()),
            Some(token) => State::Ageing(token.clone(), place.clone()),
            None => State::Ended(place.clone()),
        }
    }

    /// Takes what the authorization server answered.
    pub(super) fn take(&mut self, answer: TokenAnswer, key: Option<&DpopKey>) -> OutgoingToken {
        let mut token = OutgoingToken::new(answer.access_token).with_expires_at(answer.expires_at);
        token = match key.filter(|_| answer.bound) {
            Some(key) => token.with_key(key.clone()),
            None => token.bound_to_key(answer.bound),
        };
        let now = SystemTime::now();
        self.renew_at = answer.expires_at.map(|end| renewal(end, now));
        self.not_before = None;
        self.failed = None;
        self.asked += 1;
        self.token = Some(token.clone());
        token
    }

    /// Remembers that there is no new token. What is known of the authorization server is forgotten
    /// once no token is left, so that the MCP server is asked again.
    pub(super) fn fail(&mut self, error: &TokenError) {
        self.asked += 1;
        self.failed = Some(error.clone());
        self.not_before = Some(Instant::now() + PAUSE);
        let ended = |token: &OutgoingToken| {
            let end = token.expires_at();
            end.is_some_and(|end| end <= SystemTime::now())
        };
        if self.token.as_ref().is_none_or(ended) {
            self.token = None;
            self.place = None;
        }
    }

    /// Whether a token came meanwhile that is another one than the refused.
    pub(super) fn has_another(&self, refused: &RefusedRequest) -> bool {
        let sent = refused.sent().map(OutgoingToken::secret);
        let own = self.token.as_ref().map(OutgoingToken::secret);
        own.is_some() && own != sent
    }

    /// Whether the refused token was itself got for this very operation: once is enough.
    pub(super) fn was_widened_for(&self, refused: &RefusedRequest) -> bool {
        self.stepped_up.as_ref().is_some_and(|(operation, token)| {
            operation == refused.operation()
                && refused.sent().map(OutgoingToken::secret) == Some(token)
        })
    }

    pub(super) fn widened_for(&mut self, refused: &RefusedRequest, token: &OutgoingToken) {
        let operation = refused.operation().to_owned();
        self.stepped_up = Some((operation, token.secret().clone()));
    }
}

/// When to ask for the next token: near the end of this one.
fn renewal(end: SystemTime, now: SystemTime) -> SystemTime {
    let life = end.duration_since(now).unwrap_or_default();
    end - MARGIN.min(life / 2)
}
