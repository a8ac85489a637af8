//! Scopes that are declared beside tools, where nothing enforces them.
//!
//! An [`AuthLayer`](super::AuthLayer) does not know what the handler behind it declares; a
//! [`Guard`](crate::server::Guard) does. Who forgets the guard should hear of it.

use std::sync::atomic::{AtomicBool, Ordering};

use http::{HeaderMap, StatusCode};

/// Whether `scopes([…])` has been called in this process.
static DECLARED: AtomicBool = AtomicBool::new(false);

/// Takes note that something declares scopes.
#[cfg(feature = "server")]
pub(crate) fn something_is_declared() {
    DECLARED.store(true, Ordering::Relaxed);
}

/// Whether a request is one of those that a guard sees before its answer begins.
pub(super) fn would_meet_a_guard(request: &HeaderMap) -> bool {
    let method = request.get("mcp-method").map(http::HeaderValue::as_bytes);
    matches!(method, Some(b"tools/list" | b"tools/call"))
}

/// Warns, once for each layer.
#[derive(Default)]
pub(super) struct Warning(AtomicBool);

impl Warning {
    /// An MCP request has been answered like this, and no guard has seen it.
    pub(super) fn answered(&self, status: StatusCode) {
        if status == StatusCode::OK
            && DECLARED.load(Ordering::Relaxed)
            && !self.0.swap(true, Ordering::Relaxed)
        {
            tracing::warn!(
                "this program declares scopes beside tools, and nothing behind this AuthLayer \
                 enforces them: serve the handler with propusk::server::mount, or put a \
                 propusk::server::Guard around it and tell the layer with declared_by"
            );
        }
    }
}
