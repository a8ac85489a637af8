//! JSON-RPC 2.0 as it stands on a line: what a child sends, and what is sent to it.
//!
//! Values are kept as they came. What is typed is typed where a client is answered, since the
//! method of the request says then which type it is.

use rmcp::model::{ErrorCode, ErrorData};
use serde_json::{Map, Value, json};

/// An object of JSON.
pub(super) type Object = Map<String, Value>;

/// One message from a child.
#[derive(Debug)]
pub(super) enum Message {
    /// It asks for something.
    Request { id: Value, ask: Method },
    /// It tells something.
    Notification(Method),
    /// It answers the request with this number.
    Answer {
        id: u64,
        result: Result<Value, ErrorData>,
    },
}

/// A method and its parameters.
#[derive(Debug, Clone)]
pub(super) struct Method {
    pub(super) name: String,
    pub(super) params: Option<Value>,
}

impl Method {
    /// Both as rmcp's types are read from.
    pub(super) fn into_value(self) -> Value {
        let mut whole = Object::new();
        whole.insert("method".into(), self.name.into());
        if let Some(params) = self.params {
            whole.insert("params".into(), params);
        }
        Value::Object(whole)
    }

    /// A member of the parameters.
    pub(super) fn param(&self, name: &str) -> Option<&Value> {
        self.params.as_ref()?.get(name)
    }
}

impl Message {
    /// Reads one line. `None` is no message of JSON-RPC, or an answer to nothing that was asked.
    pub(super) fn read(line: &[u8]) -> Option<Self> {
        let Ok(Value::Object(mut whole)) = serde_json::from_slice(line) else {
            return None;
        };
        let id = whole.remove("id").filter(|id| !id.is_null());
        let name = match whole.remove("method") {
            Some(Value::String(name)) => Some(name),
            None => None,
            Some(_) => return None,
        };
        let params = whole.remove("params").filter(|params| !params.is_null());
        match (id, name) {
            (Some(id), Some(name)) if id.is_string() || id.is_number() => {
                let ask = Method { name, params };
                Some(Self::Request { id, ask })
            }
            (None, Some(name)) => Some(Self::Notification(Method { name, params })),
            (Some(id), None) => {
                let id = number(&id)?;
                let result = answer(whole)?;
                Some(Self::Answer { id, result })
            }
            _ => None,
        }
    }
}

/// Some servers send a number back as a text.
pub(super) fn number(id: &Value) -> Option<u64> {
    id.as_u64().or_else(|| id.as_str()?.parse().ok())
}

fn answer(mut whole: Object) -> Option<Result<Value, ErrorData>> {
    if let Some(error) = whole.remove("error") {
        return Some(Err(error_of(error)));
    }
    whole.remove("result").map(Ok)
}

/// An error as a child sends it. One that lacks something is an error all the same.
fn error_of(error: Value) -> ErrorData {
    serde_json::from_value(error).unwrap_or_else(|_| {
        let says = "the server behind this gate sent an error that is not well-formed";
        ErrorData::new(ErrorCode::INTERNAL_ERROR, says, None)
    })
}

/// A request as one line, without its end.
pub(super) fn request(id: u64, method: &str, params: Option<Value>) -> String {
    let mut whole = json!({ "jsonrpc": "2.0", "id": id, "method": method });
    if let Some(params) = params {
        whole["params"] = params;
    }
    whole.to_string()
}

/// A notification as one line.
pub(super) fn notification(method: &str, params: Option<Value>) -> String {
    let mut whole = json!({ "jsonrpc": "2.0", "method": method });
    if let Some(params) = params {
        whole["params"] = params;
    }
    whole.to_string()
}

/// The answer to a child's own request as one line.
pub(super) fn reply(id: &Value, result: Result<Value, ErrorData>) -> String {
    match result {
        Ok(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
        Err(error) => json!({ "jsonrpc": "2.0", "id": id, "error": error }),
    }
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_a_message() {
        let kinds = [
            (r#"{"jsonrpc":"2.0","id":1,"result":{}}"#, "answer"),
            (
                r#"{"jsonrpc":"2.0","id":"1","error":{"code":-1,"message":"no"}}"#,
                "answer",
            ),
            (r#"{"jsonrpc":"2.0","id":1,"error":"no"}"#, "answer"),
            (r#"{"jsonrpc":"2.0","id":"a","method":"ping"}"#, "request"),
            (r#"{"jsonrpc":"2.0","method":"x","params":null}"#, "told"),
            (r#"{"jsonrpc":"2.0","id":null,"method":"x"}"#, "told"),
            (r#"{"jsonrpc":"2.0","id":"a","result":{}}"#, "nothing"),
            (r#"{"jsonrpc":"2.0","id":1}"#, "nothing"),
            (r#"{"jsonrpc":"2.0","id":[1],"method":"x"}"#, "nothing"),
            (r#"{"method":1}"#, "nothing"),
            ("[]", "nothing"),
            ("Server started on stdio", "nothing"),
            ("", "nothing"),
        ];
        for (line, expected) in kinds {
            let kind = match Message::read(line.as_bytes()) {
                Some(Message::Answer { .. }) => "answer",
                Some(Message::Request { .. }) => "request",
                Some(Message::Notification(_)) => "told",
                None => "nothing",
            };
            assert_eq!(kind, expected, "{line}");
        }
    }
}
