//! What the client does once it is connected.

use propusk::client::{ClientError, Session};
use serde_json::{Value, json};

use crate::{context::Context, user::User};

type Done = Result<(), ClientError>;

/// Does what the scenario asks for; where it asks for nothing in particular, all that is offered.
pub(crate) async fn run(session: &Session<User>, context: &Context) -> Done {
    let tools = session.list_tools().await?;
    match &*context.scenario {
        "tools_call" => call(session, "add_numbers", json!({"a": 5, "b": 3})).await,
        "sep-2322-client-request-state" => questions(session).await,
        "http-custom-headers" => {
            for (name, arguments) in context.calls() {
                call(session, &name, arguments).await?;
            }
            Ok(())
        }
        "json-schema-2020-12-preservation" => {
            let tool = tools
                .iter()
                .find(|tool| tool.name == "json_schema_2020_12_tool");
            let schema = tool.map(|tool| Value::Object((*tool.input_schema).clone()));
            call(session, "json_schema_echo", json!({"schema": schema})).await
        }
        _ => {
            for tool in tools {
                call(session, &tool.name, arguments(&tool.input_schema)).await?;
            }
            the_rest(session).await
        }
    }
}

async fn call(session: &Session<User>, name: &str, arguments: Value) -> Done {
    let result = session.call_tool(name, arguments).await?;
    tracing::info!(name, is_error = ?result.is_error, "called");
    Ok(())
}

/// A text for each argument that must be there.
fn arguments(schema: &serde_json::Map<String, Value>) -> Value {
    let required = schema.get("required").and_then(Value::as_array);
    let names = required.into_iter().flatten().filter_map(Value::as_str);
    names.map(|name| (name.to_owned(), json!("x"))).collect()
}

/// Tools that ask back: two at once, so that the state of one could end up in the other.
async fn questions(session: &Session<User>) -> Done {
    let none = || Value::Null;
    let (echo, unrelated) = tokio::join!(
        call(session, "test_mrtr_echo_state", none()),
        call(session, "test_mrtr_unrelated", none()),
    );
    echo?;
    unrelated?;
    call(session, "test_mrtr_no_state", none()).await?;
    call(session, "test_mrtr_unrelated", none()).await?;
    call(session, "test_mrtr_no_result_type", none()).await
}

/// Prompts and resources, where the server has any.
async fn the_rest(session: &Session<User>) -> Done {
    let Some(server) = session.peer_info() else {
        return Ok(());
    };
    if server.capabilities.prompts.is_some() {
        for prompt in session.list_all_prompts().await? {
            let asked = rmcp::model::GetPromptRequestParams::new(prompt.name);
            session.get_prompt(asked).await?;
        }
    }
    if server.capabilities.resources.is_some() {
        for resource in session.list_all_resources().await? {
            let uri = resource.uri.clone();
            let asked = rmcp::model::ReadResourceRequestParams::new(uri);
            session.read_resource(asked).await?;
        }
    }
    Ok(())
}
