//! Which era a request belongs to.

use rmcp::{RoleServer, model::ProtocolVersion, service::RequestContext};

/// True for 2026-07-28 and later. Revisions are dates, so that their order is the order of text.
pub(crate) fn is_modern(context: &RequestContext<RoleServer>) -> bool {
    context
        .protocol_version()
        .is_some_and(|version| version.as_str() >= ProtocolVersion::V_2026_07_28.as_str())
}
