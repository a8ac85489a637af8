//! A refusal as rmcp's error, and back.

use rmcp::{
    ErrorData,
    handler::server::{prompt::IntoGetPromptResult, tool::IntoCallToolResult},
    model::{CallToolResponse, ErrorCode, GetPromptResponse},
};
use serde_json::{Map, Value};

use crate::{Reason, Refusal, ScopeSet};

/// The JSON-RPC code of an authorization error; the specification fixes none.
const UNAUTHORIZED: ErrorCode = ErrorCode(-32001);

/// A JSON-RPC error that says the same as the HTTP answer would, for where that has begun: the
/// reason in `data.error` and the scopes that would do in `data.scope`.
impl From<Refusal> for ErrorData {
    fn from(refusal: Refusal) -> Self {
        let mut data = Map::new();
        data.insert("error".to_owned(), word(refusal.reason()).into());
        if !refusal.needed_scopes().is_empty() {
            let scope = refusal.needed_scopes().to_string();
            data.insert("scope".to_owned(), scope.into());
        }
        Self::new(UNAUTHORIZED, refusal.to_string(), Some(data.into()))
    }
}

/// `Err(refusal)` out of a tool. Behind a [`Guard`](super::Guard) it becomes an HTTP 401 or 403
/// where the answer has not begun.
impl IntoCallToolResult for Refusal {
    fn into_call_tool_result(self) -> Result<CallToolResponse, ErrorData> {
        Err(self.into())
    }
}

/// The same out of a prompt that returns nothing but a refusal. One that may return messages too
/// returns `Result<_, ErrorData>` and uses `?`.
impl IntoGetPromptResult for Refusal {
    fn into_get_prompt_result(self) -> Result<GetPromptResponse, ErrorData> {
        Err(self.into())
    }
}

fn word(reason: Reason) -> &'static str {
    match reason {
        Reason::NoToken => "unauthenticated",
        Reason::BadRequest(_) => "invalid_request",
        Reason::InvalidToken(_) => "invalid_token",
        Reason::InvalidProof(_) => "invalid_dpop_proof",
        Reason::InsufficientScope => "insufficient_scope",
        Reason::Forbidden | Reason::Ruled => "forbidden",
        Reason::Hidden => "unknown",
        Reason::Limited { .. } => "limited",
        Reason::Unavailable { .. } => "unavailable",
    }
}

/// The refusal that an error out of a handler is, if it is one.
pub(super) fn refusal_in(error: &ErrorData) -> Option<Refusal> {
    if error.code != UNAUTHORIZED {
        return None;
    }
    let data = error.data.as_ref()?;
    let text = |member: &str| data.get(member).and_then(Value::as_str);
    Some(match text("error")? {
        "unauthenticated" => Refusal::unauthenticated(),
        "forbidden" => Refusal::forbidden(),
        "insufficient_scope" => {
            let scopes = ScopeSet::from_claim(text("scope").unwrap_or_default());
            Refusal::new(Reason::InsufficientScope, scopes)
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_comes_back_from_the_error_that_it_became() {
        for refusal in [
            Refusal::needs("a b"),
            Refusal::needs(""),
            Refusal::forbidden(),
            Refusal::unauthenticated(),
        ] {
            assert_eq!(refusal_in(&refusal.clone().into()), Some(refusal));
        }
        let other = ErrorData::new(UNAUTHORIZED, "x", Some("insufficient_scope".into()));
        assert_eq!(refusal_in(&other), None);
        assert_eq!(refusal_in(&ErrorData::invalid_params("x", None)), None);
    }
}
