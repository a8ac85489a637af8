//! A source of tokens for a machine, whatever its grant: it keeps a token until near its end, asks
//! once however many requests wait, and asks one issuer only.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use tokio::sync::Mutex as Flight;

use super::{
    held::{Held, State},
    place::{Place, Way},
};
use crate::{
    Challenge, ScopeSet,
    client::{
        OutgoingToken, ProtectedServer, Reaction, RefusedRequest, TokenError, TokenErrorKind,
        oauth::quoted, token_answer::TokenAnswer,
    },
};

/// How one kind of machine asks for a token.
pub(super) trait Grant: Send + Sync + 'static {
    fn ask(
        &self,
        place: &Place,
        way: &Way,
        server: &ProtectedServer,
        scopes: &ScopeSet,
    ) -> impl Future<Output = Result<TokenAnswer, TokenError>> + Send;
}

/// What is the same for all of them.
pub(super) struct Machine<G> {
    pub(super) grant: G,
    pub(super) way: Way,
    pub(super) scopes: Option<ScopeSet>,
    held: Mutex<Held>,
    /// Whoever holds it asks.
    flight: Flight<()>,
}

impl<G: Grant> Machine<G> {
    pub(super) fn new(grant: G) -> Self {
        Self {
            grant,
            way: Way::default(),
            scopes: None,
            held: Mutex::default(),
            flight: Flight::default(),
        }
    }

    pub(super) async fn token(
        &self,
        server: &ProtectedServer,
    ) -> Result<Option<OutgoingToken>, TokenError> {
        let (state, seen) = {
            let mut held = self.held();
            held.is_for(server.url())?;
            (held.state(SystemTime::now()), held.asked)
        };
        match state {
            State::Unknown => Ok(None),
            State::Fresh(token) => Ok(Some(token)),
            State::Ageing(token, place) => {
                let Ok(_asking) = self.flight.try_lock() else {
                    return Ok(Some(token));
                };
                let scopes = self.held().scopes.clone();
                let renewed = self.ask(server, place, scopes).await;
                Ok(Some(renewed.unwrap_or_else(|error| {
                    tracing::debug!(%error, "a token that is about to end could not be replaced yet");
                    token
                })))
            }
            State::Ended(place) => {
                let _asking = self.flight.lock().await;
                if let Some(said) = self.said_since(seen) {
                    return said.map(Some);
                }
                let scopes = self.held().scopes.clone();
                self.ask(server, place, scopes).await.map(Some)
            }
        }
    }

    pub(super) async fn on_challenge(
        &self,
        server: &ProtectedServer,
        refused: &RefusedRequest,
    ) -> Result<Reaction, TokenError> {
        self.held().is_for(server.url())?;
        match refused.status() {
            401 => self.on_invalid(server, refused).await,
            _ if refused.is_insufficient_scope() => self.on_insufficient(server, refused).await,
            _ => Ok(Reaction::GiveUp),
        }
    }

    /// 401: no token yet, or one that is no longer valid.
    async fn on_invalid(
        &self,
        server: &ProtectedServer,
        refused: &RefusedRequest,
    ) -> Result<Reaction, TokenError> {
        let seen = self.held().asked;
        let _asking = self.flight.lock().await;
        if self.held().has_another(refused) {
            return Ok(Reaction::Retry);
        }
        if let Some(Err(error)) = self.said_since(seen) {
            return Err(error);
        }
        let place = self.find(server, refused).await?;
        let scopes = match (&self.scopes, refused.sent()) {
            (Some(scopes), None) => scopes.clone(),
            (None, None) => place.scopes.clone(),
            // What a step-up added is not lost.
            (_, Some(_)) => {
                let mut scopes = self.held().scopes.clone();
                scopes.extend(place.challenged.clone());
                scopes
            }
        };
        self.ask(server, place, scopes).await?;
        Ok(Reaction::Retry)
    }

    /// 403: one that permits too little. All scopes that were asked for, and those of the challenge
    /// (MCP 2026-07-28, step-up authorization); once for one operation.
    async fn on_insufficient(
        &self,
        server: &ProtectedServer,
        refused: &RefusedRequest,
    ) -> Result<Reaction, TokenError> {
        let wanted = refused.challenge().and_then(Challenge::scope);
        let Some(wanted) = wanted.filter(|wanted| !wanted.is_empty()) else {
            return Ok(Reaction::GiveUp);
        };
        let _asking = self.flight.lock().await;
        let mut scopes = {
            let held = self.held();
            if held.has_another(refused) {
                return Ok(Reaction::Retry);
            }
            if held.was_widened_for(refused) || held.scopes.covers(&wanted) {
                return Ok(Reaction::GiveUp);
            }
            held.scopes.clone()
        };
        let place = self.find(server, refused).await?;
        scopes.extend(wanted.without("offline_access"));
        let token = self.ask(server, place, scopes).await?;
        self.held().widened_for(refused, &token);
        Ok(Reaction::Retry)
    }

    /// Where to ask, which is where it was asked before.
    async fn find(
        &self,
        server: &ProtectedServer,
        refused: &RefusedRequest,
    ) -> Result<Place, TokenError> {
        let place = self.way.find(server, refused.header()).await?;
        match &self.held().issuer {
            Some(issuer) if *issuer != place.issuer => Err(moved(issuer, &place.issuer)),
            _ => Ok(place),
        }
    }

    /// Only ever with the lock of the flight.
    async fn ask(
        &self,
        server: &ProtectedServer,
        place: Place,
        scopes: ScopeSet,
    ) -> Result<OutgoingToken, TokenError> {
        // From here on the credentials are known there.
        self.held().issuer = Some(place.issuer.clone());
        let answer = self.grant.ask(&place, &self.way, server, &scopes).await;
        let mut held = self.held();
        match answer {
            Ok(answer) => {
                held.place = Some(place);
                held.scopes = scopes;
                Ok(held.take(answer, self.way.dpop.as_ref()))
            }
            Err(error) => {
                held.fail(&error);
                Err(error)
            }
        }
    }

    /// What somebody learned who asked while we waited.
    fn said_since(&self, seen: u64) -> Option<Result<OutgoingToken, TokenError>> {
        let held = self.held();
        match (&held.failed, &held.token) {
            _ if held.asked == seen => None,
            (Some(failed), _) => Some(Err(failed.clone())),
            (None, token) => token.clone().map(Ok),
        }
    }

    // Nothing panics while it is held.
    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn moved(before: &str, now: &str) -> TokenError {
    TokenError::new(
        TokenErrorKind::Unsafe,
        format!(
            "the server names the authorization server {} now, and named {} before; the client's \
             credentials are not sent to another one: if the move is right, register the client \
             there and start again",
            quoted(now, 100),
            quoted(before, 100)
        ),
    )
}

/// The methods that every source for machines has, and what makes it a source.
macro_rules! machine_source {
    ($name:ident) => {
        impl $name {
            /// Asks this issuer and no other, wherever it is. Without it the MCP server names the
            /// issuer, whose host must be public (or this very machine); once credentials went
            /// there, they go to no other one for as long as this source lives. So whoever can
            /// change what the server says the first time gets them: name the issuer of a secret.
            #[must_use]
            pub fn for_issuer(mut self, issuer: impl Into<String>) -> Self {
                self.0.way.issuer = Some(issuer.into());
                self
            }

            /// Asks for these scopes. Without them those of the server's challenge are asked for,
            /// else those of its metadata, else none.
            #[must_use]
            pub fn scopes(mut self, scopes: $crate::ScopeSet) -> Self {
                self.0.scopes = Some(scopes);
                self
            }

            /// Binds the tokens to this key (RFC 9449). A token that is not bound is then refused.
            #[must_use]
            pub fn dpop(mut self, key: $crate::client::DpopKey) -> Self {
                self.0.way.dpop = Some(key);
                self
            }

            /// How long one exchange with an authorization server may take (default: 15 s).
            #[must_use]
            pub fn exchange_timeout(mut self, limit: std::time::Duration) -> Self {
                self.0.way.exchange_timeout = limit;
                self
            }
        }

        impl $crate::client::TokenSource for $name {
            async fn token(
                &self,
                server: &$crate::client::ProtectedServer,
            ) -> Result<Option<$crate::client::OutgoingToken>, $crate::client::TokenError> {
                self.0.token(server).await
            }

            async fn on_challenge(
                &self,
                server: &$crate::client::ProtectedServer,
                refused: &$crate::client::RefusedRequest,
            ) -> Result<$crate::client::Reaction, $crate::client::TokenError> {
                self.0.on_challenge(server, refused).await
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name))
                    .field("issuer", &self.0.way.issuer)
                    .field("scopes", &self.0.scopes)
                    .finish_non_exhaustive()
            }
        }
    };
}

pub(super) use machine_source;
