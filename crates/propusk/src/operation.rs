//! What is asked.

use std::fmt;

/// What a request asks for, as far as it is known.
///
/// The layer decides before anybody reads the body, when only [`Operation::Request`] is known; a
/// handler decides again on exactly the value that it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Operation {
    /// Any HTTP request to the endpoint; its body has not been read.
    Request,
    /// A JSON-RPC method, with the tool's or prompt's name or the resource's URI where it has one.
    Method {
        /// The method, such as `tools/call`.
        method: String,
        /// The name or URI, such as `echo`.
        target: Option<String>,
    },
}

impl Operation {
    /// A call of the tool with this name.
    #[must_use]
    pub fn tool(name: impl Into<String>) -> Self {
        Self::Method {
            method: "tools/call".to_owned(),
            target: Some(name.into()),
        }
    }
}

/// `request`, `tools/list` or `tools/call:echo`.
impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request => f.write_str("request"),
            Self::Method {
                method,
                target: None,
            } => f.write_str(method),
            Self::Method {
                method,
                target: Some(target),
            } => write!(f, "{method}:{target}"),
        }
    }
}
