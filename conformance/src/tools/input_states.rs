//! Tools that ask questions and carry a sealed state from round to round (2026-07-28).
//!
//! A state that is present must open, whatever the answers are; a round without one starts anew.

#![expect(
    clippy::needless_pass_by_value,
    reason = "rmcp hands tools their arguments by value"
)]

use rmcp::{
    ErrorData,
    model::{CallToolResponse, ElicitationSchema},
    tool, tool_router,
};
use serde::{Deserialize, Serialize};

use super::input_required::{ask_name, say};
use crate::{Everything, questions::Questions, round::Round};

/// How far `test_input_required_result_multi_round` has come.
#[derive(Debug, Serialize, Deserialize)]
enum Step {
    Name,
    Color { name: String },
}

#[tool_router(router = input_state_tools, vis = "pub(super)")]
impl Everything {
    #[tool(description = "Asks for a confirmation and recognises its own state (2026-07-28)")]
    fn test_input_required_result_request_state(
        &self,
        round: Round,
    ) -> Result<CallToolResponse, ErrorData> {
        self.confirm("test_input_required_result_request_state", &round)
    }

    #[tool(description = "Asks for a confirmation and refuses an altered state (2026-07-28)")]
    fn test_input_required_result_tampered_state(
        &self,
        round: Round,
    ) -> Result<CallToolResponse, ErrorData> {
        self.confirm("test_input_required_result_tampered_state", &round)
    }

    #[tool(description = "Asks a form, a model and for roots at once (2026-07-28)")]
    fn test_input_required_result_multiple_inputs(
        &self,
        round: Round,
    ) -> Result<CallToolResponse, ErrorData> {
        const TOOL: &str = "test_input_required_result_multiple_inputs";
        let started = self.resume::<()>(TOOL, &round)?;
        let name = round.form_field::<String>("user_name", "name");
        let greeting = round.sampled_text("greeting");
        let roots = round.roots("client_roots");
        if let (Some(()), Some(name), Some(greeting), Some(roots)) =
            (started, name, greeting, roots)
        {
            let roots = roots.len();
            return Ok(say(format!("{name}: {greeting} ({roots} roots)")));
        }
        let questions = ask_name(Questions::default())
            .sampling("greeting", "Generate a greeting", 50)
            .roots("client_roots");
        self.ask(TOOL, &round, questions, &())
    }

    #[tool(description = "Asks two questions, one after the other (2026-07-28)")]
    fn test_input_required_result_multi_round(
        &self,
        round: Round,
    ) -> Result<CallToolResponse, ErrorData> {
        const TOOL: &str = "test_input_required_result_multi_round";
        // An answer counts only for the step that the state says was asked.
        let step = match self.resume(TOOL, &round)? {
            Some(Step::Name) => match round.form_field("step1", "name") {
                Some(name) => Step::Color { name },
                None => Step::Name,
            },
            Some(Step::Color { name }) => match round.form_field::<String>("step2", "color") {
                Some(color) => return Ok(say(format!("{name} likes {color}."))),
                None => Step::Color { name },
            },
            None => Step::Name,
        };
        self.ask(TOOL, &round, step.questions(), &step)
    }
}

impl Everything {
    fn confirm(&self, tool: &str, round: &Round) -> Result<CallToolResponse, ErrorData> {
        let started = self.resume::<()>(tool, round)?;
        let confirmed = round.form_field::<bool>("confirm", "ok");
        if let (Some(()), Some(ok)) = (started, confirmed) {
            return Ok(say(format!("state-ok, confirmed: {ok}")));
        }
        let form = ElicitationSchema::builder().required_bool("ok");
        let questions = Questions::default().form("confirm", "Please confirm", form);
        self.ask(tool, round, questions, &())
    }

    fn resume<T: for<'de> Deserialize<'de>>(
        &self,
        tool: &str,
        round: &Round,
    ) -> Result<Option<T>, ErrorData> {
        let sealed = round.state();
        sealed
            .map(|sealed| self.states.open(tool, sealed))
            .transpose()
    }

    fn ask<T: Serialize>(
        &self,
        tool: &str,
        round: &Round,
        questions: Questions,
        state: &T,
    ) -> Result<CallToolResponse, ErrorData> {
        let sealed = self.states.seal(tool, state)?;
        Ok(round.ask(questions, Some(sealed))?.into())
    }
}

impl Step {
    fn questions(&self) -> Questions {
        let (key, message, field) = match self {
            Self::Name => ("step1", "Step 1: What is your name?", "name"),
            Self::Color { .. } => ("step2", "Step 2: What is your favorite color?", "color"),
        };
        let form = ElicitationSchema::builder().required_string(field);
        Questions::default().form(key, message, form)
    }
}
