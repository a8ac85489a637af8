//! What this server has by name: to notice rules and operations that name something else.

use propusk::{
    AuthSettings, Operation, TargetKind,
    server::{Guard, Offered},
};

use super::scopes::{ScopesConfig, Section};
use crate::{
    builtin::Builtin,
    failure::Failure,
    nearest::{matches, nearest},
};

/// What the built-in server lists.
pub(in crate::commands) struct Names(Offered);

impl Names {
    /// Walks the lists; what they declare is known to the guard from then on.
    pub(in crate::commands) async fn of(server: &Guard<Builtin>) -> Result<Self, Failure> {
        let offered = server.offered().await;
        offered.map(Self).map_err(|error| {
            Failure::unavailable(format!("the server cannot list what it has: {error}"))
        })
    }

    /// The same for the built-in server with these settings.
    pub(super) async fn with(settings: &AuthSettings) -> Result<Self, Failure> {
        Self::of(&Guard::new(Builtin::default(), settings.clone())).await
    }

    /// Whether there is something with this name. A resource may be one that a template describes.
    pub(in crate::commands) fn has(&self, section: Section, name: &str) -> bool {
        let fits = |template: &String| matches(&as_pattern(template), name);
        self.all(section).any(|own| own == name)
            || (section == Section::Resources && self.0.templates.iter().any(fits))
    }

    /// The name here that is nearest to one that is not here.
    pub(in crate::commands) fn nearest(&self, section: Section, typed: &str) -> Option<&str> {
        nearest(typed, self.all(section))
    }

    /// A line for each rule that is legal and yet probably not meant: about nothing here (it may come
    /// later), or with a comma between scopes.
    pub(in crate::commands) fn doubts(&self, scopes: &ScopesConfig) -> Vec<String> {
        let file = scopes.file();
        let idle = |(section, rule): &(Section, &str)| !self.is_bound(*section, rule);
        let line = |(section, rule): (Section, &str)| {
            let thing = section.thing();
            let meant = match self.nearest(section, rule) {
                Some(name) => format!("; did you mean {name}?"),
                None => String::new(),
            };
            format!(
                "{file}: [scopes.{section}] {rule:?}: there is no such {thing} here, so that the rule binds nothing{meant}"
            )
        };
        let idle = scopes.rules().filter(idle).map(line);
        idle.chain(scopes.commas()).chain(scopes.stars()).collect()
    }

    fn is_bound(&self, section: Section, rule: &str) -> bool {
        let start = |text: &str, end| text.split(end).next().unwrap_or_default().to_owned();
        let described = |template: &String| {
            let (rule, template) = (start(rule, '*'), start(template, '{'));
            rule.starts_with(&template) || template.starts_with(&rule)
        };
        self.all(section).any(|name| matches(rule, name))
            || (section == Section::Resources && self.0.templates.iter().any(described))
    }

    fn all(&self, section: Section) -> impl Iterator<Item = &str> {
        let (own, known): (&[String], &[&str]) = match section {
            Section::Tools => (&self.0.tools, &[]),
            Section::Prompts => (&self.0.prompts, &[]),
            Section::Resources => (&self.0.resources, &[]),
            Section::Methods => (&[], Operation::KNOWN_METHODS),
        };
        own.iter().map(String::as_str).chain(known.iter().copied())
    }
}

/// A template (RFC 6570) with `*` for each of its expressions.
fn as_pattern(template: &str) -> String {
    let mut parts = template.split('{');
    let mut pattern = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        pattern.push('*');
        pattern.push_str(part.split_once('}').map_or("", |(_, rest)| rest));
    }
    pattern
}

impl Section {
    /// Where the rules about targets of this kind are.
    pub(in crate::commands) fn of(kind: TargetKind) -> Option<Self> {
        match kind {
            TargetKind::Tool => Some(Self::Tools),
            TargetKind::Prompt => Some(Self::Prompts),
            TargetKind::Resource => Some(Self::Resources),
            _ => None,
        }
    }
}
