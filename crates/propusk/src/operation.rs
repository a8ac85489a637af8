//! What is asked.

use std::{fmt, str::FromStr};

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

/// As [`Display`](fmt::Display) writes it.
impl FromStr for Operation {
    type Err = InvalidOperation;

    fn from_str(text: &str) -> Result<Self, InvalidOperation> {
        if text == "request" {
            return Ok(Self::Request);
        }
        let (method, target) = match text.split_once(':') {
            Some((method, target)) => (method, Some(target)),
            None => (text, None),
        };
        let named = |c: char| c.is_ascii_alphanumeric() || "/_-$.".contains(c);
        if method.is_empty() || !method.chars().all(named) || target == Some("") {
            return Err(InvalidOperation);
        }
        Ok(Self::Method {
            method: method.to_owned(),
            target: target.map(str::to_owned),
        })
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
    fn an_operation_is_read_as_it_is_written() {
        for text in [
            "request",
            "tools/list",
            "tools/call:echo",
            "resources/read:file:///a b",
        ] {
            let parsed: Operation = text.parse().expect(text);
            assert_eq!(parsed.to_string(), text);
        }
        for text in ["", ":echo", "tools/call:", "tools call"] {
            assert_eq!(text.parse::<Operation>(), Err(InvalidOperation), "{text}");
        }
    }
}
