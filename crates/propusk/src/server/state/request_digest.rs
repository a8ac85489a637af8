//! The digest of a request's arguments, to which its state is bound (2026-07-28, MRTR: the client
//! retries the same request). A confirmation that was given for one thing does not confirm another.

use rmcp::model::JsonObject;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// The arguments of a request in a form that is the same for the same ones, whatever the order of
/// members; no arguments and empty ones are the same.
///
/// Most requests have no state, so that nobody asks for the digest; writing the form costs a
/// fraction of it.
pub(super) struct Contents(Vec<u8>);

impl Contents {
    pub(super) fn of(arguments: Option<&JsonObject>) -> Self {
        let mut form = Vec::new();
        match arguments {
            Some(arguments) => object(&mut form, arguments),
            None => object(&mut form, &JsonObject::new()),
        }
        Self(form)
    }

    pub(super) fn digest(&self) -> [u8; 32] {
        Sha256::digest(&self.0).into()
    }
}

/// Every value begins with its kind and, where it has parts, with how many or how long.
fn value(form: &mut Vec<u8>, json: &Value) {
    match json {
        Value::Null => form.push(b'n'),
        Value::Bool(true) => form.push(b't'),
        Value::Bool(false) => form.push(b'f'),
        Value::Number(number) => text(form, b'd', &number.to_string()),
        Value::String(string) => text(form, b's', string),
        Value::Array(items) => {
            head(form, b'a', items.len());
            items.iter().for_each(|item| value(form, item));
        }
        Value::Object(members) => object(form, members),
    }
}

fn object(form: &mut Vec<u8>, members: &JsonObject) {
    head(form, b'o', members.len());
    // Sorted already, unless a feature of serde_json that any crate may turn on keeps their order.
    let mut sorted: Vec<_> = members.iter().collect();
    sorted.sort_unstable_by_key(|(name, _)| *name);
    for (name, member) in sorted {
        text(form, b'k', name);
        value(form, member);
    }
}

fn text(form: &mut Vec<u8>, kind: u8, text: &str) {
    head(form, kind, text.len());
    form.extend_from_slice(text.as_bytes());
}

fn head(form: &mut Vec<u8>, kind: u8, length: usize) {
    form.push(kind);
    form.extend_from_slice(&(length as u64).to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(json: &str) -> [u8; 32] {
        let value: Value = serde_json::from_str(json).expect("JSON");
        Contents::of(value.as_object()).digest()
    }

    #[test]
    fn the_same_arguments_have_the_same_digest_and_no_others_have() {
        assert_eq!(
            of(r#"{"a":1,"b":[true,null]}"#),
            of(r#" {"b":[true, null],"a":1}"#)
        );
        assert_eq!(Contents::of(None).digest(), of("{}"));
        // What is under way stays good when a server is replaced by its next version.
        let known = of(r#"{"a":[1,"b",true,null]}"#);
        assert_eq!(
            format!("{:02x}{:02x}{:02x}", known[0], known[1], known[2]),
            "fc6a18"
        );
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
