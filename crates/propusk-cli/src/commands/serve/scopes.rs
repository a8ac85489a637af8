//! `[scopes]` of `propusk.toml`: which scopes imply which, and what needs which.

use std::{collections::BTreeMap, fmt::Display};

use propusk::{AuthSettings, InvalidScope, Requirement, ScopePolicy};
use serde::Deserialize;

use crate::failure::Failure;

#[derive(Debug, Default, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct ScopesConfig {
    pub(crate) show_all: Option<bool>,
    default: Option<Needs>,
    #[serde(default)]
    implies: BTreeMap<String, String>,
    #[serde(default)]
    tools: BTreeMap<String, Needs>,
    #[serde(default)]
    prompts: BTreeMap<String, Needs>,
    #[serde(default)]
    resources: BTreeMap<String, Needs>,
    #[serde(default)]
    methods: BTreeMap<String, Needs>,
}

/// `"a b"` is both, `{ any-of = ["a", "b c"] }` is one or the other, and `{ any-of = [] }` nobody.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged, expecting = "expected scopes, or { any-of = [scopes, …] }")]
enum Needs {
    All(String),
    Alternatives(Alternatives),
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Alternatives {
    any_of: Vec<String>,
}

impl ScopesConfig {
    pub(in crate::commands) fn apply(
        &self,
        mut settings: AuthSettings,
    ) -> Result<AuthSettings, Failure> {
        for (scope, implied) in &self.implies {
            settings = settings
                .scope_implies(scope, implied)
                .map_err(|error| wrong("implies", scope, &error))?;
        }
        let mut policy = ScopePolicy::new();
        policy = add(policy, "tools", &self.tools, ScopePolicy::tool)?;
        policy = add(policy, "prompts", &self.prompts, ScopePolicy::prompt)?;
        policy = add(policy, "resources", &self.resources, ScopePolicy::resource)?;
        policy = add(policy, "methods", &self.methods, ScopePolicy::method)?;
        if let Some(needs) = &self.default {
            let wrong = |error| Failure::usage(format!("[scopes] default: {error}"));
            let needs = needs.requirement().map_err(wrong)?;
            policy = policy.otherwise(needs).map_err(wrong)?;
        }
        Ok(settings.policy(policy))
    }
}

impl Needs {
    fn requirement(&self) -> Result<Requirement, InvalidScope> {
        match self {
            Self::All(scopes) => Requirement::all_of(scopes),
            Self::Alternatives(Alternatives { any_of }) => {
                Requirement::any_of(any_of.iter().map(String::as_str))
            }
        }
    }
}

fn add(
    mut policy: ScopePolicy,
    section: &str,
    rules: &BTreeMap<String, Needs>,
    rule: impl Fn(ScopePolicy, &str, Requirement) -> Result<ScopePolicy, InvalidScope>,
) -> Result<ScopePolicy, Failure> {
    for (name, needs) in rules {
        let needs = needs.requirement();
        policy = needs
            .and_then(|needs| rule(policy, name, needs))
            .map_err(|error| wrong(section, name, &error))?;
    }
    Ok(policy)
}

fn wrong(section: &str, name: &str, error: &dyn Display) -> Failure {
    Failure::usage(format!("[scopes.{section}] {name}: {error}"))
        .hint("write the scopes of one operation in one text, with blanks between them")
}
