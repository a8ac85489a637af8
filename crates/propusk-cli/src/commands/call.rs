//! `propusk call`.

use std::process::ExitCode;

use serde_json::{Map, Value};

use super::{connect::connect, result};
use crate::{
    args::{CallArgs, JsonArgument},
    config::CallConfig,
    failure::Failure,
};

pub(crate) async fn run(args: CallArgs, config: CallConfig) -> Result<ExitCode, Failure> {
    let CallArgs {
        url,
        tool,
        arguments,
        json,
        client,
    } = args;
    let as_json = json.iter().any(|json| matches!(json, JsonArgument::Output));
    let arguments = tool_arguments(&arguments, json)?;
    let connected = connect(&url, client, config).await?;
    let called = connected
        .session
        .call_tool(tool, Value::Object(arguments))
        .await;
    // The answer comes on a line of its own.
    connected.screen.close();
    let called = called.map_err(|error| connected.explain(error));
    connected.session.close().await;
    result::print(&called?, as_json)
}

/// Puts together what stands in `--json` objects and as `KEY=VALUE`; the latter comes later.
fn tool_arguments(
    pairs: &[String],
    json: Vec<JsonArgument>,
) -> Result<Map<String, Value>, Failure> {
    let mut arguments = Map::new();
    for json in json {
        match json {
            JsonArgument::Output => {}
            JsonArgument::Object(object) => arguments.extend(object),
        }
    }
    for pair in pairs {
        let (key, value) = tool_argument(pair)?;
        arguments.insert(key, value);
    }
    Ok(arguments)
}

fn tool_argument(pair: &str) -> Result<(String, Value), Failure> {
    let wrong = |why: String| {
        Failure::usage(format!("{pair:?}: {why}"))
            .hint("write key=text, or key:=json for numbers, lists and so on")
    };
    let (key, value) = pair
        .split_once('=')
        .ok_or_else(|| wrong("this is no argument".to_owned()))?;
    let (key, value) = match key.strip_suffix(':') {
        Some(key) => (
            key,
            serde_json::from_str(value).map_err(|error| wrong(format!("not JSON: {error}")))?,
        ),
        None => (key, Value::from(value)),
    };
    if key.is_empty() {
        return Err(wrong("the key is missing".to_owned()));
    }
    Ok((key.to_owned(), value))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn arguments(pairs: &[&str], json: &[&str]) -> Result<Value, String> {
        let pairs: Vec<String> = pairs.iter().map(ToString::to_string).collect();
        let json: Result<Vec<JsonArgument>, String> =
            json.iter().map(|text| text.parse()).collect();
        tool_arguments(&pairs, json?)
            .map(Value::Object)
            .map_err(|failure| format!("{failure:?}"))
    }

    #[test]
    fn arguments_are_text_or_json() {
        #[rustfmt::skip]
        let table: &[(&[&str], &[&str], Value)] = &[
            (&[], &[], json!({})),
            (&["message=Привет!"], &[], json!({ "message": "Привет!" })),
            (&["a=b=c", "n:=5", "l:=[1,2]", "empty=", "null:=null"], &[],
             json!({ "a": "b=c", "n": 5, "l": [1, 2], "empty": "", "null": null })),
            (&[], &[r#"{"a": 1}"#], json!({ "a": 1 })),
            (&["a=2"], &[r#"{"a": 1, "b": 3}"#], json!({ "a": "2", "b": 3 })),
            (&["b=2"], &[""], json!({ "b": "2" })),
        ];
        for (pairs, json, expected) in table {
            assert_eq!(
                arguments(pairs, json).as_ref(),
                Ok(expected),
                "{pairs:?} {json:?}"
            );
        }
        for (pairs, json) in [
            (&["plain"][..], &[][..]),
            (&["=x"], &[]),
            (&[":=1"], &[]),
            (&["a:=x"], &[]),
            (&[], &["{"]),
            (&[], &["[1]"]),
            (&[], &["word"]),
        ] {
            assert!(arguments(pairs, json).is_err(), "{pairs:?} {json:?}");
        }
    }
}
