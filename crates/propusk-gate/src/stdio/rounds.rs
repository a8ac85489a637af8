//! What a server of 2026-07-28 needs to know in the middle of a request, asked of a client of
//! 2025-11-25 over its session.

use rmcp::model::ErrorData;
use serde_json::{Map, Value};

use super::{asker::Questions, crossing::Asked, errors, front::Front, wire::Method};

/// Whether a client of 2026-07-28 can be asked this.
pub(super) fn is_input(asks: &Method) -> bool {
    ["sampling/createMessage", "elicitation/create", "roots/list"].contains(&asks.name.as_str())
}

/// Whether an answer says that the request is to be sent again, with more.
pub(super) fn needs_input(answer: &Value) -> bool {
    answer
        .get("resultType")
        .is_some_and(|kind| kind == "input_required")
}

/// Asks the client of a session what a child needs to know, and writes it into the request.
pub(super) async fn ask_each(
    asked: &mut Asked,
    answer: Value,
    front: &Front,
) -> Result<(), ErrorData> {
    let (can_be_asked, takes) = (
        front.asker.questions == Questions::Asked,
        asked.round.is_some(),
    );
    if !(can_be_asked && takes) {
        let says = "The server behind this gate needs input, for which a client of this revision can \
                    only be asked over a session.";
        return Err(ErrorData::invalid_request(says, None));
    }
    let Value::Object(mut answer) = answer else {
        return Err(errors::not_understood(asked.method.as_str()));
    };
    let mut responses = Map::new();
    if let Some(Value::Object(requests)) = answer.remove("inputRequests") {
        for (name, request) in requests {
            let asks = question_in(request)
                .ok_or_else(|| errors::not_understood(asked.method.as_str()))?;
            responses.insert(name, front.ask_for(&asks).await?);
        }
    }
    asked
        .params
        .insert("inputResponses".into(), responses.into());
    match answer.remove("requestState") {
        Some(state) => asked.params.insert("requestState".into(), state),
        None => asked.params.remove("requestState"),
    };
    Ok(())
}

fn question_in(request: Value) -> Option<Method> {
    let Value::Object(mut request) = request else {
        return None;
    };
    let Some(Value::String(name)) = request.remove("method") else {
        return None;
    };
    let params = request.remove("params");
    Some(Method { name, params }).filter(is_input)
}

/// The child's own `_meta` (its progress token) means nothing to a client that is asked by an answer.
pub(super) fn without_meta(mut asks: Method) -> Method {
    if let Some(Value::Object(params)) = &mut asks.params {
        params.remove("_meta");
    }
    asks
}
