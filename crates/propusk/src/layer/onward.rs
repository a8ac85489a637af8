//! What the layer leaves in a request for the guard behind it.

use std::sync::Arc;

use super::{late_refusal::LateRefusal, operations::DeclaredScopes};
use crate::{Operation, Target, rules::RuleSet};

/// It goes with the request, in its extensions.
#[derive(Clone)]
#[cfg_attr(
    not(feature = "server"),
    allow(dead_code, reason = "a guard looks at it")
)]
pub(crate) struct Onward {
    /// Where to leave a refusal.
    pub(crate) late: LateRefusal,
    /// What is known of the tool that is called.
    pub(crate) declared: Option<Declared>,
    /// What the rules were asked about, and the rules, where there are any.
    pub(crate) ruled: Option<Arc<(Operation, RuleSet)>>,
}

/// The scopes of a tool, as they were declared for this request.
#[derive(Clone)]
#[cfg_attr(
    not(feature = "server"),
    allow(dead_code, reason = "a guard looks at it")
)]
pub(crate) struct Declared {
    /// Who said so.
    pub(crate) by: Arc<dyn DeclaredScopes>,
    pub(crate) tool: Target,
}
