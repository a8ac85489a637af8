//! What is asked.

use std::{fmt, str::FromStr};

use crate::Requirement;

/// What a request asks for, as far as it is known.
///
/// Before anybody reads the body only [`Operation::Request`] is known; then the operation is built
/// from exactly the values that the handler will get.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Operation {
    /// Any HTTP request to the endpoint; its body has not been read.
    Request,
    /// Who the caller is, as the endpoint tells it at the path `/caller` below its own. It is no
    /// message of MCP, and no [`ScopePolicy`](crate::ScopePolicy) is about it.
    Caller,
    /// A JSON-RPC method, with what it acts upon.
    Method {
        /// The method, such as `tools/call`.
        method: String,
        /// The tool, the prompt, the resources; most methods have none.
        targets: Vec<Target>,
    },
}

/// What a method acts upon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    kind: TargetKind,
    name: String,
    declared: Option<Requirement>,
}

/// The kinds of [`Target`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TargetKind {
    /// A tool, by its name.
    Tool,
    /// A prompt, by its name.
    Prompt,
    /// A resource, by its URI (or the URI template that a completion refers to).
    Resource,
    /// A task, by its id.
    Task,
}

impl Operation {
    /// The methods with which a client asks something, and the notifications that it sends: those of
    /// 2026-07-28, of 2025-11-25, and of their extensions for tasks and skills.
    pub const KNOWN_METHODS: &'static [&'static str] = &[
        "initialize",
        "server/discover",
        "ping",
        "tools/list",
        "tools/call",
        "prompts/list",
        "prompts/get",
        "resources/list",
        "resources/templates/list",
        "resources/read",
        "resources/directory/read",
        "resources/subscribe",
        "resources/unsubscribe",
        "subscriptions/listen",
        "completion/complete",
        "logging/setLevel",
        "skills/list",
        "skills/get",
        "tasks/list",
        "tasks/get",
        "tasks/result",
        "tasks/update",
        "tasks/cancel",
        "notifications/initialized",
        "notifications/cancelled",
        "notifications/progress",
        "notifications/roots/list_changed",
    ];

    /// A method that acts upon nothing that has a name.
    #[must_use]
    pub fn method(method: impl Into<String>) -> Self {
        Self::on(method, [])
    }

    /// A method with what it acts upon.
    #[must_use]
    pub fn on(method: impl Into<String>, targets: impl IntoIterator<Item = Target>) -> Self {
        Self::Method {
            method: method.into(),
            targets: targets.into_iter().collect(),
        }
    }

    /// A call of the tool with this name.
    #[must_use]
    pub fn tool(name: impl Into<String>) -> Self {
        Self::on("tools/call", [Target::new(TargetKind::Tool, name)])
    }

    /// Getting the prompt with this name.
    #[must_use]
    pub fn prompt(name: impl Into<String>) -> Self {
        Self::on("prompts/get", [Target::new(TargetKind::Prompt, name)])
    }

    /// Reading the resource with this URI.
    #[must_use]
    pub fn resource(uri: impl Into<String>) -> Self {
        Self::on("resources/read", [Target::new(TargetKind::Resource, uri)])
    }

    /// The same method with another name, URI or id of its first target.
    #[cfg(feature = "server")]
    pub(crate) fn retarget(&mut self, name: &str, declared: Option<Requirement>) {
        if let Self::Method { targets, .. } = self
            && let Some(target) = targets.first_mut()
        {
            target.name.clear();
            target.name.push_str(name);
            target.declared = declared;
        }
    }

    /// Looks up what the handler itself declares for each target.
    #[must_use]
    pub fn declaring(mut self, declared: impl Fn(&Target) -> Option<Requirement>) -> Self {
        if let Self::Method { targets, .. } = &mut self {
            for target in targets {
                target.declared = declared(target);
            }
        }
        self
    }
}

impl Target {
    /// Something of this kind, by its name, URI or id.
    #[must_use]
    pub fn new(kind: TargetKind, name: impl Into<String>) -> Self {
        Self {
            kind,
            name: name.into(),
            declared: None,
        }
    }

    /// Which kind of thing it is.
    #[must_use]
    pub fn kind(&self) -> TargetKind {
        self.kind
    }

    /// The name, URI or id.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    #[cfg(feature = "server")]
    pub(crate) fn declare(&mut self, declared: Option<Requirement>) {
        self.declared = declared;
    }

    /// The scopes that the handler declares for it; `None` where it declares nothing.
    #[must_use]
    pub fn declared(&self) -> Option<&Requirement> {
        self.declared.as_ref()
    }
}

impl TargetKind {
    /// What a method acts upon, where it always is of one kind. The methods are those of
    /// 2026-07-28, 2025-11-25 and their extensions for tasks and skills.
    #[must_use]
    pub fn of_method(method: &str) -> Option<Self> {
        Some(match method {
            "tools/call" => Self::Tool,
            "prompts/get" => Self::Prompt,
            "resources/read"
            | "resources/subscribe"
            | "resources/unsubscribe"
            | "resources/directory/read"
            | "skills/get" => Self::Resource,
            "tasks/get" | "tasks/result" | "tasks/update" | "tasks/cancel" => Self::Task,
            _ => return None,
        })
    }
}

/// `request`, `caller`, `tools/list`, `tools/call:echo` or `subscriptions/listen:a://1,a://2`.
impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (method, targets) = match self {
            Self::Request => return f.write_str("request"),
            Self::Caller => return f.write_str("caller"),
            Self::Method { method, targets } => (method, targets),
        };
        f.write_str(method)?;
        for (index, target) in targets.iter().enumerate() {
            f.write_str(if index == 0 { ":" } else { "," })?;
            f.write_str(&target.name)?;
        }
        Ok(())
    }
}

/// The inverse of `Display` for one target. What a completion refers to is taken for a resource
/// where it looks like a URI.
impl FromStr for Operation {
    type Err = InvalidOperation;

    fn from_str(text: &str) -> Result<Self, InvalidOperation> {
        match text {
            "request" => return Ok(Self::Request),
            "caller" => return Ok(Self::Caller),
            _ => {}
        }
        let (method, name) = match text.split_once(':') {
            Some((method, name)) => (method, Some(name)),
            None => (text, None),
        };
        let named = |c: char| c.is_ascii_alphanumeric() || "/_-$.".contains(c);
        if method.is_empty() || !method.chars().all(named) || name == Some("") {
            return Err(InvalidOperation);
        }
        let Some(name) = name else {
            return Ok(Self::method(method));
        };
        let kind = TargetKind::of_method(method).unwrap_or(match method {
            "completion/complete" if !name.contains("://") => TargetKind::Prompt,
            _ => TargetKind::Resource,
        });
        Ok(Self::on(method, [Target::new(kind, name)]))
    }
}

/// A text that names no operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no operation: write a method, and a name after a colon, such as tools/call:echo")]
pub struct InvalidOperation;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_that_acts_upon_something_is_known() {
        for method in Operation::KNOWN_METHODS {
            let named = format!("{method}:x").parse::<Operation>();
            assert!(named.is_ok(), "{method}");
        }
        let acts = |method: &&&str| TargetKind::of_method(method).is_some();
        assert_eq!(Operation::KNOWN_METHODS.iter().filter(acts).count(), 11);
    }

    #[test]
    fn an_operation_reads_as_it_is_written() {
        for (operation, text) in [
            (Operation::Request, "request"),
            (Operation::Caller, "caller"),
            (Operation::method("tools/list"), "tools/list"),
            (Operation::tool("a:b"), "tools/call:a:b"),
            (Operation::prompt("p"), "prompts/get:p"),
            (Operation::resource("file:///x"), "resources/read:file:///x"),
        ] {
            assert_eq!(operation.to_string(), text);
            assert_eq!(text.parse(), Ok(operation), "{text}");
        }
        for text in ["", ":echo", "tools/call:", "tools call"] {
            assert_eq!(text.parse::<Operation>(), Err(InvalidOperation), "{text}");
        }
    }
}
