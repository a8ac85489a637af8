//! What is sealed for how long, and what a client is told that gives back something else.

use std::time::Duration;

use rmcp::{
    ErrorData, RoleServer,
    model::{JsonObject, Task},
    service::RequestContext,
};

use super::{
    request_digest::digest,
    sealer::{NotValid, Sealed, StateSealer},
};
use crate::{AccessToken, server::RequestCaller};

/// How long a person may take to answer a question, or a client to ask for the next page.
const LIFETIME: Duration = Duration::from_secs(60 * 60);

/// A task may be asked for as long as it lives, and for a week if that is longer or open.
const TASK_LIFETIME: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Seals what goes out and opens what comes in, for the caller of a request.
#[derive(Debug, Clone)]
pub(super) struct Keeper {
    pub(super) sealer: StateSealer,
    pub(super) lifetime: Duration,
}

/// A request that may be answered by a question, and what its state is bound to.
pub(super) struct Round(Sealed);

impl Keeper {
    pub(super) fn new(sealer: StateSealer) -> Self {
        Self {
            sealer,
            lifetime: LIFETIME,
        }
    }

    /// Opens the `requestState` of a request in place.
    pub(super) fn begin_round(
        &self,
        context: &RequestContext<RoleServer>,
        method: &str,
        target: &str,
        arguments: Option<&JsonObject>,
        state: &mut Option<String>,
    ) -> Result<Round, ErrorData> {
        let mut bound = sealed(context).purpose(method).purpose(target);
        // Only 2026-07-28, whose requests say so themselves, has such states.
        if state.is_some() || context.meta.protocol_version().is_some() {
            bound = bound.digest(&digest(arguments));
        }
        if let Some(state) = state {
            *state = self
                .sealer
                .open(&bound, state)
                .map_err(not_valid("requestState"))?;
        }
        Ok(Round(bound))
    }

    /// Seals the `requestState` of an answer in place.
    pub(super) fn end_round(
        &self,
        round: &Round,
        state: &mut Option<String>,
    ) -> Result<(), ErrorData> {
        self.seal_in_place(&round.0, state)
    }

    /// Opens the cursor of a request in place, for the list that it belongs to.
    pub(super) fn open_cursor(
        &self,
        context: &RequestContext<RoleServer>,
        list: &[&str],
        cursor: Option<&mut String>,
    ) -> Result<Sealed, ErrorData> {
        let bound = list
            .iter()
            .fold(sealed(context).purpose("cursor"), |bound, part| {
                bound.purpose(part)
            });
        if let Some(cursor) = cursor {
            *cursor = self
                .sealer
                .open(&bound, cursor)
                .map_err(not_valid("cursor"))?;
        }
        Ok(bound)
    }

    /// Seals the cursor of an answer in place.
    pub(super) fn seal_in_place(
        &self,
        bound: &Sealed,
        text: &mut Option<String>,
    ) -> Result<(), ErrorData> {
        if let Some(text) = text {
            *text = self.seal(bound, self.lifetime, text)?;
        }
        Ok(())
    }

    /// What the ids of this caller's tasks are bound to.
    pub(super) fn tasks_of(&self, context: &RequestContext<RoleServer>) -> Sealed {
        sealed(context).purpose("task")
    }

    /// Seals the id of a task that has just been made.
    pub(super) fn seal_task(&self, tasks: &Sealed, task: &mut Task) -> Result<(), ErrorData> {
        let lives = task.ttl_ms.map_or(Duration::ZERO, Duration::from_millis);
        task.task_id = self.seal(tasks, TASK_LIFETIME.max(lives), &task.task_id)?;
        Ok(())
    }

    /// Opens the id of a task in place. The words are those of rmcp's own task manager for an
    /// unknown one.
    pub(super) fn open_task(
        &self,
        context: &RequestContext<RoleServer>,
        id: &mut String,
    ) -> Result<TaskId, ErrorData> {
        let opened: String = self
            .sealer
            .open(&self.tasks_of(context), id)
            .map_err(|NotValid| ErrorData::invalid_params(format!("unknown task: {id}"), None))?;
        Ok(TaskId {
            sealed: std::mem::replace(id, opened.clone()),
            opened,
        })
    }

    fn seal(&self, bound: &Sealed, lifetime: Duration, text: &str) -> Result<String, ErrorData> {
        self.sealer.seal(bound, lifetime, &text).map_err(|error| {
            tracing::error!(%error, "state for a client could not be sealed");
            ErrorData::internal_error("the state could not be sealed", None)
        })
    }
}

/// The id of a task as its client knows it, and as its handler does.
pub(super) struct TaskId {
    pub(super) sealed: String,
    opened: String,
}

impl TaskId {
    /// What a handler says about its own id is said of the client's.
    pub(super) fn hide(&self, mut error: ErrorData) -> ErrorData {
        if !self.opened.is_empty() {
            error.message = error.message.replace(&self.opened, &self.sealed).into();
        }
        error
    }
}

/// Bound to the caller of this very request.
fn sealed(context: &RequestContext<RoleServer>) -> Sealed {
    Sealed::of(context.caller().map(AccessToken::principal))
}

/// One message for every cause: a forger learns nothing from it.
fn not_valid(what: &str) -> impl FnOnce(NotValid) -> ErrorData {
    move |NotValid| ErrorData::invalid_params(format!("{what} is not valid"), None)
}
