//! Elicitation (MCP, client features): a form that is filled in line by line, or a page to go to.

use rmcp::model::{ElicitResult, ElicitationAction, ElicitationSchema};
use serde_json::{Map, Value};

use super::question::Question;
use crate::{
    output::{note, visible},
    terminal,
};

/// Asks for each field. The user sees who asks, may decline (no to the first question) and may cancel
/// (the end of the input).
pub(super) async fn fill_in(
    server: &str,
    message: &str,
    schema: &ElicitationSchema,
) -> ElicitResult {
    note(&format!("{} asks: {}", visible(server), short(message)));
    let questions = Question::all(schema);
    if let Some(secret) = questions.iter().find(|question| question.looks_secret()) {
        note(&format!(
            "careful: {:?} looks like a secret, and a server must not ask for one in this way",
            secret.label()
        ));
    }
    if !terminal::agrees("answer?").await {
        return ElicitResult::new(ElicitationAction::Decline);
    }
    let mut content = Map::new();
    for question in questions {
        match answer(&question).await {
            Some(Some(value)) => drop(content.insert(question.name, value)),
            Some(None) => {}
            None => return ElicitResult::new(ElicitationAction::Cancel),
        }
    }
    ElicitResult::new(ElicitationAction::Accept).with_content(Value::Object(content))
}

/// The value, or nothing where none is needed; `None` at the end of the input.
async fn answer(question: &Question) -> Option<Option<Value>> {
    loop {
        note(&question.text());
        let line = terminal::line().await?;
        match question.read(line.trim()) {
            Ok(value) => return Some(value),
            Err(why) => note(&why),
        }
    }
}

/// Shows a page where the server wants the user to go. Nothing is opened, and nothing of it is
/// fetched: who goes there has read where it leads.
pub(super) async fn go_to(server: &str, message: &str, url: &str) -> ElicitResult {
    let (server, shown) = (visible(server), visible(url));
    note(&format!("{server} asks: {}", short(message)));
    if !url.starts_with("https://") && !url.starts_with("http://") {
        note(&format!(
            "the address is none of the web, so nobody goes there: {shown}"
        ));
        return ElicitResult::new(ElicitationAction::Decline);
    }
    note("it wants you to open this address in your browser:");
    note(&format!("  {shown}"));
    let action = match terminal::agrees("have you opened it, or will you?").await {
        true => ElicitationAction::Accept,
        false => ElicitationAction::Decline,
    };
    ElicitResult::new(action)
}

/// A message that leaves the question in sight.
fn short(message: &str) -> String {
    const LONGEST: usize = 500;
    let message = visible(message);
    match message.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &message[..end]),
        None => message,
    }
}
