//! Tools that answer their first call with questions and keep no state (2026-07-28).

#![expect(
    clippy::needless_pass_by_value,
    reason = "rmcp hands tools their arguments by value"
)]
#![expect(
    deprecated,
    reason = "sampling and roots are deprecated, and still scored"
)]

use rmcp::{
    ErrorData,
    model::{
        CallToolResponse, CallToolResult, ClientCapabilities, ContentBlock, ElicitationSchema,
    },
    tool, tool_router,
};

use crate::{Everything, questions::Questions, round::Round};

#[tool_router(router = input_required_tools, vis = "pub(super)")]
impl Everything {
    #[tool(description = "Asks for a name, then greets (2026-07-28)")]
    fn test_input_required_result_elicitation(
        &self,
        round: Round,
    ) -> Result<CallToolResponse, ErrorData> {
        match round.form_field::<String>("user_name", "name") {
            Some(name) => Ok(say(format!("Hello, {name}!"))),
            None => Ok(round.ask(ask_name(Questions::default()), None)?.into()),
        }
    }

    #[tool(description = "Asks the client's model a question (2026-07-28)")]
    fn test_input_required_result_sampling(
        &self,
        round: Round,
    ) -> Result<CallToolResponse, ErrorData> {
        match round.sampled_text("capital_question") {
            Some(text) => Ok(say(format!("The model says: {text}"))),
            None => Ok(round.ask(ask_capital(Questions::default()), None)?.into()),
        }
    }

    #[tool(description = "Asks for the client's roots (2026-07-28)")]
    fn test_input_required_result_list_roots(
        &self,
        round: Round,
    ) -> Result<CallToolResponse, ErrorData> {
        let Some(roots) = round.roots("client_roots") else {
            let questions = Questions::default().roots("client_roots");
            return Ok(round.ask(questions, None)?.into());
        };
        let uris: Vec<_> = roots.iter().map(|root| root.uri.as_str()).collect();
        Ok(say(format!("The client's roots: {}", uris.join(", "))))
    }

    #[tool(description = "Asks whatever the client can answer (2026-07-28)")]
    fn test_input_required_result_capabilities(
        &self,
        round: Round,
    ) -> Result<CallToolResponse, ErrorData> {
        let name = round.form_field::<String>("user_name", "name");
        let capital = round.sampled_text("capital_question");
        if let Some(answer) = name.or(capital) {
            return Ok(say(format!("The client answered: {answer}")));
        }
        let client = round.client();
        let mut questions = Questions::default();
        if client.elicitation.is_some() {
            questions = ask_name(questions);
        }
        if client.sampling.is_some() {
            questions = ask_capital(questions);
        }
        if client.elicitation.is_none() && client.sampling.is_none() {
            return Ok(say("The client can answer no questions".to_owned()));
        }
        Ok(round.ask(questions, None)?.into())
    }

    #[tool(description = "Asks for a value, as the only message of its stream (2026-07-28)")]
    fn test_streaming_elicitation(&self, round: Round) -> Result<CallToolResponse, ErrorData> {
        match round.form_field::<String>("value", "value") {
            Some(value) => Ok(say(format!("The value is {value}"))),
            None => {
                let form = ElicitationSchema::builder().required_string("value");
                let questions = Questions::default().form("value", "Which value?", form);
                Ok(round.ask(questions, None)?.into())
            }
        }
    }

    #[tool(description = "Works only for clients with sampling (2026-07-28)")]
    fn test_missing_capability(&self, round: Round) -> Result<String, ErrorData> {
        if round.client().sampling.is_none() {
            let required = ClientCapabilities::builder().enable_sampling().build();
            return Err(ErrorData::missing_required_client_capability(required));
        }
        Ok("The client declared sampling.".to_owned())
    }
}

/// The question that most scenarios start with.
pub(super) fn ask_name(questions: Questions) -> Questions {
    let form = ElicitationSchema::builder().required_string("name");
    questions.form("user_name", "What is your name?", form)
}

fn ask_capital(questions: Questions) -> Questions {
    questions.sampling("capital_question", "What is the capital of France?", 100)
}

/// A complete result of one text.
pub(super) fn say(text: String) -> CallToolResponse {
    CallToolResult::success(vec![ContentBlock::text(text)]).into()
}
