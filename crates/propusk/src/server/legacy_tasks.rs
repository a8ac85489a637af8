//! `tasks/result` of 2025-11-25, which rmcp does not know: a handler that has it answers it as a
//! request of its own.

use rmcp::model::CustomRequest;
use serde_json::Value;

pub(super) const TASK_RESULT: &str = "tasks/result";

/// Where the answer says which task it belongs to (2025-11-25, Tasks, "Associating task-related
/// messages").
const RELATED_TASK: &str = "io.modelcontextprotocol/related-task";

const TASK_ID: &str = "taskId";

/// The id of the task whose result this asks for.
pub(super) fn task_in(request: &CustomRequest) -> Option<&str> {
    let params = request.params.as_ref();
    params
        .filter(|_| request.method == TASK_RESULT)?
        .get(TASK_ID)?
        .as_str()
}

/// The same of a request that is one, to be changed.
pub(super) fn task_in_mut(request: &mut CustomRequest) -> Option<&mut String> {
    text(request.params.as_mut()?.get_mut(TASK_ID)?)
}

/// The id of the task that an answer belongs to.
pub(super) fn related_task(answer: &mut Value) -> Option<&mut String> {
    let related = answer.get_mut("_meta")?.get_mut(RELATED_TASK)?;
    text(related.get_mut(TASK_ID)?)
}

fn text(value: &mut Value) -> Option<&mut String> {
    match value {
        Value::String(text) => Some(text),
        _ => None,
    }
}
