//! Which scopes are asked for (MCP 2026-07-28, scope selection strategy and step-up).

use super::discovery::Discovered;
use crate::{Scope, ScopeSet};

/// The scope of OpenID Connect Core §11: refresh tokens, please.
const OFFLINE_ACCESS: &str = "offline_access";

/// What a first sign-in asks for: what the caller said, else the server's challenge, else its
/// metadata. The scope `offline_access` is for the authorization server, and asked for where that one
/// lists it, whatever the MCP server says.
pub(super) fn first(explicit: Option<&ScopeSet>, found: &Discovered) -> ScopeSet {
    let mut scopes = match explicit {
        Some(scopes) => return with_offline_access(scopes.clone(), found),
        None if found.challenged.is_empty() => found.listed.clone(),
        None => found.challenged.clone(),
    };
    if !found.lists_scope(OFFLINE_ACCESS) {
        scopes = scopes.without(OFFLINE_ACCESS);
    }
    with_offline_access(scopes, found)
}

/// What a step-up asks for: what the token permits, what the caller said, and what is wanted.
pub(super) fn more(
    explicit: Option<&ScopeSet>,
    held: &ScopeSet,
    wanted: Option<ScopeSet>,
    found: &Discovered,
) -> ScopeSet {
    let mut scopes = held.clone();
    scopes.extend(explicit.cloned().unwrap_or_default());
    scopes.extend(wanted.unwrap_or_default());
    with_offline_access(scopes, found)
}

fn with_offline_access(mut scopes: ScopeSet, found: &Discovered) -> ScopeSet {
    if !scopes.is_empty() && found.lists_scope(OFFLINE_ACCESS) {
        scopes.extend(Scope::parse(OFFLINE_ACCESS).ok());
    }
    scopes
}
