//! What the layer has read of a request, for a service behind it that knows nothing of the protocol.

use std::{fmt, sync::Arc};

use serde_json::Value;

use super::{gate::Gate, late_refusal::LateRefusal};
use crate::{AccessToken, Operation, Refusal, ScopeSet, Target, decide::Needs};

/// What a body asks for, as the layer has read and allowed it: in the extensions of a request behind
/// a layer that [`reads_bodies`](super::AuthLayer::reads_bodies). Where it is missing nobody has read
/// the body, and nobody may act upon it.
#[derive(Clone)]
pub struct ReadRequest {
    operation: Option<Operation>,
    id: Option<Value>,
    late: LateRefusal,
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

impl ReadRequest {
    pub(super) fn new(operation: Option<Operation>, id: Option<Value>, late: LateRefusal) -> Self {
        Self {
            operation,
            id,
            late,
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

    /// Leaves a refusal that was found behind the layer. As long as the answer has not begun, the
    /// layer sends it in its place, with its status and challenge.
    pub fn refuse(&self, refusal: Refusal) {
        self.late.set(refusal);
    }
}

/// What the layer's settings say about lists; in the extensions of every request behind a layer that
/// [`reads_bodies`](super::AuthLayer::reads_bodies).
#[derive(Clone)]
pub struct ListRules(Arc<Gate>);

impl ListRules {
    pub(super) fn new(gate: &Arc<Gate>) -> Self {
        Self(Arc::clone(gate))
    }

    /// Whether anything depends on who is asking.
    #[must_use]
    pub fn restrict(&self) -> bool {
        let settings = self.0.settings();
        !settings.scope_policy().is_empty()
    }

    /// How a list shows what is used by this method, as `tools/call`, to this caller.
    #[must_use]
    pub fn showing(&self, method: &str, target: &Target, caller: Option<&AccessToken>) -> Showing {
        let settings = self.0.settings();
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

impl fmt::Debug for ReadRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadRequest")
            .field("operation", &self.operation)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ListRules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ListRules").finish_non_exhaustive()
    }
}
