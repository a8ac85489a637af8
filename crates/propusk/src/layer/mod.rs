//! The layer: token authorization for any HTTP service.

mod authorize;
mod body;
mod credentials;
mod gate;
mod observer;
mod render;
mod service;
mod sessions;
mod trail;

use std::sync::Arc;

use tower_layer::Layer;

pub use body::AuthBody;
pub use service::AuthService;

use crate::{
    AuthSettings, Clock, SystemClock, TokenVerifier,
    audit::AuditSink,
    metrics::{Decisions, Metrics},
    verify::DynTokenVerifier,
};
use gate::Gate;

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
/// 8. may use a 2025-11-25 session only if its principal opened that session (404).
///
/// Nobody reads the body before that. Behind the layer the `Authorization` and `DPoP` headers are
/// gone, so that no log and no upstream gets them, and the request's extensions hold the
/// [`Permit`](crate::Permit) with the caller.
///
/// # Mounting an rmcp server yourself
///
/// Four things cost an rmcp server dearly; [`Server`](crate::Server) does them for you:
///
/// * `#[tool_handler]` and `#[tool_router(server_handler)]` of rmcp build the tool router anew for
///   every call. Use [`propusk::tool_router`](crate::tool_router) or `router = self.…`.
/// * Put the handler behind an `Arc` that the service factory clones.
/// * Set `TCP_NODELAY`, or every call inside a 2025-11-25 session waits some 40 ms.
/// * rmcp logs three lines a request at INFO: filter `rmcp=warn`.
///
/// And rmcp's own `Host` check knows loopback names only. The layer in front has checked the host
/// already, so on a public one set `StreamableHttpServerConfig::disable_allowed_hosts`.
#[derive(Clone)]
pub struct AuthLayer {
    gate: Arc<Gate>,
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
        }
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
            move || gate.upgrade().map_or(0, |gate| gate.sessions().open()),
        );
        self.audit(Decisions::new(metrics))
    }
}

impl<S: Clone> Layer<S> for AuthLayer {
    type Service = AuthService<S>;

    fn layer(&self, inner: S) -> AuthService<S> {
        AuthService::new(Arc::clone(&self.gate), inner)
    }
}

impl std::fmt::Debug for AuthLayer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuthLayer")
            .field("settings", self.gate.settings())
            .finish_non_exhaustive()
    }
}
