//! Several rules, all of which must allow.

use std::{fmt, sync::Arc};

use super::{Allowance, Asked, Rules, Verdict};
use crate::{AccessToken, Target};

/// Rules that are asked one after the other: all must allow, and the first that does not is the
/// answer.
///
/// Behind an [`AuthLayer`](crate::AuthLayer) that has rules, the request's extensions hold the set
/// that judged it, so that whoever answers a list can ask [`shows`](Rules::shows). A copy is cheap.
#[derive(Clone, Default)]
pub struct RuleSet(Arc<[Arc<dyn Rules>]>);

impl RuleSet {
    /// Without any rule: everything is allowed.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds rules, to be asked after those that are there.
    #[must_use]
    pub fn with(self, rules: impl Rules) -> Self {
        let added: Arc<dyn Rules> = Arc::new(rules);
        Self(self.0.iter().cloned().chain([added]).collect())
    }

    /// Whether the other one is a copy of this.
    #[cfg(feature = "layer")]
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Rules for RuleSet {
    fn judge(&self, asked: &Asked<'_>) -> Verdict {
        let mut allowance = Allowance::default();
        for rules in &*self.0 {
            match rules.judge(asked) {
                Verdict::Allow(more) => allowance.and(more),
                refused => return refused,
            }
        }
        Verdict::Allow(allowance)
    }

    fn ends(&self, asked: &Asked<'_>) -> Option<String> {
        self.0.iter().find_map(|rules| rules.ends(asked))
    }

    fn shows(&self, target: &Target, caller: Option<&AccessToken>) -> bool {
        self.0.iter().all(|rules| rules.shows(target, caller))
    }

    fn hides(&self, target: &Target, caller: Option<&AccessToken>) -> Option<String> {
        self.0.iter().find_map(|rules| rules.hides(target, caller))
    }

    fn reads_arguments(&self) -> bool {
        self.0.iter().any(Rules::reads_arguments)
    }
}

impl<R: Rules + ?Sized> Rules for Arc<R> {
    fn judge(&self, asked: &Asked<'_>) -> Verdict {
        R::judge(self, asked)
    }

    fn ends(&self, asked: &Asked<'_>) -> Option<String> {
        R::ends(self, asked)
    }

    fn shows(&self, target: &Target, caller: Option<&AccessToken>) -> bool {
        R::shows(self, target, caller)
    }

    fn hides(&self, target: &Target, caller: Option<&AccessToken>) -> Option<String> {
        R::hides(self, target, caller)
    }

    fn reads_arguments(&self) -> bool {
        R::reads_arguments(self)
    }
}

impl fmt::Debug for RuleSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RuleSet")
            .field("rules", &self.0.len())
            .finish()
    }
}
