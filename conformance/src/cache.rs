//! Caching hints of 2026-07-28 (server/utilities/caching, SEP-2549).

use rmcp::{RoleServer, model::CacheScope, service::RequestContext};

use crate::era;

/// The fixture never changes while it runs; a minute is as good as any other positive number.
const TTL_MS: u64 = 60_000;

/// The `ttlMs` and `cacheScope` of one answer: both, or for an older peer neither.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CacheHints {
    hints: Option<(u64, CacheScope)>,
}

impl CacheHints {
    /// The hints that suit the revision of this request.
    ///
    /// The scope is public because every client gets the same answer, whatever its token.
    pub(crate) fn of(context: &RequestContext<RoleServer>) -> Self {
        Self {
            hints: era::is_modern(context).then_some((TTL_MS, CacheScope::Public)),
        }
    }

    /// Writes the hints into the two fields that every cacheable result has.
    pub(crate) fn write(self, ttl_ms: &mut Option<u64>, scope: &mut Option<CacheScope>) {
        (*ttl_ms, *scope) = self.hints.unzip();
    }
}
