//! Rules by name or pattern, without touching the server.

use std::{collections::HashMap, sync::Arc, time::Duration};

use super::{
    Allowance, Asked, Rate, Rule, Rules, Verdict,
    named::Named,
    rule::{Bound, Limited, Taking},
    who::Who,
};
use crate::{AccessToken, Operation, Target, TargetKind};

/// Rules for tools, prompts, resources and methods, by name or pattern.
///
/// ```
/// use std::time::Duration;
///
/// use propusk::rules::{Otherwise, Rule, RuleTable};
///
/// let table = RuleTable::new()
///     .principal_rate("100/m burst 20".parse()?)
///     .tool("delete_*", Rule::new().rate("10/m".parse()?).concurrency(1))
///     .tool("shell", Rule::new().denied())
///     .tool("internal_*", Rule::new().hidden())
///     .resource("file:///etc/*", Rule::new().denied())
///     .tool("report", Rule::new().time_limit(Duration::from_secs(30)))
///     .otherwise(Otherwise::Allow);
/// # Ok::<(), propusk::rules::InvalidRate>(())
/// ```
///
/// # Which rules apply
///
/// * All that match hold, as in a [`ScopePolicy`](crate::ScopePolicy): no rule takes back what another
///   says. `*` stands for any characters, and names compare exactly, with case.
/// * A rule about a URI sees it as it was sent and in its normal form (`file:///a/../b`).
/// * A completion is judged by the prompt or resource that it refers to, and a subscription by each of
///   its resources.
/// * The default is for tools, prompts and resources that no rule names, and for methods that no rule
///   names but those with which a client gets to know a server (as in a `ScopePolicy`). A URI is named
///   where both of its spellings are.
///
/// # Hidden and denied
///
/// What is denied is refused with 403. What is hidden, or is under the default
/// [`Otherwise::Deny`], is answered with the error that MCP has for a name that there is not. A server
/// may have other words for such a name, by which a hidden one can be told from it. Where that must not
/// be, choose `Otherwise::Deny`: then hidden names and all that do not exist are answered alike, here,
/// and the server is not asked.
///
/// # Limits
///
/// Limits are per principal (issuer, subject and client together, whatever the token), and for who has
/// none per address. They are exact, and what they remember is bounded. The answer to
/// `subscriptions/listen` lasts, so it takes no place among those that may be under way. All of a
/// pattern count together.
#[derive(Debug, Default)]
pub struct RuleTable {
    tools: Named<Bound>,
    prompts: Named<Bound>,
    resources: Named<Bound>,
    methods: Named<Bound>,
    /// In the order of their addition; the first is for everything.
    all: Vec<Arc<Bound>>,
    everything: Rule,
    otherwise: Otherwise,
}

/// What holds for what no rule names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Otherwise {
    /// It is allowed (as far as the scopes allow it).
    #[default]
    Allow,
    /// It is as if it were hidden.
    Deny,
}

impl RuleTable {
    /// Without rules: all is allowed.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a rule for the tool with this name, or the tools of this pattern.
    #[must_use]
    pub fn tool(mut self, name: &str, rule: Rule) -> Self {
        let rule = self.bind("tools", name, rule);
        self.tools.add(name, &rule);
        self
    }

    /// Adds a rule for the prompt with this name, or the prompts of this pattern.
    #[must_use]
    pub fn prompt(mut self, name: &str, rule: Rule) -> Self {
        let rule = self.bind("prompts", name, rule);
        self.prompts.add(name, &rule);
        self
    }

    /// Adds a rule for the resource with this URI, or the resources of this pattern.
    #[must_use]
    pub fn resource(mut self, uri: &str, rule: Rule) -> Self {
        let rule = self.bind("resources", uri, rule);
        self.resources.add_resource(uri, &rule);
        self
    }

    /// Adds a rule for this JSON-RPC method, or the methods of this pattern.
    #[must_use]
    pub fn method(mut self, method: &str, rule: Rule) -> Self {
        let rule = self.bind("methods", method, rule);
        self.methods.add(method, &rule);
        self
    }

    /// Sets what holds for what no rule names.
    #[must_use]
    pub fn otherwise(mut self, otherwise: Otherwise) -> Self {
        self.otherwise = otherwise;
        self
    }

    /// Sets how many requests each principal may send, of whatever kind: messages, answers to the
    /// server, streams, ends of sessions.
    #[must_use]
    pub fn principal_rate(mut self, rate: Rate) -> Self {
        self.everything = self.everything.rate(rate);
        self.bind_everything()
    }

    /// Sets how many messages of each principal may be under way at the same time. Answers to the
    /// server and streams are not among them.
    #[must_use]
    pub fn principal_concurrency(mut self, most: u32) -> Self {
        self.everything = self.everything.concurrency(most);
        self.bind_everything()
    }

    /// Sets how long the answer to a message may take, where no rule says less.
    #[must_use]
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.everything = self.everything.time_limit(limit);
        self.bind_everything()
    }

    /// The same rules, which go on with what has been used up of another table's limits, where a rule
    /// of the same name has the same limit: for a configuration that is read again.
    #[must_use]
    pub fn continuing(self, before: &Self) -> Self {
        let old: HashMap<&str, &Arc<Bound>> =
            before.all.iter().map(|rule| (&*rule.name, rule)).collect();
        let new = self.all.iter().map(|rule| match old.get(&*rule.name) {
            Some(before) => Arc::new(rule.continuing(before)),
            None => Arc::clone(rule),
        });
        let new: Vec<_> = new.collect();
        let moved = |named: &Named<Bound>| {
            named.map(|rule| {
                let same = self.all.iter().position(|own| Arc::ptr_eq(own, rule));
                same.map_or_else(|| Arc::clone(rule), |at| Arc::clone(&new[at]))
            })
        };
        Self {
            tools: moved(&self.tools),
            prompts: moved(&self.prompts),
            resources: moved(&self.resources),
            methods: moved(&self.methods),
            all: new,
            everything: self.everything,
            otherwise: self.otherwise,
        }
    }

    fn bind(&mut self, kind: &str, name: &str, rule: Rule) -> Arc<Bound> {
        let rule = Arc::new(Bound::new(format!("{kind} {name:?}"), rule));
        self.all.push(Arc::clone(&rule));
        rule
    }

    fn bind_everything(mut self) -> Self {
        const NAME: &str = "everything";
        let rule = Arc::new(Bound::new(NAME.to_owned(), self.everything.clone()));
        self.all.retain(|other| other.name != NAME);
        self.all.insert(0, rule);
        self
    }

    /// The rule for everything, if there is one.
    fn everything(&self) -> Option<&Arc<Bound>> {
        let first = self.all.first();
        first.filter(|_| self.everything != Rule::default())
    }

    fn of_kind<'a>(&'a self, target: &Target, found: &mut Vec<&'a Arc<Bound>>) -> Option<bool> {
        Some(match target.kind() {
            TargetKind::Tool => self.tools.about(target.name(), found),
            TargetKind::Prompt => self.prompts.about(target.name(), found),
            TargetKind::Resource => self.resources.about_resource(target.name(), found),
            TargetKind::Task => return None,
        })
    }

    /// Adds all rules about an operation; whether something of it is named by none.
    fn collect<'a>(
        &'a self,
        method: &str,
        targets: &[Target],
        found: &mut Vec<&'a Arc<Bound>>,
    ) -> bool {
        let method_named = self.methods.about(method, found);
        let mut judged_by_name = false;
        let mut unnamed = false;
        for target in targets {
            if let Some(named) = self.of_kind(target, found) {
                judged_by_name = true;
                unnamed |= !named;
            }
        }
        unnamed
            || !judged_by_name && !method_named && !Operation::TO_GET_ACQUAINTED.contains(&method)
    }

    /// An answer to the server, a stream, the end of a session: it counts among what each principal may
    /// send. It takes no place among what is under way: a stream lasts, and a call that asks its client
    /// something would wait for an answer that waits for the call.
    fn judge_without_message(&self, asked: &Asked<'_>) -> Verdict {
        let Some(everything) = self.everything().filter(|rule| rule.has_limits()) else {
            return Verdict::allow();
        };
        let mut taking = Taking::default();
        match everything.take(&Who::of(asked), asked.now, true, &mut taking) {
            Ok(()) => Verdict::allow(),
            Err(Limited {
                retry_after,
                reason,
            }) => {
                taking.give_back();
                Verdict::Limit {
                    retry_after,
                    reason,
                }
            }
        }
    }

    /// Why something is hidden, if it is.
    fn hidden(&self, found: &[&Arc<Bound>], unnamed: bool) -> Option<String> {
        if let Some(rule) = found.iter().find(|rule| rule.is_hidden()) {
            return Some(format!("{}: hidden", rule.name));
        }
        let by_default = unnamed && self.otherwise == Otherwise::Deny;
        by_default.then(|| "no rule names it".to_owned())
    }
}

fn denied(found: &[&Arc<Bound>]) -> Option<Verdict> {
    found.iter().find_map(|rule| {
        let message = rule.denied()?;
        Some(Verdict::Deny {
            reason: format!("{}: denied", rule.name),
            message: message.map(str::to_owned),
        })
    })
}

impl Rules for RuleTable {
    fn judge(&self, asked: &Asked<'_>) -> Verdict {
        let Operation::Method { method, targets } = asked.operation else {
            return self.judge_without_message(asked);
        };
        let mut found = Vec::new();
        let unnamed = self.collect(method, targets, &mut found);
        if let Some(reason) = self.hidden(&found, unnamed) {
            return Verdict::Hide { reason };
        }
        if let Some(denied) = denied(&found) {
            return denied;
        }
        found.extend(self.everything());
        let mut allowance = Allowance::new();
        allowance.time_limit = found.iter().filter_map(|rule| rule.rule.time_limit).min();
        if found.iter().any(|rule| rule.has_limits()) {
            let (who, mut taking) = (Who::of(asked), Taking::default());
            let lasts = method == "subscriptions/listen";
            for rule in found {
                let taken = rule.take(&who, asked.now, lasts, &mut taking);
                if let Err(Limited {
                    retry_after,
                    reason,
                }) = taken
                {
                    taking.give_back();
                    return Verdict::Limit {
                        retry_after,
                        reason,
                    };
                }
            }
            allowance.holds = taking.holds;
        }
        Verdict::Allow(allowance)
    }

    fn ends(&self, asked: &Asked<'_>) -> Option<String> {
        let Operation::Method { method, targets } = asked.operation else {
            return None;
        };
        let mut found = Vec::new();
        let unnamed = self.collect(method, targets, &mut found);
        self.hidden(&found, unnamed).or_else(|| {
            let denied = found.iter().find(|rule| rule.denied().is_some())?;
            Some(format!("{}: denied", denied.name))
        })
    }

    fn shows(&self, target: &Target, _: Option<&AccessToken>) -> bool {
        let mut found = Vec::new();
        let unnamed = self.of_kind(target, &mut found) == Some(false);
        self.hidden(&found, unnamed).is_none() && denied(&found).is_none()
    }

    fn hides(&self, target: &Target, _: Option<&AccessToken>) -> Option<String> {
        let mut found = Vec::new();
        let unnamed = !self.of_kind(target, &mut found)?;
        self.hidden(&found, unnamed)
    }
}

#[cfg(test)]
mod tests;
