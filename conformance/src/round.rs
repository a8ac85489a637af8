//! One round of a multi round-trip request (2026-07-28, basic/patterns/mrtr, SEP-2322).
//!
//! Servers of that revision never send requests. They answer with questions, and the client
//! repeats its request with the answers: a [`Round`] is such a request.

#![expect(
    deprecated,
    reason = "sampling and roots are deprecated, and still scored"
)]

use rmcp::{
    ErrorData, RoleServer,
    handler::server::{common::FromContextPart, tool::ToolCallContext},
    model::{
        ClientCapabilities, CreateMessageResult, ElicitResult, ElicitationAction,
        InputRequiredResult, InputResponses, ListRootsResult, Root,
    },
    service::RequestContext,
};
use serde::de::DeserializeOwned;

use crate::questions::Questions;

/// What the client brought this time.
///
/// An answer that is missing or has the wrong shape reads as `None`, and the caller asks again.
#[derive(Debug)]
pub(crate) struct Round {
    answers: InputResponses,
    state: Option<String>,
    client: ClientCapabilities,
}

impl Round {
    /// Takes the round out of the parts of a request.
    pub(crate) fn new(
        answers: Option<InputResponses>,
        state: Option<String>,
        context: &RequestContext<RoleServer>,
    ) -> Self {
        Self {
            answers: answers.unwrap_or_default(),
            state,
            client: context.client_capabilities().unwrap_or_default(),
        }
    }

    /// The `requestState` as the client sent it back: not to be trusted before it is opened.
    pub(crate) fn state(&self) -> Option<&str> {
        self.state.as_deref()
    }

    /// What the client declared that it can do.
    pub(crate) fn client(&self) -> &ClientCapabilities {
        &self.client
    }

    /// One field of a form that the user filled in and accepted.
    pub(crate) fn form_field<T: DeserializeOwned>(&self, key: &str, field: &str) -> Option<T> {
        let form: ElicitResult = self.answer(key)?;
        let accepted = form.action == ElicitationAction::Accept;
        let value = form.content?.get(field)?.clone();
        accepted.then(|| serde_json::from_value(value).ok())?
    }

    /// The text that the client's model wrote.
    pub(crate) fn sampled_text(&self, key: &str) -> Option<String> {
        let result: CreateMessageResult = self.answer(key)?;
        let block = result.message.content.first()?;
        Some(block.as_text()?.text.clone())
    }

    /// The client's roots.
    pub(crate) fn roots(&self, key: &str) -> Option<Vec<Root>> {
        Some(self.answer::<ListRootsResult>(key)?.roots)
    }

    /// Turns questions into the result that asks them.
    ///
    /// # Errors
    ///
    /// -32021 when the client did not declare that it can answer all of them.
    pub(crate) fn ask(
        &self,
        questions: Questions,
        state: Option<String>,
    ) -> Result<InputRequiredResult, ErrorData> {
        let missing = questions.not_declared_by(&self.client);
        if missing != ClientCapabilities::default() {
            return Err(ErrorData::missing_required_client_capability(missing));
        }
        Ok(InputRequiredResult::new(
            Some(questions.into_requests()),
            state,
        ))
    }

    fn answer<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        serde_json::from_value(self.answers.get(key)?.clone()).ok()
    }
}

/// Lets a `#[tool]` function take the round as an argument.
impl<S> FromContextPart<ToolCallContext<'_, S>> for Round {
    fn from_context_part(call: &mut ToolCallContext<'_, S>) -> Result<Self, ErrorData> {
        Ok(Self::new(
            call.input_responses.take(),
            call.request_state.take(),
            &call.request_context,
        ))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{ClientCapabilities, Questions, Round};

    fn round(answer: Value) -> Round {
        Round {
            answers: [("user_name".to_owned(), answer)].into(),
            state: None,
            client: ClientCapabilities::default(),
        }
    }

    #[test]
    fn only_a_form_that_was_accepted_and_fits_is_an_answer() {
        let table = [
            (
                json!({"action": "accept", "content": {"name": "Ada"}}),
                Some("Ada"),
            ),
            (json!({"action": "accept", "content": {"name": 7}}), None),
            (
                json!({"action": "accept", "content": {"other": "Ada"}}),
                None,
            ),
            (json!({"action": "accept"}), None),
            (
                json!({"action": "decline", "content": {"name": "Ada"}}),
                None,
            ),
            (json!(12345), None),
            (Value::Null, None),
        ];
        for (answer, expected) in table {
            let name = round(answer.clone()).form_field::<String>("user_name", "name");
            assert_eq!(name.as_deref(), expected, "{answer}");
        }
    }

    #[test]
    fn a_client_is_asked_only_what_it_declared() {
        let error = round(Value::Null).ask(Questions::default().roots("client_roots"), None);
        let data = error.unwrap_err().data.unwrap();
        assert_eq!(data, json!({"requiredCapabilities": {"roots": {}}}));
    }
}
