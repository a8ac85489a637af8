//! What a child is to be told so that all sessions and subscribers get what they want.

use std::collections::BTreeSet;

use super::{super::level::Level, Hub};

/// The sum of what clients want.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::stdio) struct Wanted {
    /// Resources to which sessions have subscribed.
    pub(in crate::stdio) by_sessions: BTreeSet<String>,
    /// Those of the subscribers of 2026-07-28.
    pub(in crate::stdio) by_listeners: BTreeSet<String>,
    /// The lowest level that anybody has asked for.
    pub(in crate::stdio) level: Option<Level>,
}

impl Wanted {
    /// Everything that anybody has subscribed to.
    pub(in crate::stdio) fn uris(&self) -> BTreeSet<String> {
        &self.by_sessions | &self.by_listeners
    }
}

impl Hub {
    pub(in crate::stdio) fn wanted(&self) -> Wanted {
        let state = self.state();
        let mut wanted = Wanted::default();
        for session in state.sessions.values() {
            wanted.by_sessions.extend(session.uris.iter().cloned());
            let levels = [wanted.level, session.level];
            wanted.level = levels.into_iter().flatten().min();
        }
        wanted.level = [wanted.level, state.requests_level]
            .into_iter()
            .flatten()
            .min();
        for listener in state.listeners.values() {
            let uris = listener.sink.accepted().resource_subscriptions.iter();
            wanted.by_listeners.extend(uris.flatten().cloned());
        }
        wanted
    }
}
