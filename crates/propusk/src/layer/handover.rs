//! What the layer has read of a request, for a service behind it that knows nothing of the protocol.

use std::{fmt, sync::Arc};

use serde_json::Value;

use super::{gate::Gate, late_refusal::LateRefusal, message::Kept};
use crate::{
    AccessToken, Operation, Refusal, ScopeSet, Target, decide::Needs, metrics::ToolNames,
    rules::Rules as _,
};

/// What a layer that [`reads_bodies`](super::AuthLayer::reads_bodies) leaves in the extensions of every
/// request that it lets through.
#[derive(Clone)]
pub struct Handover {
    read: Option<ReadMessage>,
    gate: Arc<Gate>,
    late: LateRefusal,
}

/// What a body asks for, as the layer has read and allowed it.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadMessage {
    operation: Option<Operation>,
    id: Option<Value>,
    kept: Kept,
}

/// How a list shows something to its caller.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Showing {
    /// Not at all: the caller may not use it.
    Hidden,
    /// As it is.
    AsItIs,
    /// The caller may not use it, and the settings show everything
    /// ([`show_all`](crate::AuthSettings::show_all)).
    Locked {
        /// What it needs, beside the scopes that every request needs.
        scopes: ScopeSet,
        /// Those of them that the caller lacks. None: no scope would help.
        missing: ScopeSet,
    },
}

impl ReadMessage {
    pub(super) fn new(operation: Option<Operation>, id: Option<Value>, kept: Kept) -> Self {
        Self {
            operation,
            id,
            kept,
        }
    }

    /// What is asked for; `None` where the message is an answer to the server.
    #[must_use]
    pub fn operation(&self) -> Option<&Operation> {
        self.operation.as_ref()
    }

    /// The id of the JSON-RPC request, a text or a number; `None` for a notification.
    #[must_use]
    pub fn id(&self) -> Option<&Value> {
        self.id.as_ref()
    }

    /// `params.taskId`, whatever the method and its own type.
    #[must_use]
    pub fn task_id(&self) -> Option<&Value> {
        self.kept.task.as_ref()
    }

    /// The tasks that `subscriptions/listen` wants to hear of (`params.notifications.taskIds`), of
    /// whatever type their ids are.
    #[must_use]
    pub fn listened_task_ids(&self) -> &[Value] {
        &self.kept.listened
    }

    /// `params.requestState`, of whatever type it is.
    #[must_use]
    pub fn request_state(&self) -> Option<&Value> {
        self.kept.state.as_ref()
    }
}

impl Handover {
    pub(super) fn new(read: Option<ReadMessage>, gate: &Arc<Gate>, late: LateRefusal) -> Self {
        let gate = Arc::clone(gate);
        Self { read, gate, late }
    }

    /// The message in the body. `None`: nobody has read one, and nobody may act upon it.
    #[must_use]
    pub fn message(&self) -> Option<&ReadMessage> {
        self.read.as_ref()
    }

    /// Leaves a refusal that was found behind the layer. As long as the answer has not begun, the
    /// layer sends it in its place, with its status and challenge.
    pub fn refuse(&self, refusal: Refusal) {
        self.late.set(refusal);
    }

    /// Whether anything depends on who is asking.
    #[must_use]
    pub fn restricts(&self) -> bool {
        let settings = self.gate.settings();
        !settings.scope_policy().is_empty() || self.gate.rules().current().is_some()
    }

    /// Where to take note of the tools that a list shows, if somebody counts by their names.
    #[must_use]
    pub fn tool_names(&self) -> Option<&ToolNames> {
        self.gate.observer().names_to_learn()
    }

    /// How a list shows what is used by this method, as `tools/call`, to this caller.
    #[must_use]
    pub fn showing(&self, method: &str, target: &Target, caller: Option<&AccessToken>) -> Showing {
        let settings = self.gate.settings();
        let rules = self.gate.rules().current();
        if rules.is_some_and(|rules| !rules.shows(target, caller)) {
            return Showing::Hidden;
        }
        let using = Operation::on(method, [target.clone()]);
        let needs = Needs::of(settings, &using);
        if needs.are_met_by(caller) {
            return Showing::AsItIs;
        }
        if !settings.shows_all() {
            return Showing::Hidden;
        }
        let scopes = needs.particular(caller).unwrap_or_default();
        let nothing = ScopeSet::default();
        let held = caller.map_or(&nothing, AccessToken::scopes);
        let hierarchy = settings.scope_hierarchy();
        let lacks = |scope: &&crate::Scope| !hierarchy.grants(held, scope);
        let missing = scopes.iter().filter(lacks).cloned().collect();
        Showing::Locked { scopes, missing }
    }
}

impl fmt::Debug for Handover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handover")
            .field("read", &self.read)
            .finish_non_exhaustive()
    }
}
