//! Reading policies.

use std::{collections::BTreeSet, fmt};

use cedar_policy::{
    Effect, Policy, PolicyId, PolicySet, Schema, ValidationMode, ValidationWarning, Validator,
};
use miette::Diagnostic;
use serde_json::{Value, json};

/// Policies that cannot be used: each complaint on a line, with file and line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct InvalidPolicies(Vec<String>);

impl InvalidPolicies {
    pub(super) fn internal(error: &impl fmt::Display) -> Self {
        Self(vec![format!("the policies cannot be prepared: {error}")])
    }

    /// The complaints.
    #[must_use]
    pub fn complaints(&self) -> &[String] {
        &self.0
    }
}

/// Reads policies and validates them. Beside them comes what is odd about them and no error.
pub(super) fn parse(file: &str, text: &str) -> Result<(PolicySet, Vec<String>), InvalidPolicies> {
    let policies: PolicySet = text.parse().map_err(|errors: cedar_policy::ParseErrors| {
        InvalidPolicies(
            errors
                .iter()
                .map(|error| complaint(file, text, error))
                .collect(),
        )
    })?;
    if policies.num_of_templates() > 0 {
        let complaint = format!("{file}: a policy with a slot (`?principal`) is never linked here");
        return Err(InvalidPolicies(vec![complaint]));
    }
    let (schema, _) = Schema::from_cedarschema_str(&super::schema())
        .map_err(|error| InvalidPolicies::internal(&error))?;
    let result = Validator::new(schema).validate(&policies, ValidationMode::Strict);
    let errors = result.validation_errors();
    let mut complaints = each_once(errors.map(|error| complaint(file, text, error)));
    complaints.extend(doubled_ids(file, &policies));
    if !complaints.is_empty() {
        return Err(InvalidPolicies(complaints));
    }
    let warnings = result.validation_warnings();
    let warnings = warnings.filter(|warning| !is_of_unknown(&policies, warning));
    let warnings = each_once(warnings.map(|warning| complaint(file, text, warning)));
    Ok((policies, warnings))
}

/// What is said of one place for many actions is said of one of them, with how many more there are.
fn each_once(complaints: impl Iterator<Item = String>) -> Vec<String> {
    let without_action = |text: &str| {
        let mut parts = text.splitn(2, "Propusk::Action::\"");
        let before = parts.next().unwrap_or_default();
        let after = parts.next().and_then(|rest| rest.split_once('"'));
        (before.to_owned(), after.map(|(_, rest)| rest.to_owned()))
    };
    let mut once: Vec<(String, usize)> = Vec::new();
    for text in complaints {
        let same = without_action(&text);
        match once.iter_mut().find(|(own, _)| without_action(own) == same) {
            Some((_, more)) => *more += 1,
            None => once.push((text, 0)),
        }
    }
    let told = once.into_iter().map(|(text, more)| match more {
        0 => text,
        more => format!("{text}, and so for {more} more actions"),
    });
    told.collect()
}

/// To the schema, what is inside of `arguments` and `claims` is never there, so that a policy about it
/// looks as if it could never apply.
fn is_of_unknown(policies: &PolicySet, warning: &ValidationWarning) -> bool {
    let policy = policies.policy(warning.policy_id());
    let is_impossible = matches!(warning, ValidationWarning::ImpossiblePolicy(_));
    is_impossible
        && policy.is_some_and(|policy| {
            let text = policy.to_string();
            text.contains("arguments") || text.contains("claims")
        })
}

/// Two policies with one `@id` could not be told apart in the audit log.
fn doubled_ids(file: &str, policies: &PolicySet) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let ids = policies
        .policies()
        .filter_map(|policy| policy.annotation("id"));
    let doubled = ids.filter(|id| !seen.insert(*id));
    doubled
        .map(|id| format!("{file}: two policies have the @id {id:?}"))
        .collect()
}

/// `FILE:LINE:COLUMN: what is wrong (what would help)`.
fn complaint(file: &str, text: &str, error: &impl Diagnostic) -> String {
    let place = error.labels().and_then(|mut labels| labels.next());
    let place = place.and_then(|label| text.get(..label.offset()));
    let place = place.map_or_else(String::new, |before| {
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
        format!(":{line}:{column}")
    });
    let help = error.help().map(|help| format!(" ({help})"));
    format!("{file}{place}: {error}{}", help.unwrap_or_default())
}

/// The names of policies, as the audit log has them: `@id`, or that which Cedar gives (`policy0` is the
/// first of the file).
pub(super) fn names<'a>(
    policies: &PolicySet,
    ids: impl IntoIterator<Item = &'a PolicyId>,
) -> String {
    let name = |id: &PolicyId| {
        let own = policies.annotation(id, "id");
        own.map_or_else(|| id.to_string(), str::to_owned)
    };
    let names: BTreeSet<_> = ids.into_iter().map(name).collect();
    names.into_iter().collect::<Vec<_>>().join(", ")
}

/// The policies with every name spelled out, whatever escapes they were written with.
pub(super) fn as_text(file: &str, policies: &PolicySet) -> Result<String, InvalidPolicies> {
    let texts = policies
        .policies()
        .map(|policy| Ok(est(file, policy)?.to_string()));
    texts.collect()
}

fn est(file: &str, policy: &Policy) -> Result<Value, InvalidPolicies> {
    let json = policy.to_json();
    json.map_err(|error| InvalidPolicies(vec![format!("{file}: {}: {error}", policy.id())]))
}

/// What holds whatever the context is: a `forbid` that looks at it is left out, and a `permit` that does
/// is taken for one without conditions. So what these deny, nothing could make allowed.
pub(super) fn for_lists(file: &str, policies: &PolicySet) -> Result<PolicySet, InvalidPolicies> {
    let mut kept = Vec::new();
    for policy in policies.policies() {
        let mut json = est(file, policy)?;
        let conditions = &mut json["conditions"];
        // The word in a text counts too, which shows more, never less.
        if !conditions.to_string().contains("context") {
            kept.push(policy.clone());
        } else if policy.effect() == Effect::Permit {
            *conditions = json!([]);
            let wider = Policy::from_json(Some(policy.id().clone()), json);
            kept.push(wider.map_err(|error| InvalidPolicies::internal(&error))?);
        }
    }
    PolicySet::from_policies(kept).map_err(|error| InvalidPolicies::internal(&error))
}
