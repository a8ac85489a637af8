//! The digest of a request's arguments, to which its state is bound (2026-07-28, MRTR: the client
//! retries the same request). A confirmation that was given for one thing does not confirm another.

use rmcp::model::JsonObject;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// Independent of the order of members; no arguments and empty ones are the same.
pub(super) fn digest(arguments: Option<&JsonObject>) -> [u8; 32] {
    let mut hasher = Sha256::new();
    match arguments {
        Some(arguments) => object(&mut hasher, arguments),
        None => object(&mut hasher, &JsonObject::new()),
    }
    hasher.finalize().into()
}

/// Every value begins with its kind and, where it has parts, with how many or how long.
fn value(hasher: &mut Sha256, json: &Value) {
    match json {
        Value::Null => hasher.update(b"n"),
        Value::Bool(true) => hasher.update(b"t"),
        Value::Bool(false) => hasher.update(b"f"),
        Value::Number(number) => text(hasher, b"d", &number.to_string()),
        Value::String(string) => text(hasher, b"s", string),
        Value::Array(items) => {
            head(hasher, b"a", items.len());
            items.iter().for_each(|item| value(hasher, item));
        }
        Value::Object(members) => object(hasher, members),
    }
}

fn object(hasher: &mut Sha256, members: &JsonObject) {
    head(hasher, b"o", members.len());
    // Sorted already, unless a feature of serde_json that any crate may turn on keeps their order.
    let mut sorted: Vec<_> = members.iter().collect();
    sorted.sort_unstable_by_key(|(name, _)| *name);
    for (name, member) in sorted {
        text(hasher, b"k", name);
        value(hasher, member);
    }
}

fn text(hasher: &mut Sha256, kind: &[u8; 1], text: &str) {
    head(hasher, kind, text.len());
    hasher.update(text.as_bytes());
}

fn head(hasher: &mut Sha256, kind: &[u8; 1], length: usize) {
    hasher.update(kind);
    hasher.update((length as u64).to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(json: &str) -> [u8; 32] {
        let value: Value = serde_json::from_str(json).expect("JSON");
        digest(value.as_object())
    }

    #[test]
    fn the_same_arguments_have_the_same_digest_and_no_others_have() {
        assert_eq!(
            of(r#"{"a":1,"b":[true,null]}"#),
            of(r#" {"b":[true, null],"a":1}"#)
        );
        assert_eq!(digest(None), of("{}"));
        let different = [
            "{}",
            r#"{"a":1}"#,
            r#"{"a":"1"}"#,
            r#"{"a":1.5}"#,
            r#"{"a":null}"#,
            r#"{"a":true}"#,
            r#"{"a":false}"#,
            r#"{"a":[1]}"#,
            r#"{"a":{"1":null}}"#,
            r#"{"a":[1,1]}"#,
            r#"{"a":[[1],1]}"#,
            r#"{"a":1,"b":1}"#,
            r#"{"ab":1}"#,
            r#"{"a":"b"}"#,
            r#"{"a":["b","c"]}"#,
            r#"{"a":["bc"]}"#,
            r#"{"a":{"b":{}},"c":{}}"#,
            r#"{"a":{"b":{},"c":{}}}"#,
        ];
        for (at, one) in different.iter().enumerate() {
            for other in &different[at + 1..] {
                assert_ne!(of(one), of(other), "{one} {other}");
            }
        }
    }
}
