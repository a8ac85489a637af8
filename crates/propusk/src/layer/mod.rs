//! The layer: token authorization for any HTTP service.

mod authorize;
mod body;
mod credentials;
mod gate;
mod late_refusal;
mod leftover;
mod message;
mod observer;
mod onward;
mod opening;
mod operations;
mod render;
mod request_body;
mod service;
mod session_table;
mod sessions;
mod streams;
mod trail;
mod unguarded;

use std::sync::Arc;

use tower_layer::Layer;

pub use body::AuthBody;
pub use operations::DeclaredScopes;
pub use request_body::RequestBody;
pub use service::AuthService;

use crate::{
    AuthSettings, Clock, SystemClock, TokenVerifier,
    audit::AuditSink,
    metrics::{Decisions, Metrics},
    verify::DynTokenVerifier,
};
use gate::Gate;
use operations::Operations;

#[cfg(feature = "server")]
pub(crate) use {
    late_refusal::LateRefusal,
    observer::Observer,
    onward::{Declared, Onward},
    trail::Trail,
    unguarded::something_is_declared,
};

/// A tower layer that lets only authorized requests through.
///
/// Put it around rmcp's `StreamableHttpService`, or around the whole router that it is mounted in
/// (then it also answers the metadata URLs of RFC 9728). In this order, each request
///
/// 1. must name an accepted `Host` and come from no foreign `Origin` (421, 403);
/// 2. is answered if it is a CORS preflight or asks for the metadata;
/// 3. must carry at most one credential, in the `Authorization` header (400);
/// 4. must prove the key of a token that comes under the `DPoP` scheme (401; RFC 9449 §4.3, with the
///    feature `jwt`);
/// 5. has its token verified (503 where the verifier cannot tell);
/// 6. is decided upon by [`decide`](crate::decide) (401, 403 with a challenge);
/// 7. uses up its proof, which is good for one request to this process (401);
/// 8. may use a 2025-11-25 session only if its principal opened that session (404);
/// 9. where a [`ScopePolicy`](crate::ScopePolicy) is set or the handler declares scopes, has its
///    body read, once and strictly, and is decided upon again by what it asks for (401, 403 with all
///    scopes that the operation needs; 400 for a message that two parsers might understand in two
///    ways, a batch among them; 413). The bytes go on unchanged.
///
/// Nobody reads the body before that. With a policy, every JSON body that passes must be an object;
/// one without a `method` (an answer to the server, or something of another route) is not judged.
///
/// The layer alone knows the policy. What the handler declares itself it learns from a
/// [`Guard`](crate::server::Guard), see [`declared_by`](AuthLayer::declared_by); without one a
/// warning in the log says that declarations are not enforced.
///
/// A stream (an answer of `text/event-stream`) ends, cleanly, when its token expires, and within
/// [`AuthSettings::stream_recheck`] after the verifier no longer accepts it, or accepts it without
/// the scopes that every request or this stream's own operation needs; its client may open the next
/// one with a new token. This needs a tokio runtime with timers.
///
/// Behind the layer the `Authorization` and `DPoP` headers are gone, so that no log and no upstream
/// gets them, and the request's extensions hold the
/// [`Permit`](crate::Permit) with the caller.
///
/// # Mounting an rmcp server yourself
///
/// [`server::mount`](crate::server::mount) gives the layer and the service together: with the guard
/// that enforces what the handler declares, sealed states, and sessions that end on both sides.
///
/// Four things cost an rmcp server dearly; [`Server`](crate::Server) does them for you:
///
/// * `#[tool_handler]` and `#[tool_router(server_handler)]` of rmcp build the tool router anew for
///   every call. Use [`propusk::tool_router`](crate::tool_router) or `router = self.…`.
/// * Put the handler behind an `Arc` that the service factory clones (`mount` does).
/// * Set `TCP_NODELAY`, or every call inside a 2025-11-25 session waits some 40 ms.
/// * rmcp logs three lines a request at INFO: filter `rmcp=error`.
///
/// And rmcp's own `Host` check knows loopback names only. The layer in front has checked the host
/// already, so on a public one set `StreamableHttpServerConfig::disable_allowed_hosts` (`mount`
/// does).
#[derive(Clone)]
pub struct AuthLayer {
    gate: Arc<Gate>,
    operations: Operations,
}

impl AuthLayer {
    /// A layer that authorizes by these settings and this verifier.
    #[must_use]
    pub fn new(settings: AuthSettings, verifier: impl TokenVerifier) -> Self {
        Self::with_clock(settings, verifier, SystemClock)
    }

    /// The same with another clock, for tests of expiry.
    #[must_use]
    pub fn with_clock(
        settings: AuthSettings,
        verifier: impl TokenVerifier,
        clock: impl Clock,
    ) -> Self {
        let verifier: Box<dyn DynTokenVerifier> = Box::new(verifier);
        Self {
            gate: Arc::new(Gate::new(settings, verifier, Box::new(clock))),
            operations: Operations::default(),
        }
    }

    /// The settings that it authorizes by.
    #[must_use]
    pub fn settings(&self) -> &AuthSettings {
        self.gate.settings()
    }

    /// Tells this sink too of every decision. Without one they are in the log only, under the
    /// target `propusk::audit`. The address of the peer is in an event where a
    /// [`RemoteAddress`](crate::audit::RemoteAddress) is in the request's extensions.
    #[must_use]
    pub fn audit(self, sink: impl AuditSink) -> Self {
        self.gate.observer().add(Box::new(sink));
        self
    }

    /// Counts decisions, verifications and open sessions:
    ///
    /// | name | labels | |
    /// |---|---|---|
    /// | `propusk_decisions_total` | `decision`, `reason` | counter |
    /// | `propusk_verifier_duration_seconds` | `outcome`: `valid`, `invalid`, `unavailable` | histogram |
    /// | `propusk_sessions_open` | | gauge, sessions of 2025-11-25 |
    #[must_use]
    pub fn metrics(self, metrics: &Metrics) -> Self {
        let gate = Arc::downgrade(&self.gate);
        metrics.gauge_from(
            "propusk_sessions_open",
            "Sessions of MCP 2025-11-25 that are remembered.",
            move || {
                gate.upgrade()
                    .map_or(0, |gate| gate.sessions().count() as u64)
            },
        );
        self.audit(Decisions::new(metrics))
    }

    /// Has `hook` called with the id of every 2025-11-25 session that a limit of
    /// [`SessionLimits`](crate::SessionLimits) ends, so that what is behind the layer can end it
    /// too: for rmcp [`server::close_in`](crate::server::close_in). It is also called with the id of
    /// a session whose client went away while it opened. Without a hook, rmcp ends a session that
    /// nobody can reach any more after its own idle time of five minutes (`keep_alive`; do not turn
    /// that off then).
    #[must_use]
    pub fn on_session_end(self, hook: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.gate.sessions().on_end(Arc::new(hook));
        self
    }

    /// How many 2025-11-25 sessions are open.
    #[must_use]
    pub fn open_sessions(&self) -> usize {
        self.gate.sessions().count()
    }

    /// How many streams of callers with a token are open: answers of `text/event-stream` that have
    /// not ended.
    #[must_use]
    pub fn open_streams(&self) -> usize {
        self.gate.streams().count()
    }

    /// Asks the handler which scopes it declares, so that a refusal is an HTTP 403 in both eras.
    /// Pass the [`Guard`](crate::server::Guard) around the handler.
    #[must_use]
    pub fn declared_by(mut self, handler: impl DeclaredScopes) -> Self {
        self.operations.declared = Some(Arc::new(handler));
        self
    }

    /// Sets the largest body in bytes that is read to decide about it (4 MiB by default); a larger
    /// one gets 413.
    #[must_use]
    pub fn max_body_bytes(mut self, bytes: usize) -> Self {
        self.operations.most_bytes = bytes;
        self
    }
}

#[cfg(feature = "server")]
impl AuthLayer {
    /// The same gate in front of something that is asked for by a path of its own.
    pub(crate) fn by_path(&self, operation: crate::Operation) -> Self {
        let mut layer = self.clone();
        layer.operations.by_path = operation;
        layer
    }
}

impl<S: Clone> Layer<S> for AuthLayer {
    type Service = AuthService<S>;

    fn layer(&self, inner: S) -> AuthService<S> {
        AuthService::new(Arc::clone(&self.gate), self.operations.clone(), inner)
    }
}

impl std::fmt::Debug for AuthLayer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuthLayer")
            .field("settings", self.gate.settings())
            .finish_non_exhaustive()
    }
}
