//! `[scopes]` of `propusk.toml`: which scopes imply which, and what needs which.

use std::{
    collections::BTreeMap,
    fmt::{self, Display},
    path::{Path, PathBuf},
};

use propusk::{AuthSettings, InvalidScope, Requirement, ScopePolicy};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor, value::MapAccessDeserializer},
};

use crate::{failure::Failure, nearest::matches};

#[derive(Debug, Default, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct ScopesConfig {
    /// Where it stands, for what is said about it.
    #[serde(skip)]
    file: PathBuf,
    /// What stands before the names of its tables: `upstream.`, or nothing.
    #[serde(skip)]
    within: &'static str,
    pub(crate) show_all: Option<bool>,
    pub(super) default: Option<Needs>,
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

/// The tables with rules by name or pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::commands) enum Section {
    Tools,
    Prompts,
    Resources,
    Methods,
}

/// `"a b"` is both, `{ any-of = ["a", "b c"] }` is one or the other, and `{ any-of = [] }` nobody.
#[derive(Debug, Clone)]
pub(super) enum Needs {
    All(String),
    Alternatives(Alternatives),
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Alternatives {
    any_of: Vec<String>,
}

/// By hand, since an error of `#[serde(untagged)]` does not say which key is wrong.
impl<'de> Deserialize<'de> for Needs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NeedsVisitor)
    }
}

struct NeedsVisitor;

impl<'de> Visitor<'de> for NeedsVisitor {
    type Value = Needs;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("scopes, or { any-of = [scopes, …] }")
    }

    fn visit_str<E>(self, scopes: &str) -> Result<Needs, E> {
        Ok(Needs::All(scopes.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Needs, A::Error> {
        Alternatives::deserialize(MapAccessDeserializer::new(map)).map(Needs::Alternatives)
    }
}

/// Why a value makes no sense.
enum Wrong {
    Scope(InvalidScope),
    Everything,
    EmptyAlternative,
    GrantsNothing,
}

impl ScopesConfig {
    /// Remembers the file in which it stands.
    pub(crate) fn found_in(&mut self, file: &Path, within: &'static str) {
        self.file = file.to_owned();
        self.within = within;
    }

    /// Adds which scopes imply which.
    pub(super) fn imply(&self, mut settings: AuthSettings) -> Result<AuthSettings, Failure> {
        for (scope, implied) in &self.implies {
            let wrong = |wrong| self.wrong("scopes.implies", scope, &wrong);
            if scope == EVERYTHING {
                return Err(wrong(Wrong::Everything));
            }
            if implied.trim().is_empty() {
                return Err(wrong(Wrong::GrantsNothing));
            }
            settings = settings
                .scope_implies(scope, implied)
                .map_err(|error| wrong(Wrong::Scope(error)))?;
        }
        Ok(settings)
    }

    /// What needs which scopes.
    pub(super) fn policy(&self) -> Result<ScopePolicy, Failure> {
        let mut policy = ScopePolicy::new();
        for section in Section::ALL {
            for (name, needs) in self.table(section) {
                let rule = needs.requirement().and_then(|needs| {
                    let policy = std::mem::take(&mut policy);
                    section.add(policy, name, needs).map_err(Wrong::Scope)
                });
                policy =
                    rule.map_err(|wrong| self.wrong(&format!("scopes.{section}"), name, &wrong))?;
            }
        }
        if let Some(needs) = &self.default {
            let needs = needs.requirement();
            let with = needs.and_then(|needs| policy.otherwise(needs).map_err(Wrong::Scope));
            policy = with.map_err(|wrong| self.wrong("scopes", "default", &wrong))?;
        }
        Ok(policy)
    }

    /// What stands before the names of its tables.
    pub(super) fn within(&self) -> &'static str {
        self.within
    }

    /// The file, as it was named.
    pub(super) fn file(&self) -> impl Display {
        self.file.display()
    }

    /// All names and patterns that there are rules about.
    pub(super) fn rules(&self) -> impl Iterator<Item = (Section, &str)> {
        let of = |section| {
            self.table(section)
                .keys()
                .map(move |name| (section, &**name))
        };
        Section::ALL.into_iter().flat_map(of)
    }

    /// All scopes that anything needs, for a first token that may do everything.
    pub(super) fn all_named(&self) -> impl Iterator<Item = &str> {
        let rules = Section::ALL
            .into_iter()
            .flat_map(|section| self.table(section).values());
        let needs = rules.chain(&self.default).flat_map(Needs::texts);
        needs.flat_map(|text| text.split_whitespace())
    }

    /// Whether a rule is about this name.
    pub(in crate::commands) fn names(&self, section: Section, name: &str) -> bool {
        self.table(section).keys().any(|rule| matches(rule, name))
    }

    /// The names and patterns of tools that there are rules about.
    pub(in crate::commands) fn tools(&self) -> impl Iterator<Item = &str> {
        self.table(Section::Tools).keys().map(|name| &**name)
    }

    /// Whether something is asked for what no rule names.
    pub(in crate::commands) fn has_default(&self) -> bool {
        self.default.is_some()
    }

    /// A line for each text with a comma, which is a character of a scope (RFC 6749 §3.3) and rarely
    /// meant to be one.
    pub(super) fn commas(&self) -> Vec<String> {
        let within = self.within;
        let rules = Section::ALL.into_iter().flat_map(|section| {
            let of = move |(name, needs)| {
                (
                    format!("[{within}scopes.{section}] {name:?}"),
                    Needs::texts(needs),
                )
            };
            self.table(section).iter().map(of)
        });
        let implies = self.implies.iter().map(|(scope, implied)| {
            (
                format!("[{within}scopes.implies] {scope:?}"),
                std::slice::from_ref(implied),
            )
        });
        let default = self
            .default
            .iter()
            .map(|needs| (format!("[{within}scopes] default"), needs.texts()));
        let all = rules.chain(implies).chain(default);
        all.filter_map(|(place, texts)| {
            let text = texts.iter().find(|text| text.contains(','))?;
            let file = self.file();
            Some(format!(
                "{file}: {place}: the comma in {text:?} is part of a scope; several scopes have blanks between them"
            ))
        })
        .collect()
    }

    /// A line for each scope of `[scopes.implies]` with a `*` in it: rules are about patterns, scopes
    /// are not.
    pub(super) fn stars(&self) -> Vec<String> {
        let has_star = |scope: &&str| scope.contains(EVERYTHING) && *scope != EVERYTHING;
        let lines = self.implies.iter().filter_map(|(scope, implied)| {
            let star = [&**scope].into_iter().chain(implied.split_whitespace());
            let star = { star }.find(has_star)?;
            let file = self.file();
            Some(format!(
                "{file}: [{}scopes.implies] {scope:?}: the * in {star:?} is part of a scope, and stands for no others",
                self.within
            ))
        });
        lines.collect()
    }

    /// What is asked for by name.
    pub(super) fn table(&self, section: Section) -> &BTreeMap<String, Needs> {
        match section {
            Section::Tools => &self.tools,
            Section::Prompts => &self.prompts,
            Section::Resources => &self.resources,
            Section::Methods => &self.methods,
        }
    }

    fn wrong(&self, place: &str, name: &str, wrong: &Wrong) -> Failure {
        let within = self.within;
        let file = self.file();
        let failure = Failure::usage(format!("{file}: [{within}{place}] {name}: {wrong}"));
        match wrong {
            Wrong::Scope(_) => failure
                .hint("write the scopes of one operation in one text, with blanks between them"),
            Wrong::Everything => failure.hint(
                "it stands on the right of [scopes.implies] only: root = \"*\" grants every scope to whoever holds root",
            ).hint("\"\" asks for nothing, { any-of = [] } closes to everybody"),
            Wrong::GrantsNothing => failure.hint("leave the line out, or name what it grants"),
            Wrong::EmptyAlternative => failure.hint(
                "leave the empty one out; an operation that needs nothing is written \"\" instead of any-of",
            ),
        }
    }
}

/// The name for all scopes there are, which nobody can be asked for.
const EVERYTHING: &str = "*";

impl Section {
    pub(super) const ALL: [Self; 4] = [Self::Tools, Self::Prompts, Self::Resources, Self::Methods];

    /// What a rule in it is about.
    pub(in crate::commands) fn thing(self) -> &'static str {
        match self {
            Self::Tools => "tool",
            Self::Prompts => "prompt",
            Self::Resources => "resource",
            Self::Methods => "method",
        }
    }

    fn add(
        self,
        policy: ScopePolicy,
        name: &str,
        needs: Requirement,
    ) -> Result<ScopePolicy, InvalidScope> {
        match self {
            Self::Tools => policy.tool(name, needs),
            Self::Prompts => policy.prompt(name, needs),
            Self::Resources => policy.resource(name, needs),
            Self::Methods => policy.method(name, needs),
        }
    }
}

/// The name of the table: `tools`.
impl Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}s", self.thing())
    }
}

impl Needs {
    /// Whether it lets everybody in.
    pub(super) fn is_nothing(&self) -> bool {
        matches!(self, Self::All(scopes) if scopes.trim().is_empty())
    }

    fn texts(&self) -> &[String] {
        match self {
            Self::All(scopes) => std::slice::from_ref(scopes),
            Self::Alternatives(Alternatives { any_of }) => any_of,
        }
    }

    fn requirement(&self) -> Result<Requirement, Wrong> {
        let everything = |scopes: &str| scopes.split_whitespace().any(|s| s == EVERYTHING);
        match self {
            Self::All(scopes) if everything(scopes) => Err(Wrong::Everything),
            Self::All(scopes) => Requirement::all_of(scopes).map_err(Wrong::Scope),
            Self::Alternatives(Alternatives { any_of }) => {
                if any_of.iter().any(|scopes| everything(scopes)) {
                    return Err(Wrong::Everything);
                }
                if any_of.iter().any(|scopes| scopes.trim().is_empty()) {
                    return Err(Wrong::EmptyAlternative);
                }
                Requirement::any_of(any_of.iter().map(String::as_str)).map_err(Wrong::Scope)
            }
        }
    }
}

impl Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scope(error) => error.fmt(f),
            Self::Everything => f.write_str("\"*\" is no scope that somebody could hold"),
            Self::GrantsNothing => f.write_str("this scope would grant no other"),
            Self::EmptyAlternative => {
                f.write_str("an empty alternative of any-of would open it to everybody")
            }
        }
    }
}
