//! Lists show what their caller may use, and nothing else.

mod edit;
mod event;

use std::sync::Arc;

use propusk::{
    AccessToken, Target, TargetKind,
    layer::{Handover, Showing},
};

pub(super) use edit::{Unreadable, edited};
pub(super) use event::edited_event;

/// Hides things in lists, in addition to what a caller's scopes hide: whatever a rule hides or
/// always denies. It is asked for every item.
pub trait ListFilter: Send + Sync + 'static {
    /// Whether a list shows this to its caller.
    fn shows(&self, target: &Target, caller: Option<&AccessToken>) -> bool;
}

/// What one caller gets to see.
#[derive(Clone)]
pub(super) struct View {
    handover: Handover,
    filter: Option<Arc<dyn ListFilter>>,
    caller: Option<AccessToken>,
    /// The revision has `cacheScope` (2026-07-28).
    scoped: bool,
    /// Nothing depends on who is asking; the names of tools are taken note of.
    only_learns: bool,
}

impl View {
    /// `None`: everybody sees the same, and nobody counts by the names of tools.
    pub(super) fn new(
        handover: &Handover,
        filter: Option<&Arc<dyn ListFilter>>,
        caller: Option<&AccessToken>,
        scoped: bool,
    ) -> Option<Self> {
        let restricts = handover.restricts() || filter.is_some();
        (restricts || handover.tool_names().is_some()).then(|| Self {
            only_learns: !restricts,
            handover: handover.clone(),
            filter: filter.cloned(),
            caller: caller.cloned(),
            scoped,
        })
    }

    fn showing(&self, method: &str, target: &Target) -> Showing {
        if let Some(names) = self.handover.tool_names()
            && target.kind() == TargetKind::Tool
        {
            names.learn(target.name());
        }
        let caller = self.caller.as_ref();
        let hides = |filter: &Arc<dyn ListFilter>| !filter.shows(target, caller);
        if self.filter.as_ref().is_some_and(hides) {
            return Showing::Hidden;
        }
        self.handover.showing(method, target, caller)
    }
}

/// Whether the answer to this method is a list.
pub(super) fn is_list(method: &str) -> bool {
    matches!(
        method,
        "tools/list"
            | "prompts/list"
            | "resources/list"
            | "resources/templates/list"
            | "resources/directory/read"
            | "skills/list"
    )
}
