//! How many 2025-11-25 sessions there may be, and for how long.

use std::time::Duration;

/// How many sessions of 2025-11-25 may be open, and how long one may idle. (2026-07-28 has none.)
///
/// A limit never refuses anybody: it ends a session, whose client gets 404 at its next request and
/// opens a new one, as that revision says it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionLimits {
    pub(crate) per_principal: usize,
    pub(crate) in_all: usize,
    pub(crate) idle: Duration,
}

impl SessionLimits {
    /// At most this many sessions of one principal (100 by default, at least one). Over it, that
    /// principal's own idlest session ends, never another's. All anonymous callers together are no
    /// principal, so only [`SessionLimits::in_all`] holds for them.
    #[must_use]
    pub fn per_principal(mut self, most: usize) -> Self {
        self.per_principal = most.max(1);
        self
    }

    /// At most this many sessions in all (10,000 by default, at least one). Over it, whoever has
    /// most of them loses the idlest: a crowd of sessions crowds out itself.
    #[must_use]
    pub fn in_all(mut self, most: usize) -> Self {
        self.in_all = most.max(1);
        self
    }

    /// A session ends when there was neither a request nor an open stream for this long (one hour
    /// by default).
    #[must_use]
    pub fn idle(mut self, idle: Duration) -> Self {
        self.idle = idle;
        self
    }
}

impl Default for SessionLimits {
    fn default() -> Self {
        Self {
            per_principal: 100,
            in_all: 10_000,
            idle: Duration::from_secs(60 * 60),
        }
    }
}
