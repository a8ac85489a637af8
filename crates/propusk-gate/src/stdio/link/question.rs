//! What a child asks of a client: sampling, elicitation, roots, or something of its own.

use std::sync::Arc;

use rmcp::model::ErrorData;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::{
    super::{
        errors,
        wire::{self, Method},
    },
    Link,
};

/// A request of a child. Dropped without an answer, it is refused.
pub(in crate::stdio) struct Question {
    link: Arc<Link>,
    id: Option<Value>,
    pub(in crate::stdio) asks: Method,
    /// Cancelled when the child takes it back, or has ended.
    pub(in crate::stdio) withdrawn: CancellationToken,
}

impl Question {
    pub(super) fn new(link: Arc<Link>, id: Value, asks: Method) -> Self {
        let withdrawn = link.table().open_question(id.to_string());
        Self {
            link,
            id: Some(id),
            asks,
            withdrawn,
        }
    }

    /// Answers it, unless the child has taken it back.
    pub(in crate::stdio) fn answer(mut self, answer: Result<Value, ErrorData>) {
        self.reply(answer);
    }

    fn reply(&mut self, answer: Result<Value, ErrorData>) {
        let Some(id) = self.id.take() else { return };
        let is_open = self.link.table().close_question(&id.to_string()).is_some();
        if is_open && !self.withdrawn.is_cancelled() {
            self.link.tell_soon(wire::reply(&id, answer));
        }
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        self.reply(Err(errors::nobody_to_ask(
            "The client does not wait for this request any longer.",
        )));
    }
}
