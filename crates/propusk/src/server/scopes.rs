//! Scopes declared beside a tool.

use rmcp::model::{JsonObject, MetaObject, Tool};
use serde_json::Value;

use crate::{Scope, ScopeSet};

/// Where a declaration stands in a tool's `_meta`.
const KEY: &str = "propusk/scopes";

/// Declares the scopes that a tool needs: `#[tool(description = "…", meta = scopes(["notes:write"]))]`.
///
/// # Panics
/// Where one contains a character that RFC 6749 forbids. The list is part of the program, and a
/// scope that silently went missing would open the tool.
#[must_use]
pub fn scopes<const N: usize>(names: [&str; N]) -> MetaObject {
    let declared: Vec<Value> = names
        .iter()
        .map(|name| match Scope::parse(name) {
            Ok(scope) => Value::from(scope.as_str()),
            Err(error) => panic!("scopes([…]) beside a tool: {error}"),
        })
        .collect();
    let mut meta = JsonObject::new();
    meta.insert(KEY.to_owned(), Value::Array(declared));
    MetaObject(meta)
}

/// The scopes that a tool declares in its listing; for clients that show them.
#[must_use]
pub fn declared_scopes(tool: &Tool) -> ScopeSet {
    let declared = tool
        .meta
        .as_ref()
        .and_then(|meta| meta.get(KEY))
        .and_then(Value::as_array);
    declared
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .filter_map(|name| Scope::parse(name).ok())
        .collect()
}
