//! What the suite says about a run.

use std::env;

use anyhow::Context as _;
use serde_json::{Value, json};

/// The variables of one run.
pub(crate) struct Context {
    pub(crate) scenario: String,
    pub(crate) revision: String,
    /// What the client has been given: ids, secrets, keys, calls to make.
    given: Value,
}

impl Context {
    pub(crate) fn read() -> anyhow::Result<Self> {
        let variable = |name: &str| env::var(name).with_context(|| name.to_owned());
        let given = match env::var("MCP_CONFORMANCE_CONTEXT") {
            Ok(text) => serde_json::from_str(&text).context("MCP_CONFORMANCE_CONTEXT")?,
            Err(_) => json!({}),
        };
        Ok(Self {
            scenario: variable("MCP_CONFORMANCE_SCENARIO")?,
            revision: variable("MCP_CONFORMANCE_PROTOCOL_VERSION")?,
            given,
        })
    }

    /// A text that the client has been given.
    pub(crate) fn text(&self, name: &str) -> anyhow::Result<&str> {
        let text = self.given[name].as_str();
        text.with_context(|| format!("the context of {} has no {name}", self.scenario))
    }

    /// The calls that the client is to make: name and arguments.
    pub(crate) fn calls(&self) -> Vec<(String, Value)> {
        let calls = self.given["toolCalls"].as_array();
        let call = |call: &Value| Some((call["name"].as_str()?.into(), call["arguments"].clone()));
        calls.into_iter().flatten().filter_map(call).collect()
    }
}
