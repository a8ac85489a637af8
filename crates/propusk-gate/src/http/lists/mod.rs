//! Lists show what their caller may use, and nothing else.

mod edit;
mod event;

use propusk::{
    AccessToken, Target, TargetKind,
    layer::{Handover, Showing},
};

use super::owners::{Kind, Learner};

pub(super) use edit::{Unreadable, edited};
pub(super) use event::{edited_event, message_of};

/// What one caller gets to see.
#[derive(Clone)]
pub(super) struct View {
    handover: Handover,
    caller: Option<AccessToken>,
    restricts: bool,
    /// The revision has `cacheScope` (2026-07-28).
    scoped: bool,
    /// Who knows which tasks are the caller's.
    tasks: Learner,
}

impl View {
    pub(super) fn new(
        handover: &Handover,
        caller: Option<&AccessToken>,
        scoped: bool,
        tasks: &Learner,
    ) -> Self {
        Self {
            handover: handover.clone(),
            caller: caller.cloned(),
            restricts: handover.restricts(),
            scoped,
            tasks: tasks.clone(),
        }
    }

    /// The same where everybody sees something else whatever the settings: of tasks his own.
    pub(super) fn restricting(mut self) -> Self {
        self.restricts = true;
        self
    }

    /// Whether not everybody sees the same, or somebody takes note of it.
    pub(super) fn matters(&self) -> bool {
        self.restricts || self.handover.tool_names().is_some()
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
        if target.kind() == TargetKind::Task {
            return match self.tasks.has(Kind::Task, target.name()) {
                true => Showing::AsItIs,
                false => Showing::Hidden,
            };
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
            | "tasks/list"
    )
}
