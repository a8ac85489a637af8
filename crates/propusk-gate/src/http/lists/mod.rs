//! Lists show what their caller may use, and nothing else.

mod edit;
mod event;

use propusk::{
    AccessToken, Target, TargetKind,
    layer::{Handover, Showing},
};

pub(super) use edit::{Unreadable, edited};
pub(super) use event::edited_event;

/// What one caller gets to see.
#[derive(Clone)]
pub(super) struct View {
    handover: Handover,
    caller: Option<AccessToken>,
    restricts: bool,
    /// The revision has `cacheScope` (2026-07-28).
    scoped: bool,
}

impl View {
    /// `None`: everybody sees the same, and nobody takes note of it.
    pub(super) fn new(
        handover: &Handover,
        caller: Option<&AccessToken>,
        scoped: bool,
    ) -> Option<Self> {
        let restricts = handover.restricts();
        (restricts || handover.tool_names().is_some()).then(|| Self {
            handover: handover.clone(),
            caller: caller.cloned(),
            restricts,
            scoped,
        })
    }

    /// Whether not everybody sees the same. Otherwise a list is only looked at: what cannot be read
    /// goes on as it is.
    pub(super) fn restricts(&self) -> bool {
        self.restricts
    }

    fn showing(&self, method: &str, target: &Target) -> Showing {
        if let Some(names) = self.handover.tool_names()
            && target.kind() == TargetKind::Tool
        {
            names.learn(target.name());
        }
        match self.restricts {
            true => self.handover.showing(method, target, self.caller.as_ref()),
            false => Showing::AsItIs,
        }
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
