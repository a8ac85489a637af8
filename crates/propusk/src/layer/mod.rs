//! The layer: token authorization for any HTTP service.

mod authorize;
mod body;
mod credentials;
mod exchange;
mod gate;
mod handover;
mod late_refusal;
mod leftover;
mod lookalike;
mod message;
mod observer;
mod onward;
mod opened;
mod opening;
mod operations;
mod render;
mod request_body;
mod ruling;
mod service;
mod session_table;
mod sessions;
mod streams;
mod strict;
mod trail;
mod unguarded;

use std::{sync::Arc, time::Duration};

use tower_layer::Layer;

pub use body::AuthBody;
pub use handover::{Handover, ReadMessage, Showing};
pub use operations::DeclaredScopes;
pub use request_body::RequestBody;
pub use ruling::TimeLimit;
pub use service::AuthService;

use crate::{
    AuthSettings, Clock, SystemClock, TokenVerifier,
    audit::AuditSink,
    metrics::{Decisions, Metrics, ToolNames, UpstreamNumbers},
    rules::{AddressLimits, RuleSet, Rules},
    verify::DynTokenVerifier,
};
use gate::Gates;
use operations::Operations;

#[cfg(feature = "server")]
pub(crate) use {
    late_refusal::LateRefusal,
    observer::Observer,
    onward::{Declared, Onward},
    trail::Trail,
    unguarded::something_is_declared,
};

/// For the fuzz targets.
#[cfg(feature = "fuzzing")]
pub(crate) fn asked(body: &[u8]) -> Option<(Option<String>, Option<String>)> {
    let asked = message::asked_with_arguments(body).ok()?;
    let operation = asked.operation.map(|operation| operation.to_string());
    Some((operation, asked.arguments.map(|json| json.get().to_owned())))
}

/// A tower layer that lets only authorized requests through.
///
/// Put it around rmcp's `StreamableHttpService`, or around the whole router that it is mounted in
/// (then it also answers the metadata URLs of RFC 9728). In this order, each request
///
/// 1. takes its part of the [limits](AuthLayer::address_limits) of its address, where there are any (429);
/// 2. must name an accepted `Host` and come from no foreign `Origin` (421, 403);
/// 3. is answered if it is a CORS preflight or asks for the metadata;
/// 4. must carry at most one credential, in the `Authorization` header (400);
/// 5. must prove the key of a token that comes under the `DPoP` scheme (401; RFC 9449 §4.3, with the
///    feature `jwt`);
/// 6. has its token verified (503 where the verifier cannot tell);
/// 7. is decided upon by [`decide`](crate::decide) (401, 403 with a challenge);
/// 8. uses up its proof, which is good for one request to this process (401);
/// 9. may use a 2025-11-25 session only if its principal opened that session (404);
/// 10. where a [`ScopePolicy`](crate::ScopePolicy) is set or the handler declares scopes, has its
///     body read, once and strictly, and is decided upon again by what it asks for (401, 403 with all
///     scopes that the operation needs; 400 for a message that two parsers might understand in two
///     ways, a batch among them; 413). The bytes go on unchanged;
/// 11. where [rules](AuthLayer::rules) are set, is judged by them (403, 429 with `Retry-After`).
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
    gates: Arc<Gates>,
    operations: Operations,
    address_limits: Option<AddressLimits>,
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
            gates: Gates::new(settings, verifier, Box::new(clock)),
            operations: Operations::default(),
            address_limits: None,
        }
    }

    /// The settings that it authorizes by now.
    #[must_use]
    pub fn settings(&self) -> Arc<AuthSettings> {
        self.gates.current().shared_settings()
    }

    /// Exchanges settings and verifier at once, for this layer, its copies, and the handler that it
    /// is [`declared_by`](AuthLayer::declared_by). Everything else stays: rules, sessions, streams,
    /// used DPoP proofs and nonces, sinks and metrics.
    ///
    /// A request is decided by what was there when it came. Where it was exchanged under way, a guard
    /// behind the layer decides by what is newer, and both must allow it. Open streams are looked at by
    /// what is new within [`stream_recheck`](AuthSettings::stream_recheck). A memory around the old
    /// verifier goes with it.
    pub fn renew(&self, settings: AuthSettings, verifier: impl TokenVerifier) {
        self.exchange(settings, Box::new(verifier), None);
    }

    /// The same, with other rules, by which open streams are judged again; see
    /// [`replace_rules`](AuthLayer::replace_rules).
    pub fn renew_with_rules(
        &self,
        settings: AuthSettings,
        verifier: impl TokenVerifier,
        rules: RuleSet,
    ) {
        self.exchange(settings, Box::new(verifier), Some(rules));
    }

    fn exchange(
        &self,
        settings: AuthSettings,
        verifier: Box<dyn DynTokenVerifier>,
        rules: Option<RuleSet>,
    ) {
        let settings = Arc::new(settings);
        // First the guard: what nobody may do any more ends at it meanwhile.
        if let Some(declared) = &self.operations.declared {
            declared.renew(&settings);
        }
        self.gates.renew(settings, verifier, rules);
    }

    /// Tells this sink too of every decision. Without one they are in the log only, under the
    /// target `propusk::audit`. The address of the peer is in an event where a
    /// [`RemoteAddress`](crate::audit::RemoteAddress) is in the request's extensions.
    #[must_use]
    pub fn audit(self, sink: impl AuditSink) -> Self {
        self.gates.current().observer().add(Box::new(sink));
        self
    }

    /// Says that an upstream of this name stands behind the layer. It is in the audit events, and
    /// [`metrics`](AuthLayer::metrics) that are added later count for it.
    #[must_use]
    pub fn upstream(self, name: &str) -> Self {
        self.gates.current().observer().set_upstream(name);
        self
    }

    /// The tools that are counted by name, where there is an upstream: for whoever knows of them.
    /// Where they are counted at all, the requests behind the layer have it in their extensions, for
    /// whoever sees what the upstream lists; a [`Guard`](crate::server::Guard) learns from it.
    #[must_use]
    pub fn tool_names(&self) -> ToolNames {
        self.gates.current().observer().tool_names().clone()
    }

    /// Counts decisions, verifications and open sessions:
    ///
    /// | name | labels | |
    /// |---|---|---|
    /// | `propusk_decisions_total` | `decision`, `reason` | counter |
    /// | `propusk_verifier_duration_seconds` | `outcome`: `valid`, `invalid`, `unavailable` | histogram |
    /// | `propusk_sessions_open` | | gauge, sessions of 2025-11-25 |
    /// | `propusk_streams_open` | | gauge, streams of callers with a token |
    ///
    /// and, where there is an [`upstream`](AuthLayer::upstream), what it was asked:
    ///
    /// | name | labels | |
    /// |---|---|---|
    /// | `propusk_upstream_requests_total` | `upstream`, `outcome`: `ok`, `rejected` (4xx), `failed`, `abandoned` (by the client) | counter |
    /// | `propusk_upstream_duration_seconds` | `upstream` | histogram |
    /// | `propusk_tool_calls_total` | `upstream`, `tool`, `outcome` | counter |
    /// | `propusk_tool_duration_seconds` | `upstream`, `tool` | histogram |
    ///
    /// `tool` is a name of [`tool_names`](AuthLayer::tool_names), or `other`. The two gauges have the
    /// label `upstream` then, too.
    #[must_use]
    pub fn metrics(self, metrics: &Metrics) -> Self {
        let upstream = self
            .gates
            .current()
            .observer()
            .upstream()
            .map(str::to_owned);
        let label: Vec<_> = upstream.iter().map(|name| ("upstream", &**name)).collect();
        let gates = Arc::downgrade(&self.gates);
        metrics.gauge_from(
            "propusk_sessions_open",
            "Sessions of MCP 2025-11-25 that are remembered.",
            &label,
            move || {
                gates
                    .upgrade()
                    .map_or(0, |gates| gates.current().sessions().count() as u64)
            },
        );
        let gates = Arc::downgrade(&self.gates);
        metrics.gauge_from(
            "propusk_streams_open",
            "Streams of callers with a token that are open.",
            &label,
            move || {
                gates
                    .upgrade()
                    .map_or(0, |gates| gates.current().streams().count() as u64)
            },
        );
        let layer = self.audit(Decisions::new(metrics));
        match upstream {
            Some(name) => {
                layer.gates.current().observer().count_tools();
                let names = layer.tool_names();
                layer.audit(UpstreamNumbers::new(metrics, &name, names))
            }
            None => layer,
        }
    }

    /// Has `hook` called with the id of every 2025-11-25 session that a limit of
    /// [`SessionLimits`](crate::SessionLimits) ends, so that what is behind the layer can end it
    /// too: for rmcp [`server::close_in`](crate::server::close_in). It is also called with the id of
    /// a session whose client went away while it opened. Without a hook, rmcp ends a session that
    /// nobody can reach any more after its own idle time of five minutes (`keep_alive`; do not turn
    /// that off then).
    #[must_use]
    pub fn on_session_end(self, hook: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.gates.current().sessions().on_end(Arc::new(hook));
        self
    }

    /// How many 2025-11-25 sessions are open.
    #[must_use]
    pub fn open_sessions(&self) -> usize {
        self.gates.current().sessions().count()
    }

    /// How many streams of callers with a token are open: answers of `text/event-stream` that have
    /// not ended.
    #[must_use]
    pub fn open_streams(&self) -> usize {
        self.gates.current().streams().count()
    }

    /// Asks the handler which scopes it declares, so that a refusal is an HTTP 403 in both eras.
    /// Pass the [`Guard`](crate::server::Guard) around the handler.
    #[must_use]
    pub fn declared_by(mut self, handler: impl DeclaredScopes) -> Self {
        self.operations.declared = Some(Arc::new(handler));
        self
    }

    /// Reads every JSON body of a POST, whatever depends on it, and leaves what it asks for in the
    /// request's extensions, as a [`Handover`]: for a service behind that hands requests on to
    /// somebody who knows nothing of the decision.
    #[must_use]
    pub fn reads_bodies(mut self) -> Self {
        self.operations.hands_on = true;
        self
    }

    /// Has these rules asked about whatever the scopes allow, after those that were set before: all
    /// must allow.
    ///
    /// Where there are rules, the body of every request that can have one is read, whatever it says of
    /// its type, and one that is no JSON-RPC message that can be understood in one way only is refused.
    /// Behind the layer the request's extensions hold the [`RuleSet`] that judged it, and a
    /// [`TimeLimit`] where a rule set one.
    #[must_use]
    pub fn rules(self, rules: impl Rules) -> Self {
        self.gates.current().rules().add(rules);
        self
    }

    /// Exchanges all rules at once. Requests that have been judged go on, but answers that are streams
    /// are judged again, as of now, and end where [`Rules::ends`] says so. One whose message was not
    /// read ends too, and where the rules read arguments one whose message is longer than 8 KiB.
    pub fn replace_rules(&self, rules: RuleSet) {
        self.gates.current().replace_rules(rules);
    }

    /// Limits how much each address may ask for, before anything else is looked at (429 with
    /// `Retry-After`). The address is the [`RemoteAddress`](crate::audit::RemoteAddress) in the
    /// request's extensions.
    #[must_use]
    pub fn address_limits(mut self, limits: &AddressLimits) -> Self {
        self.address_limits = Some(limits.clone());
        self
    }

    /// Sets how long the body of a request may take to come, where it is read (30 s by default):
    /// who sends it in drops gets 408.
    #[must_use]
    pub fn body_time_limit(mut self, limit: Duration) -> Self {
        self.operations.longest = limit;
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
        AuthService::new(
            Arc::clone(&self.gates),
            self.operations.clone(),
            self.address_limits.clone(),
            inner,
        )
    }
}

impl std::fmt::Debug for AuthLayer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuthLayer")
            .field("settings", &self.settings())
            .finish_non_exhaustive()
    }
}
