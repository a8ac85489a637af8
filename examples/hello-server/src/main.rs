//! A token-protected MCP server: `cargo run -p hello-server`, then call it with the token
//! `secret-token-123`.

use propusk::{AccessToken, AuthSettings, Server, TokenVerifier, Unavailable, tool_router};
use rmcp::{handler::server::wrapper::Parameters, schemars, tool};

/// Whatever tells your users apart: a JWT, a database, an identity server.
struct MyTokenVerifier;

impl TokenVerifier for MyTokenVerifier {
    async fn verify_token(&self, token: &str) -> Result<Option<AccessToken>, Unavailable> {
        Ok((token == "secret-token-123")
            .then(|| AccessToken::new("alice").with_scope_claim("echo")))
    }
}

struct Demo;

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Echo {
    message: String,
}

#[tool_router(server_handler)]
impl Demo {
    #[tool(description = "Who is calling")]
    async fn whoami(&self, caller: AccessToken) -> String {
        caller.subject().to_owned()
    }

    #[tool(description = "Says it back")]
    async fn echo(&self, Parameters(Echo { message }): Parameters<Echo>) -> String {
        message
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let settings = AuthSettings::new("http://127.0.0.1:8000/mcp")?;
    println!("listening on {}", settings.resource());
    Server::new(Demo)
        .auth(settings, MyTokenVerifier)
        .serve("127.0.0.1:8000")
        .await?;
    Ok(())
}
