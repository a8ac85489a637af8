//! Scopes declared beside a tool, a prompt or a resource.

use rmcp::model::{JsonObject, MetaObject, Tool};
use serde_json::{Value, json};

use crate::{Requirement, Scope, ScopeSet, layer::something_is_declared};

/// Where a declaration stands in the `_meta` of a definition.
pub(super) const SCOPES: &str = "propusk/scopes";

/// Where a list that shows everything says what its caller lacks.
pub(super) const MISSING: &str = "propusk/missing-scopes";

/// The member of a declaration with alternatives.
const ANY_OF: &str = "anyOf";

/// Declares the scopes that a tool, a prompt or a resource needs, in its `_meta`:
///
/// * `#[tool(description = "…", meta = scopes(["notes:write"]))]`, the same with `#[prompt(…)]`;
/// * `meta = scopes(any_of(["notes:admin", "notes:read notes:write"]))` with alternatives;
/// * `Resource::new(uri, name).with_meta(scopes(["files:read"]))`.
///
/// `scopes([])` says that it needs none, which also takes it out of the
/// [default](crate::ScopePolicy::otherwise). [`Server`](crate::Server) and [`Guard`](super::Guard)
/// enforce it.
///
/// # Panics
/// Where one contains a character that RFC 6749 forbids. The list is part of the program, and a
/// scope that silently went missing would open the tool.
#[must_use]
pub fn scopes(needs: impl Into<Declaration>) -> MetaObject {
    something_is_declared();
    let mut meta = JsonObject::new();
    meta.insert(SCOPES.to_owned(), needs.into().0);
    MetaObject(meta)
}

/// Alternatives for [`scopes`], each a space-separated list of scopes that are all needed.
///
/// # Panics
/// As [`scopes`].
#[must_use]
pub fn any_of<const N: usize>(alternatives: [&str; N]) -> Declaration {
    let set = |text: &&str| match ScopeSet::parse(text) {
        Ok(set) => array(&set),
        Err(error) => panic!("any_of([…]) beside a tool: {error}"),
    };
    let sets: Vec<Value> = alternatives.iter().map(set).collect();
    Declaration(json!({ ANY_OF: sets }))
}

/// What [`scopes`] takes: a list of scopes that are all needed, or [`any_of`].
#[derive(Debug, Clone)]
pub struct Declaration(Value);

impl<const N: usize> From<[&str; N]> for Declaration {
    fn from(names: [&str; N]) -> Self {
        let all = names.iter().map(|name| match Scope::parse(name) {
            Ok(scope) => scope,
            Err(error) => panic!("scopes([…]) beside a tool: {error}"),
        });
        Self(array(&all.collect()))
    }
}

/// The scopes that a tool shows in a list; for clients that display them. Of alternatives it is the
/// one that the caller of the list is nearest to.
#[must_use]
pub fn declared_scopes(tool: &Tool) -> ScopeSet {
    shown(tool, SCOPES).unwrap_or_default()
}

/// The scopes that the caller of a list lacks for a tool, where it may not use it and the server
/// shows it all the same ([`show_all`](crate::AuthSettings::show_all)). None in it: no scope would
/// help.
#[must_use]
pub fn missing_scopes(tool: &Tool) -> Option<ScopeSet> {
    shown(tool, MISSING)
}

fn shown(tool: &Tool, key: &str) -> Option<ScopeSet> {
    let names = tool.meta.as_ref()?.get(key)?.as_array()?;
    let names = names.iter().filter_map(Value::as_str);
    Some(names.filter_map(|name| Scope::parse(name).ok()).collect())
}

/// What a definition declares, as it is written.
pub(super) fn written_in(meta: Option<&MetaObject>) -> Option<&Value> {
    meta?.get(SCOPES)
}

/// What a written declaration means. One that is not understood closes what it stands beside.
pub(super) fn meaning(declared: &Value) -> Requirement {
    let sets = match declared.get(ANY_OF) {
        Some(alternatives) => alternatives
            .as_array()
            .and_then(|sets| sets.iter().map(set_of).collect()),
        None => set_of(declared).map(|set| vec![set]),
    };
    sets.map_or_else(Requirement::never, Requirement::from_alternatives)
}

fn set_of(array: &Value) -> Option<ScopeSet> {
    let scope = |name: &Value| Scope::parse(name.as_str()?).ok();
    array.as_array()?.iter().map(scope).collect()
}

/// Whether this is how [`array`] would write these scopes.
pub(super) fn is_array_of(written: &Value, scopes: &ScopeSet) -> bool {
    let names = scopes.iter().map(|scope| Some(scope.as_str()));
    written
        .as_array()
        .is_some_and(|written| written.iter().map(Value::as_str).eq(names))
}

pub(super) fn array(scopes: &ScopeSet) -> Value {
    scopes.iter().map(Scope::as_str).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared_in(meta: Option<&MetaObject>) -> Option<Requirement> {
        written_in(meta).map(meaning)
    }

    #[test]
    fn scopes_are_written_in_their_order() {
        let set = ScopeSet::parse("a b").expect("scopes");
        assert!(is_array_of(&array(&set), &set));
        for other in [
            json!(["b", "a"]),
            json!(["a"]),
            json!(["a", "b", "c"]),
            json!("a b"),
            json!(["a", 1]),
        ] {
            assert!(!is_array_of(&other, &set), "{other}");
        }
    }

    #[test]
    fn a_declaration_says_what_is_needed_or_closes() {
        let meta = |value: Value| MetaObject(JsonObject::from_iter([(SCOPES.to_owned(), value)]));
        let needs = |meta: &MetaObject| declared_in(Some(meta)).expect("declared").to_string();
        #[rustfmt::skip]
        let table = [
            (scopes([]), ""),
            (scopes(["b", "a"]), "a b"),
            (scopes(any_of(["a", "c b"])), "a or b c"),
            (scopes(any_of(["a", ""])), ""),
            (meta(json!("a")), "nobody may"),
            (meta(json!(["a b"])), "nobody may"),
            (meta(json!(["a", 5])), "nobody may"),
            (meta(json!({ "anyOf": ["a"] })), "nobody may"),
            (meta(json!({ "allOf": [["a"]] })), "nobody may"),
            (meta(json!(null)), "nobody may"),
        ];
        for (declared, expected) in table {
            assert_eq!(needs(&declared), expected, "{declared:?}");
        }
        assert_eq!(declared_in(None), None);
        assert_eq!(declared_in(Some(&MetaObject::default())), None);
    }
}
