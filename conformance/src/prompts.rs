//! The fixed prompts.

use rmcp::{
    ErrorData,
    model::{
        ContentBlock, ElicitationSchema, GetPromptResponse, GetPromptResult, JsonObject, Prompt,
        PromptArgument, PromptMessage, ResourceContents, Role,
    },
};

use crate::{
    questions::Questions,
    round::Round,
    samples::{PNG, PNG_TYPE},
};

/// The answer to `prompts/list`.
pub(crate) fn list() -> Vec<Prompt> {
    vec![
        prompt("test_simple_prompt", "A prompt without arguments", &[]),
        prompt(
            "test_prompt_with_arguments",
            "A prompt that repeats its two arguments",
            &["arg1", "arg2"],
        ),
        prompt(
            "test_prompt_with_embedded_resource",
            "A prompt that carries a resource",
            &["resourceUri"],
        ),
        prompt("test_prompt_with_image", "A prompt with a picture", &[]),
        prompt(
            "test_input_required_result_prompt",
            "A prompt that asks the user for context first (2026-07-28)",
            &[],
        ),
    ]
}

fn prompt(name: &str, description: &str, arguments: &[&str]) -> Prompt {
    let arguments = arguments
        .iter()
        .map(|name| {
            PromptArgument::new(*name)
                .with_description(format!("The value of {name}"))
                .with_required(true)
        })
        .collect();
    Prompt::new(name, Some(description), Some(arguments))
}

/// The answer to `prompts/get`.
///
/// # Errors
///
/// -32602 for an unknown prompt or a missing argument.
pub(crate) fn get(
    name: &str,
    arguments: &JsonObject,
    round: &Round,
) -> Result<GetPromptResponse, ErrorData> {
    let messages = match name {
        "test_simple_prompt" => vec![user("This is a simple prompt for testing.")],
        "test_prompt_with_arguments" => {
            let (one, two) = (text(arguments, "arg1")?, text(arguments, "arg2")?);
            vec![user(format!(
                "Prompt with arguments: arg1='{one}', arg2='{two}'"
            ))]
        }
        "test_prompt_with_embedded_resource" => {
            let uri = text(arguments, "resourceUri")?;
            let resource = ResourceContents::text("Embedded resource content for testing.", uri);
            vec![
                PromptMessage::new(Role::User, ContentBlock::resource(resource)),
                user("Please process the embedded resource above."),
            ]
        }
        "test_prompt_with_image" => vec![
            PromptMessage::new(Role::User, ContentBlock::image(PNG, PNG_TYPE)),
            user("Please analyze the image above."),
        ],
        "test_input_required_result_prompt" => return with_context(round),
        _ => return Err(ErrorData::invalid_params("Unknown prompt", None)),
    };
    Ok(GetPromptResult::new(messages).into())
}

/// Multi round-trip requests are not for tools alone: this one goes through `prompts/get`.
fn with_context(round: &Round) -> Result<GetPromptResponse, ErrorData> {
    if let Some(context) = round.form_field::<String>("user_context", "context") {
        let message = user(format!("Answer with this in mind: {context}"));
        return Ok(GetPromptResult::new(vec![message]).into());
    }
    let form = ElicitationSchema::builder().required_string("context");
    let questions =
        Questions::default().form("user_context", "What context should the prompt use?", form);
    Ok(round.ask(questions, None)?.into())
}

fn user(text: impl Into<String>) -> PromptMessage {
    PromptMessage::new_text(Role::User, text)
}

fn text<'a>(arguments: &'a JsonObject, name: &str) -> Result<&'a str, ErrorData> {
    arguments
        .get(name)
        .and_then(serde_json::Value::as_str)
        .ok_or_else(|| ErrorData::invalid_params(format!("Missing argument: {name}"), None))
}
