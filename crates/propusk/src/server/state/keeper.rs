//! What is sealed for how long, and what a client is told that gives back something else.

use std::time::Duration;

use rmcp::{
    ErrorData, RoleServer,
    model::{JsonObject, Task},
    service::RequestContext,
};

use super::{
    request_digest::Contents,
    sealer::{NotValid, Sealed, StateSealer},
};
use crate::{AccessToken, Principal, server::RequestCaller};

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

/// A request that may be answered by a question or a task, and what these are bound to. Most are
/// answered by a result, so that little is worked out beforehand.
pub(super) struct Round {
    principal: Option<Principal>,
    method: &'static str,
    target: String,
    /// Only of 2026-07-28, whose requests say so themselves: no other has such states.
    contents: Option<Contents>,
}

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
        method: &'static str,
        target: &str,
        arguments: Option<&JsonObject>,
        state: &mut Option<String>,
    ) -> Result<Round, ErrorData> {
        let has_contents = state.is_some() || context.meta.protocol_version().is_some();
        let round = Round {
            principal: caller(context).cloned(),
            method,
            target: target.to_owned(),
            contents: has_contents.then(|| Contents::of(arguments)),
        };
        if let Some(state) = state {
            let opened = self.sealer.open(&round.state(), state);
            *state = opened.map_err(not_valid("requestState"))?;
        }
        Ok(round)
    }

    /// Seals the `requestState` of an answer in place.
    pub(super) fn end_round(
        &self,
        round: &Round,
        state: &mut Option<String>,
    ) -> Result<(), ErrorData> {
        match state {
            Some(_) => self.seal_in_place(&round.state(), state),
            None => Ok(()),
        }
    }

    /// Opens the cursor of a request in place, for the list that it belongs to.
    pub(super) fn open_cursor(
        &self,
        context: &RequestContext<RoleServer>,
        list: &[&str],
        cursor: Option<&mut String>,
    ) -> Result<Sealed, ErrorData> {
        let bound = list.iter().fold(
            Sealed::of(caller(context)).purpose("cursor"),
            |bound, part| bound.purpose(part),
        );
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

    /// Seals the id of a task that this request has just made.
    pub(super) fn seal_task(&self, round: &Round, task: &mut Task) -> Result<(), ErrorData> {
        let tasks = tasks_of(round.principal.as_ref());
        let lives = task.ttl_ms.map_or(Duration::ZERO, Duration::from_millis);
        task.task_id = self.seal(&tasks, TASK_LIFETIME.max(lives), &task.task_id)?;
        Ok(())
    }

    /// What the ids of the tasks of a request's caller are bound to.
    pub(super) fn tasks(context: &RequestContext<RoleServer>) -> Sealed {
        tasks_of(caller(context))
    }

    /// Seals the id of a task in a list.
    pub(super) fn seal_listed(&self, tasks: &Sealed, id: &mut String) -> Result<(), ErrorData> {
        *id = self.seal(tasks, TASK_LIFETIME, id)?;
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
            .open(&tasks_of(caller(context)), id)
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

impl Round {
    /// What its state is bound to.
    fn state(&self) -> Sealed {
        let bound = Sealed::of(self.principal.as_ref())
            .purpose(self.method)
            .purpose(&self.target);
        match &self.contents {
            Some(contents) => bound.digest(&contents.digest()),
            None => bound,
        }
    }
}

/// The caller of this very request.
fn caller(context: &RequestContext<RoleServer>) -> Option<&Principal> {
    context.caller().map(AccessToken::principal)
}

/// What the ids of a caller's tasks are bound to.
fn tasks_of(caller: Option<&Principal>) -> Sealed {
    Sealed::of(caller).purpose("task")
}

/// One message for every cause: a forger learns nothing from it.
fn not_valid(what: &str) -> impl FnOnce(NotValid) -> ErrorData {
    move |NotValid| ErrorData::invalid_params(format!("{what} is not valid"), None)
}
