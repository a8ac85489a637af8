//! What a session may know of.

use http::request::Parts;
use propusk::{
    AccessToken, Permit, Target, TargetKind,
    rules::{RuleSet, Rules as _},
};
use rmcp::model::Extensions;

/// The rules that judged a request, and for whom.
#[derive(Default)]
pub(in crate::stdio) struct Sight {
    rules: Option<RuleSet>,
    caller: Option<AccessToken>,
}

impl Sight {
    /// That of whoever sent this.
    pub(in crate::stdio) fn of(extensions: &Extensions) -> Self {
        let Some(parts) = extensions.get::<Parts>() else {
            return Self::default();
        };
        let permit = parts.extensions.get::<Permit>();
        Self {
            rules: parts.extensions.get::<RuleSet>().cloned(),
            caller: permit.and_then(Permit::caller).cloned(),
        }
    }

    /// From now on by these rules.
    pub(super) fn exchange(&mut self, rules: &RuleSet) {
        self.rules = Some(rules.clone());
    }

    /// Whether a resource is not hidden from it. A subscription tells of what is below its resource,
    /// too, which nobody has judged when it began.
    pub(super) fn shows(&self, uri: &str) -> bool {
        let target = Target::new(TargetKind::Resource, uri);
        let rules = self.rules.as_ref();
        rules.is_none_or(|rules| rules.shows(&target, self.caller.as_ref()))
    }
}
