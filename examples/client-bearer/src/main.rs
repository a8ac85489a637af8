//! Calls a tool with a bearer token, and explains a refusal:
//! `cargo run -p client-bearer -- http://127.0.0.1:8000/mcp whoami`, with the token in the
//! environment variable `PROPUSK_TOKEN`, or in the file that `PROPUSK_TOKEN_FILE` names. The file is
//! read again when the server no longer takes the token.

use std::env;

use propusk::{
    Challenge, Client,
    client::{ClientError, TokenProvider},
};
use serde_json::json;

async fn call(client: Client, tool: &str) -> Result<String, ClientError> {
    let session = client.connect().await?;
    let reply = session.call_tool(tool, json!({})).await;
    session.close().await;
    let texts = reply?.content.into_iter();
    Ok(texts
        .filter_map(|part| Some(part.as_text()?.text.clone()))
        .collect())
}

fn from_file(client: Client, file: String) -> Client {
    client.tokens(TokenProvider::new(move || {
        let text = std::fs::read_to_string(&file);
        async { Ok(text?) }
    }))
}

/// What the server asked for, where it refused.
fn explain(error: &ClientError) -> String {
    let scope = error.challenge().and_then(Challenge::scope);
    match scope {
        Some(scope) => format!("{error}; the token needs: {scope}"),
        None => error.to_string(),
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = env::args().nth(1).ok_or("the server's URL is missing")?;
    let tool = env::args().nth(2).ok_or("the tool is missing")?;
    let client = match env::var("PROPUSK_TOKEN_FILE") {
        Ok(file) => from_file(Client::new(url), file),
        Err(_) => Client::new(url).bearer(env::var("PROPUSK_TOKEN")?),
    };
    println!(
        "{}",
        call(client, &tool).await.map_err(|error| explain(&error))?
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use propusk::{AccessToken, AuthSettings, FixedTokens, Server, server::scopes, tool_router};
    use rmcp::tool;
    use tokio::net::TcpListener;

    use super::*;

    struct Demo;

    #[tool_router(server_handler)]
    impl Demo {
        #[tool(description = "Who is calling")]
        async fn whoami(&self, caller: AccessToken) -> String {
            caller.subject().to_owned()
        }

        #[tool(description = "Needs more", meta = scopes(["notes:write"]))]
        async fn write(&self) -> String {
            "written".to_owned()
        }
    }

    async fn server() -> Result<String, Box<dyn std::error::Error>> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/mcp", listener.local_addr()?);
        let tokens = FixedTokens::new().with("alice-token", AccessToken::new("alice"));
        let server = Server::new(Demo).auth(AuthSettings::new(&url)?, tokens);
        tokio::spawn(server.serve_on(listener, std::future::pending()));
        Ok(url)
    }

    #[tokio::test]
    async fn a_token_of_the_environment_and_one_of_a_file() {
        let url = server().await.expect("a server");
        let client = || Client::new(&*url);
        let said = call(client().bearer("alice-token"), "whoami").await;
        assert_eq!(said.expect("answered"), "alice");
        let error = call(client().bearer("alice-token"), "write").await;
        let shown = explain(&error.expect_err("needs more"));
        assert!(shown.contains("notes:write"), "{shown}");

        let name = format!("client-bearer-{}", std::process::id());
        let file = env::temp_dir().join(name);
        std::fs::write(&file, "alice-token\n").expect("written");
        let client = from_file(client(), file.to_string_lossy().into_owned());
        let said = call(client.clone(), "whoami").await;
        assert_eq!(said.expect("answered"), "alice");
        std::fs::remove_file(&file).expect("removed");
        let error = call(Client::new(&*url).bearer("other"), "whoami").await;
        assert!(error.expect_err("unknown").is_unauthenticated());
    }
}
