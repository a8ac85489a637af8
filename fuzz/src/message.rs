//! What a message asks for, beside readers that take the first or the last of two members and do not
//! look at case: where the strict reader accepts a message, all of them see the same.

#![allow(
    clippy::expect_used,
    reason = "a fuzz target says by a panic what must not be"
)]

use std::fmt;

use propusk::fuzzing;
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::Value;

/// What decides, at the top and in `params`.
const DECISIVE: [&str; 2] = ["method", "params"];
const DECISIVE_IN_PARAMS: [&str; 4] = ["name", "uri", "taskId", "arguments"];

pub(crate) fn run(input: &[u8]) -> bool {
    let Some((operation, arguments)) = fuzzing::asked(input) else {
        return false;
    };
    // What it skips may hold half of a surrogate pair, which a reader of texts refuses.
    let Ok(Pairs(top)) = serde_json::from_slice(input) else {
        return true;
    };
    let method = the_only(&top, DECISIVE[0]);
    let params = the_only(&top, DECISIVE[1]);
    let Some(method) = method.and_then(Value::as_str) else {
        assert_eq!(operation, None, "an operation without a method");
        return true;
    };
    let operation = operation.expect("a method without an operation");
    assert!(operation.starts_with(method), "{operation} is not {method}");
    let text = params
        .filter(|params| !params.is_null())
        .map(ToString::to_string);
    // Written anew, so that the pairs are those of `params` alone; a value keeps the last of two.
    let Ok(whole) = serde_json::from_slice::<Value>(input) else {
        return true;
    };
    assert_eq!(params, whole.get("params"), "params");
    // A number that is written and read again may be another, so that both sides are.
    let (Pairs(members), written) = match &text {
        Some(text) => (
            serde_json::from_str(text).expect("an object"),
            serde_json::from_str(text).expect("JSON"),
        ),
        None => (Pairs(Vec::new()), Value::Null),
    };
    for name in DECISIVE_IN_PARAMS {
        assert_eq!(the_only(&members, name), written.get(name), "{name}");
    }
    let shown = arguments.map(|json| serde_json::from_str::<Value>(&json).expect("JSON"));
    let sent = whole["params"]
        .get("arguments")
        .filter(|sent| !sent.is_null());
    assert_eq!(shown.as_ref(), sent, "arguments");
    for name in ["name", "uri", "taskId"] {
        let acts = matches!(
            (name, method),
            ("name", "tools/call" | "prompts/get")
                | ("uri", "resources/read")
                | ("taskId", "tasks/get")
        );
        if acts {
            let sent = whole["params"][name].as_str().expect("a text");
            assert_eq!(operation, format!("{method}:{sent}"));
        }
    }
    true
}

/// The only member that any reader could take for this one.
fn the_only<'a>(members: &'a [(String, Value)], name: &str) -> Option<&'a Value> {
    let mut alike = members
        .iter()
        .filter(|(own, _)| own.eq_ignore_ascii_case(name));
    let only = alike.next();
    assert!(alike.next().is_none(), "two that could be {name}");
    if let Some((own, _)) = only {
        assert_eq!(own, name, "one that could be {name}");
    }
    only.map(|(_, value)| value)
}

/// All members of an object, also two of one name.
struct Pairs(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PairsVisitor)
    }
}

struct PairsVisitor;

impl<'de> Visitor<'de> for PairsVisitor {
    type Value = Pairs;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = map.next_entry()? {
            pairs.push(pair);
        }
        Ok(Pairs(pairs))
    }
}
