//! Headers that repeat what is in the body (MCP 2026-07-28, standard and custom request headers). The
//! body was decided about; whoever behind the gate goes by the headers must come to the same.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue};
use propusk::{Operation, layer::ReadMessage};
use serde::Deserialize;
use serde_json::Value;

const METHOD: HeaderName = HeaderName::from_static("mcp-method");
const NAME: HeaderName = HeaderName::from_static("mcp-name");
const PARAM: &str = "mcp-param-";

/// A header says something else than the body.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mismatch(pub(super) String);

/// Compares headers with the message. One that there is nothing to compare with is taken away.
///
/// Which argument a `Mcp-Param-*` repeats is in the schema of the tool, which the gate does not know:
/// its value must be one of the arguments, and which one is for the upstream to check.
pub(super) fn compare(
    headers: &mut HeaderMap,
    message: Option<&ReadMessage>,
    body: &[u8],
) -> Result<(), Mismatch> {
    let operation = message.and_then(ReadMessage::operation);
    let Some(Operation::Method { method, targets }) = operation else {
        headers.remove(METHOD);
        headers.remove(NAME);
        remove_params(headers);
        return Ok(());
    };
    if let Some(value) = headers.get(METHOD)
        && value.as_bytes() != method.as_bytes()
    {
        return Err(differs(&METHOD));
    }
    match &targets[..] {
        [target] if method != "completion/complete" && method != "subscriptions/listen" => {
            if let Some(value) = headers.get(NAME)
                && decoded(value).as_deref() != Some(target.name())
            {
                return Err(differs(&NAME));
            }
        }
        _ => drop(headers.remove(NAME)),
    }
    match method.as_str() {
        "tools/call" => compare_params(headers, body),
        _ => {
            remove_params(headers);
            Ok(())
        }
    }
}

fn compare_params(headers: &HeaderMap, body: &[u8]) -> Result<(), Mismatch> {
    let mut params = headers.keys().filter(|name| is_param(name)).peekable();
    if params.peek().is_none() {
        return Ok(());
    }
    let arguments = serde_json::from_slice::<Call>(body);
    let arguments = arguments.map(|call| call.params.arguments);
    for name in params {
        let mut values = headers.get_all(name).iter();
        let (Some(value), None, Ok(arguments)) = (values.next(), values.next(), &arguments) else {
            return Err(differs(name));
        };
        let is_there = decoded(value).is_some_and(|text| has(arguments, &text));
        if !is_there {
            return Err(differs(name));
        }
    }
    Ok(())
}

#[derive(Deserialize)]
struct Call {
    params: Params,
}

#[derive(Deserialize)]
struct Params {
    #[serde(default)]
    arguments: Value,
}

/// Whether one of these arguments, as deep as it may be, reads so.
fn has(arguments: &Value, text: &str) -> bool {
    match arguments {
        Value::Null => false,
        Value::Bool(value) => text == if *value { "true" } else { "false" },
        Value::Number(value) => text == value.to_string(),
        Value::String(value) => text == value,
        Value::Array(items) => items.iter().any(|item| has(item, text)),
        Value::Object(members) => members.values().any(|member| has(member, text)),
    }
}

fn is_param(name: &HeaderName) -> bool {
    name.as_str().starts_with(PARAM)
}

fn remove_params(headers: &mut HeaderMap) {
    let params: Vec<_> = headers
        .keys()
        .filter(|name| is_param(name))
        .cloned()
        .collect();
    for name in params {
        headers.remove(name);
    }
}

/// What a value stands for: what is no plain ASCII comes in base64.
fn decoded(value: &HeaderValue) -> Option<String> {
    let text = value.to_str().ok()?;
    let inner = text.strip_prefix("=?base64?");
    match inner.and_then(|inner| inner.strip_suffix("?=")) {
        Some(inner) => String::from_utf8(BASE64_STANDARD.decode(inner).ok()?).ok(),
        None => Some(text.to_owned()),
    }
}

fn differs(name: &HeaderName) -> Mismatch {
    Mismatch(format!(
        "Header mismatch: {name} does not say what the body says."
    ))
}
