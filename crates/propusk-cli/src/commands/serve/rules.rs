//! `[rules]`: what holds for tools, prompts, resources and methods beside their scopes.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use propusk::rules::{Otherwise, Rate, Rule, RuleTable};
use serde::{Deserialize, Deserializer, de};

use super::Section;
use crate::failure::Failure;

#[derive(Debug, Default, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct RulesConfig {
    /// `allow` or `deny`: what holds for what no rule names.
    pub(super) default: Option<String>,
    /// A file with Cedar policies.
    pub(super) policy: Option<PathBuf>,
    #[serde(default)]
    tools: BTreeMap<String, RuleConfig>,
    #[serde(default)]
    prompts: BTreeMap<String, RuleConfig>,
    #[serde(default)]
    resources: BTreeMap<String, RuleConfig>,
    #[serde(default)]
    methods: BTreeMap<String, RuleConfig>,
}

#[derive(Debug, Default, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct RuleConfig {
    #[serde(default)]
    hidden: bool,
    denied: Option<Denied>,
    rate: Option<String>,
    rate_in_all: Option<String>,
    concurrency: Option<u32>,
    concurrency_in_all: Option<u32>,
    time_limit: Option<String>,
}

/// `true`, or a sentence for the client.
#[derive(Debug, Clone)]
enum Denied {
    Plainly(bool),
    With(String),
}

impl<'de> Deserialize<'de> for Denied {
    fn deserialize<D: Deserializer<'de>>(value: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Denied;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("true, false or a sentence for the client")
            }

            fn visit_bool<E>(self, denied: bool) -> Result<Denied, E> {
                Ok(Denied::Plainly(denied))
            }

            fn visit_str<E>(self, why: &str) -> Result<Denied, E> {
                Ok(Denied::With(why.to_owned()))
            }
        }
        value.deserialize_any(Visitor)
    }
}

/// Rules, and where they stand.
#[derive(Debug, Clone)]
pub(super) struct Ruled {
    pub(super) config: RulesConfig,
    /// Before the names of their tables: `upstream.`, or nothing.
    pub(super) within: &'static str,
}

impl Ruled {
    /// Those at the top of the file.
    pub(super) fn top(config: RulesConfig) -> Self {
        Self { config, within: "" }
    }

    /// Those of one upstream.
    pub(super) fn own(config: RulesConfig) -> Self {
        let within = "upstream.";
        Self { config, within }
    }
}

impl RulesConfig {
    pub(super) fn is_empty(&self) -> bool {
        let tables = [&self.tools, &self.prompts, &self.resources, &self.methods];
        self.default.is_none()
            && self.policy.is_none()
            && tables.iter().all(|table| table.is_empty())
    }

    /// The rules of the library, with what `[limits]` says of each principal. `place` is the file and
    /// the table, for what is said of a mistake.
    pub(super) fn table(&self, place: &Place<'_>) -> Result<RuleTable, Failure> {
        let mut table = RuleTable::new();
        for section in Section::ALL {
            for (name, config) in self.section(section) {
                let key = |key: &str| place.key(&format!("rules.{section}.{name:?}"), key);
                let rule = config.rule(&key)?;
                table = match section {
                    Section::Tools => table.tool(name, rule),
                    Section::Prompts => table.prompt(name, rule),
                    Section::Resources => table.resource(name, rule),
                    Section::Methods => table.method(name, rule),
                };
            }
        }
        match self.default.as_deref() {
            None | Some("allow") => Ok(table.otherwise(Otherwise::Allow)),
            Some("deny") => Ok(table.otherwise(Otherwise::Deny)),
            Some(other) => Err(Failure::usage(format!(
                "{}: {other:?} is neither allow nor deny",
                place.key("rules", "default")
            ))),
        }
    }

    /// The names and patterns of tools that there are rules about.
    pub(super) fn tools(&self) -> impl Iterator<Item = &str> {
        self.tools.keys().map(String::as_str)
    }

    /// What holds by name.
    pub(super) fn section(&self, section: Section) -> &BTreeMap<String, RuleConfig> {
        match section {
            Section::Tools => &self.tools,
            Section::Prompts => &self.prompts,
            Section::Resources => &self.resources,
            Section::Methods => &self.methods,
        }
    }
}

impl RuleConfig {
    /// The keys that hold something back.
    pub(super) fn keys(&self) -> impl Iterator<Item = &'static str> {
        let denied = matches!(self.denied, Some(Denied::Plainly(true) | Denied::With(_)));
        let keys = [
            ("hidden", self.hidden),
            ("denied", denied),
            ("rate", self.rate.is_some()),
            ("rate-in-all", self.rate_in_all.is_some()),
            ("concurrency", self.concurrency.is_some()),
            ("concurrency-in-all", self.concurrency_in_all.is_some()),
            ("time-limit", self.time_limit.is_some()),
        ];
        keys.into_iter().filter(|(_, set)| *set).map(|(key, _)| key)
    }

    fn rule(&self, key: &dyn Fn(&str) -> String) -> Result<Rule, Failure> {
        let mut rule = Rule::new();
        if self.hidden {
            rule = rule.hidden();
        }
        match &self.denied {
            Some(Denied::Plainly(true)) => rule = rule.denied(),
            Some(Denied::With(why)) => rule = rule.denied_with(why),
            Some(Denied::Plainly(false)) | None => {}
        }
        if let Some(text) = &self.rate {
            rule = rule.rate(rate(&key("rate"), text)?);
        }
        if let Some(text) = &self.rate_in_all {
            rule = rule.rate_in_all(rate(&key("rate-in-all"), text)?);
        }
        if let Some(most) = self.concurrency {
            rule = rule.concurrency(positive(&key("concurrency"), most, DENIED)?);
        }
        if let Some(most) = self.concurrency_in_all {
            rule = rule.concurrency_in_all(positive(&key("concurrency-in-all"), most, DENIED)?);
        }
        if let Some(text) = &self.time_limit {
            rule = rule.time_limit(duration(&key("time-limit"), text)?);
        }
        Ok(rule)
    }
}

/// Where a key stands, for what is said of it.
pub(super) struct Place<'a> {
    pub(super) file: Option<&'a Path>,
    /// `upstream.`, or nothing.
    pub(super) within: &'static str,
}

impl Place<'_> {
    pub(super) fn key(&self, table: &str, key: &str) -> String {
        let within = self.within;
        match self.file {
            Some(file) => format!("{}: [{within}{table}] {key}", file.display()),
            None => format!("[{within}{table}] {key}"),
        }
    }
}

pub(super) fn rate(key: &str, text: &str) -> Result<Rate, Failure> {
    let parsed: Result<Rate, _> = text.parse();
    parsed.map_err(|error| Failure::usage(format!("{key}: {text:?}: {error}")))
}

const DENIED: &str = "leave it out for no limit, or write denied = true";

pub(super) fn positive(key: &str, number: u32, hint: &str) -> Result<u32, Failure> {
    match number {
        0 => Err(Failure::usage(format!("{key}: 0 would let nothing through")).hint(hint)),
        number => Ok(number),
    }
}

pub(super) fn duration(key: &str, text: &str) -> Result<Duration, Failure> {
    match humantime::parse_duration(text) {
        Ok(time) if !time.is_zero() => Ok(time),
        _ => Err(Failure::usage(format!("{key}: {text:?} is no duration"))
            .hint("write one such as 30s, 500ms or 5m")),
    }
}
