//! Which scopes which operation needs, by name and by pattern.

use std::convert::Infallible;

use crate::{
    InvalidScope, Operation, Requirement, Target, TargetKind, declared_map::DeclaredMap,
    glob::Glob, patterns::Patterns, spelling,
};

/// Rules about tools, prompts, resources and methods, for a handler that cannot be edited or does
/// not want to declare its scopes itself.
///
/// ```
/// use propusk::{Requirement, ScopePolicy};
///
/// let policy = ScopePolicy::new()
///     .tool("notes_add", "notes:write")?
///     .tool("admin_*", Requirement::any_of(["admin", "ops audit"])?)?
///     .prompt("review", "code:read")?
///     .resource("file:///private/*", "files:private")?
///     .method("tasks/*", "tasks")?
///     .otherwise("mcp:everything")?;
/// # Ok::<(), propusk::InvalidScope>(())
/// ```
///
/// # Which rules apply
///
/// * All that match must be met, the handler's own declaration (`meta = scopes([…])`) and the
///   server-wide scopes among them: no rule takes back what another asks for.
/// * `*` in a name stands for any characters. Names compare exactly, with case.
/// * The default applies to a tool, a prompt or a resource that no rule and no declaration names,
///   and to any other method that no rule names, also one that is not known today. A rule that asks
///   for nothing (`.tool("echo", "")`) names it too and so exempts it. Never under the default are
///   the methods that every client needs to get to know a server: `initialize`, `server/discover`,
///   `ping`, `subscriptions/listen`, the lists (their results are filtered) and the notifications
///   of the protocol itself. A rule about the method binds those too.
/// * A completion needs what the prompt or resource that it refers to needs, and a subscription
///   what reading each of its resources needs.
/// * A rule about a URI sees it as it was sent and in its normal form (`file:///a/../b` is
///   `file:///b`). A handler that takes still other spellings for the same resource is better
///   protected by a default.
#[derive(Debug, Clone, Default)]
pub struct ScopePolicy {
    tools: Rules,
    prompts: Rules,
    resources: Rules,
    methods: Rules,
    default: Option<Requirement>,
    /// Those that must be met too, each with its own default.
    beside: Vec<ScopePolicy>,
}

impl ScopePolicy {
    /// No rules.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Says what calling the tool with this name or pattern needs.
    ///
    /// # Errors
    /// [`InvalidScope`] where a scope contains a character that RFC 6749 forbids.
    pub fn tool<R>(mut self, name: &str, needs: R) -> Result<Self, InvalidScope>
    where
        R: TryInto<Requirement>,
        InvalidScope: From<R::Error>,
    {
        self.tools.add(name, needs.try_into()?);
        Ok(self)
    }

    /// Says what getting the prompt with this name or pattern needs.
    ///
    /// # Errors
    /// [`InvalidScope`] where a scope contains a character that RFC 6749 forbids.
    pub fn prompt<R>(mut self, name: &str, needs: R) -> Result<Self, InvalidScope>
    where
        R: TryInto<Requirement>,
        InvalidScope: From<R::Error>,
    {
        self.prompts.add(name, needs.try_into()?);
        Ok(self)
    }

    /// Says what reading the resource with this URI or pattern needs.
    ///
    /// # Errors
    /// [`InvalidScope`] where a scope contains a character that RFC 6749 forbids.
    pub fn resource<R>(mut self, uri: &str, needs: R) -> Result<Self, InvalidScope>
    where
        R: TryInto<Requirement>,
        InvalidScope: From<R::Error>,
    {
        self.resources.add_resource(uri, &needs.try_into()?);
        Ok(self)
    }

    /// Says what this JSON-RPC method, or all of this pattern, need; `tools/call` among them.
    ///
    /// # Errors
    /// [`InvalidScope`] where a scope contains a character that RFC 6749 forbids.
    pub fn method<R>(mut self, method: &str, needs: R) -> Result<Self, InvalidScope>
    where
        R: TryInto<Requirement>,
        InvalidScope: From<R::Error>,
    {
        self.methods.add(method, needs.try_into()?);
        Ok(self)
    }

    /// Says what everything needs that no rule and no declaration names; with
    /// [`Requirement::never`] it is closed.
    ///
    /// # Errors
    /// [`InvalidScope`] where a scope contains a character that RFC 6749 forbids.
    pub fn otherwise<R>(mut self, needs: R) -> Result<Self, InvalidScope>
    where
        R: TryInto<Requirement>,
        InvalidScope: From<R::Error>,
    {
        self.default = Some(needs.try_into()?);
        Ok(self)
    }

    /// Both: what either asks for is needed. The default of each is for what it does not name itself,
    /// so that no rule of one exempts from the default of the other.
    #[must_use]
    pub fn and(mut self, mut other: Self) -> Self {
        if other.is_empty() {
            return self;
        }
        if self.is_empty() {
            return other;
        }
        self.beside.append(&mut other.beside);
        self.beside.push(other);
        self
    }

    /// Whether there is no rule and no default.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let rules = [&self.tools, &self.prompts, &self.resources, &self.methods];
        self.default.is_none()
            && rules.iter().all(|rules| rules.is_empty())
            && self.beside.is_empty()
    }

    /// Adds all that this operation needs, but for the server-wide scopes.
    pub(crate) fn collect<'a>(
        &'a self,
        operation: &'a Operation,
        needs: &mut Vec<&'a Requirement>,
    ) {
        let Operation::Method { method, targets } = operation else {
            return;
        };
        let before = needs.len();
        self.methods.collect(method, needs);
        let named = needs.len() > before;
        let mut judged_by_name = false;
        for target in targets {
            if let Some(rules) = self.rules(target.kind()) {
                judged_by_name = true;
                self.collect_target(rules, target, needs);
            }
        }
        if !judged_by_name && !named && !Operation::TO_GET_ACQUAINTED.contains(&method.as_str()) {
            needs.extend(&self.default);
        }
        for policy in &self.beside {
            policy.collect(operation, needs);
        }
    }

    fn collect_target<'a>(
        &'a self,
        rules: &'a Rules,
        target: &'a Target,
        needs: &mut Vec<&'a Requirement>,
    ) {
        let mut see = |name: &str| {
            let before = needs.len();
            rules.collect(name, needs);
            needs.extend(target.declared());
            if needs.len() == before {
                needs.extend(&self.default);
            }
        };
        see(target.name());
        if target.kind() == TargetKind::Resource && !(rules.is_empty() && self.default.is_none()) {
            let normal = spelling::normal(target.name());
            if normal != target.name() {
                see(&normal);
            }
        }
    }

    fn rules(&self, kind: TargetKind) -> Option<&Rules> {
        match kind {
            TargetKind::Tool => Some(&self.tools),
            TargetKind::Prompt => Some(&self.prompts),
            TargetKind::Resource => Some(&self.resources),
            TargetKind::Task => None,
        }
    }
}

/// So that a [`Requirement`] can stand where a text can.
impl From<Infallible> for InvalidScope {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

/// Rules of one kind, looked up so that their number does not matter.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rules {
    exact: DeclaredMap<Box<str>, Requirement>,
    patterns: Patterns<Requirement>,
}

impl Rules {
    pub(crate) fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.patterns.is_empty()
    }

    fn add(&mut self, name: &str, needs: Requirement) {
        match Glob::parse(name) {
            Some(pattern) => self.patterns.add(pattern, needs),
            None => {
                let known = self.exact.entry(name.into()).or_default();
                *known = std::mem::take(known).and(needs);
            }
        }
    }

    fn add_resource(&mut self, uri: &str, needs: &Requirement) {
        self.add(uri, needs.clone());
        let normal = spelling::normal(uri);
        if normal != uri {
            self.add(&normal, needs.clone());
        }
    }

    fn collect<'a>(&'a self, name: &str, needs: &mut Vec<&'a Requirement>) {
        if !self.exact.is_empty() {
            needs.extend(self.exact.get(name));
        }
        if !self.patterns.is_empty() {
            needs.extend(self.patterns.about(name));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ScopeHierarchy, ScopeSet};

    /// What somebody without scopes is told.
    fn named(policy: &ScopePolicy, operation: &Operation) -> String {
        let mut needs = Vec::new();
        policy.collect(operation, &mut needs);
        let (nothing, flat) = (ScopeSet::default(), ScopeHierarchy::default());
        let mut named = ScopeSet::default();
        match needs.iter().all(|r| r.name(&nothing, &flat, &mut named)) {
            true => named.to_string(),
            false => "never".to_owned(),
        }
    }

    #[test]
    fn all_matching_rules_must_be_met_and_the_default_is_for_the_unnamed() {
        let policy = ScopePolicy::new()
            .tool("notes_add", "notes:write")
            .and_then(|p| p.tool("notes_add", "audit"))
            .and_then(|p| p.tool("notes_*", "notes"))
            .and_then(|p| p.tool("echo", ""))
            .and_then(|p| p.tool("either", Requirement::any_of(["a", "b"])?))
            .and_then(|p| p.tool("shut", Requirement::never()))
            .and_then(|p| p.prompt("review", "code"))
            .and_then(|p| p.resource("file:///private/*", "private"))
            .and_then(|p| p.resource("file:///public/*", ""))
            .and_then(|p| p.resource("file:///a%20b", "ab"))
            .and_then(|p| p.method("tasks/*", "tasks"))
            .and_then(|p| p.method("prompts/get", "prompts"))
            .and_then(|p| p.method("tools/list", "lists"))
            .and_then(|p| p.otherwise("other"))
            .expect("scopes");
        let declared = |operation: Operation, scopes: &str| {
            operation.declaring(|_| Requirement::all_of(scopes).ok())
        };
        let refers =
            |kind, name: &str| Operation::on("completion/complete", [Target::new(kind, name)]);
        let listen = |uris: &[&str]| {
            let targets = uris
                .iter()
                .map(|uri| Target::new(TargetKind::Resource, *uri));
            Operation::on("subscriptions/listen", targets)
        };
        #[rustfmt::skip]
        let table = [
            (Operation::Request, ""),
            (Operation::Caller, ""),
            (Operation::tool("notes_add"), "audit notes notes:write"),
            (Operation::tool("notes_list"), "notes"),
            (Operation::tool("Notes_add"), "other"),
            (Operation::tool("notes_add\0"), "notes"),
            (Operation::tool("echo"), ""),
            (Operation::tool("either"), "a"),
            (Operation::tool("shut"), "never"),
            (Operation::tool("unnamed"), "other"),
            (declared(Operation::tool("unnamed"), "own"), "own"),
            (declared(Operation::tool("unnamed"), ""), ""),
            (declared(Operation::tool("echo"), "own"), "own"),
            (Operation::prompt("review"), "code prompts"),
            (Operation::prompt("other"), "other prompts"),
            (Operation::resource("file:///private/x"), "private"),
            (Operation::resource("file:///public/x"), ""),
            (Operation::resource("file:///public/../private/x"), "private"),
            (Operation::resource("file:///public/%2E%2e/x"), "other"),
            (Operation::resource("file:///%70rivate/x"), "other private"),
            (Operation::resource("file:///a%20b"), "ab"),
            (Operation::resource("file:///a b"), "ab"),
            (refers(TargetKind::Prompt, "review"), "code"),
            (refers(TargetKind::Resource, "file:///private/{x}"), "private"),
            (listen(&[]), ""),
            (listen(&["file:///public/x", "file:///private/x"]), "private"),
            ("tasks/get:1".parse().expect("any"), "tasks"),
            (Operation::method("tasks/list"), "tasks"),
            (Operation::method("tools/list"), "lists"),
            (Operation::method("prompts/list"), ""),
            (Operation::method("initialize"), ""),
            (Operation::method("notifications/cancelled"), ""),
            (Operation::method("notifications/custom"), "other"),
            (Operation::method("logging/setLevel"), "other"),
            (Operation::method("future/method"), "other"),
            (Operation::method("Tools/list"), "other"),
        ];
        for (operation, expected) in table {
            assert_eq!(named(&policy, &operation), expected, "{operation}");
        }
        let open = ScopePolicy::new();
        assert!(open.is_empty() && !policy.is_empty());
        assert_eq!(named(&open, &Operation::tool("x")), "");
        assert_eq!(named(&open, &declared(Operation::tool("x"), "own")), "own");
    }

    #[test]
    fn of_two_policies_both_must_be_met_with_the_default_of_each() {
        let of = |tool: &str, needs: &str, default: Option<&str>| {
            let policy = ScopePolicy::new().tool(tool, needs).expect("scopes");
            match default {
                Some(needs) => policy.otherwise(needs).expect("scopes"),
                None => policy,
            }
        };
        let both = of("a", "one", Some("first")).and(of("a", "two", None));
        let three = both.clone().and(of("b", "three", Some("third")));
        for (policy, operation, expected) in [
            (&both, "tools/call:a", "one two"),
            (&both, "tools/call:b", "first"),
            (&both, "tools/list", ""),
            (&three, "tools/call:a", "one third two"),
            (&three, "tools/call:b", "first three"),
            (&three, "logging/setLevel", "first third"),
        ] {
            let operation = operation.parse().expect("an operation");
            assert_eq!(named(policy, &operation), expected, "{operation}");
        }
        let open = ScopePolicy::new();
        assert!(open.clone().and(open.clone()).is_empty());
        assert!(!open.clone().and(both.clone()).is_empty());
        let same = both.and(open);
        assert_eq!(named(&same, &Operation::tool("a")), "one two");
    }
}
