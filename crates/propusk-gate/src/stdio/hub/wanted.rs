//! What a child is to be told so that all sessions and subscribers get what they want.

use std::collections::BTreeSet;

use super::{super::level::Level, Hub};

/// The sum of what clients want.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::stdio) struct Wanted {
    pub(in crate::stdio) uris: BTreeSet<String>,
    /// The lowest level that any session has asked for.
    pub(in crate::stdio) level: Option<Level>,
}

impl Hub {
    pub(in crate::stdio) fn wanted(&self) -> Wanted {
        let state = self.state();
        let mut wanted = Wanted::default();
        for session in state.sessions.values() {
            wanted.uris.extend(session.uris.iter().cloned());
            let levels = [wanted.level, session.level];
            wanted.level = levels.into_iter().flatten().min();
        }
        for listener in state.listeners.values() {
            let uris = listener.sink.accepted().resource_subscriptions.iter();
            wanted.uris.extend(uris.flatten().cloned());
        }
        wanted
    }
}
