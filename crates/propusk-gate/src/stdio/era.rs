//! The two eras of the protocol, and what of a request's `_meta` belongs to which.

use rmcp::model::ProtocolVersion;

use super::wire::Object;

/// What is the same for all revisions of an era.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Era {
    /// Up to 2025-11-25: `initialize`, a session, and servers that ask.
    Sessions,
    /// From 2026-07-28: each request stands for itself, and servers answer that they need input.
    Requests,
}

impl Era {
    pub(super) fn of(version: Option<&ProtocolVersion>) -> Self {
        match version {
            Some(version) if !version.has_initialize() => Self::Requests,
            _ => Self::Sessions,
        }
    }
}

pub(super) const PROTOCOL_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
pub(super) const CLIENT_INFO: &str = "io.modelcontextprotocol/clientInfo";
pub(super) const CLIENT_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
pub(super) const LOG_LEVEL: &str = "io.modelcontextprotocol/logLevel";
pub(super) const SUBSCRIPTION_ID: &str = "io.modelcontextprotocol/subscriptionId";
pub(super) const PROGRESS_TOKEN: &str = "progressToken";

/// Takes out what only 2026-07-28 knows.
pub(super) fn strip_to_sessions(meta: &mut Object) {
    for key in [
        PROTOCOL_VERSION,
        CLIENT_INFO,
        CLIENT_CAPABILITIES,
        LOG_LEVEL,
    ] {
        meta.remove(key);
    }
}
