//! `tasks/result` and `tasks/list` of 2025-11-25, which rmcp does not know: a handler that has them
//! answers them as requests of its own.

use rmcp::model::CustomRequest;
use serde_json::Value;

pub(super) const TASK_RESULT: &str = "tasks/result";
pub(super) const TASK_LIST: &str = "tasks/list";

/// With this in the `_meta` of an answer to `tasks/list`, a handler says that all tasks in it are the
/// caller's own. [`Bound`](crate::server::Bound) takes it out, and seals their ids for the caller.
pub const OWN_TASKS: &str = "propusk/ownTasks";

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

/// The ids of the tasks in a list, if the handler vouches for them.
pub(super) fn own_tasks(answer: &mut Value) -> Vec<&mut String> {
    let meta = answer.get_mut("_meta").and_then(Value::as_object_mut);
    let Some(vouched) = meta.and_then(|meta| Some((meta.remove(OWN_TASKS)?, meta.is_empty())))
    else {
        return Vec::new();
    };
    if let (true, Some(answer)) = (vouched.1, answer.as_object_mut()) {
        answer.remove("_meta");
    }
    let tasks = answer.get_mut("tasks").and_then(Value::as_array_mut);
    let tasks = tasks.filter(|_| vouched.0 == true).into_iter().flatten();
    tasks
        .filter_map(|task| text(task.get_mut(TASK_ID)?))
        .collect()
}

fn text(value: &mut Value) -> Option<&mut String> {
    match value {
        Value::String(text) => Some(text),
        _ => None,
    }
}
