//! An rmcp server that exists already, and the lines that protect it: `+` marks them.
//! `cargo run -p protect-an-rmcp-server`, then call it with the token `secret-token-123`.

use propusk::server::{RequestCaller, mount, scopes}; // +
use propusk::{AccessToken, AuthSettings, FixedTokens}; // +
use rmcp::{
    RoleServer, service::RequestContext, tool, tool_router,
    transport::streamable_http_server::StreamableHttpServerConfig,
};

struct Existing;

#[tool_router(server_handler)]
impl Existing {
    #[tool(description = "Who is calling")]
    async fn whoami(&self, context: RequestContext<RoleServer>) -> String {
        context
            .caller()
            .map_or("nobody", AccessToken::subject)
            .to_owned()
    }

    #[tool(description = "Needs the scope `notes:write`", meta = scopes(["notes:write"]))] // +
    async fn forget(&self) -> String {
        "forgotten".to_owned()
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let config = StreamableHttpServerConfig::default();
    let tokens = FixedTokens::new().with("secret-token-123", AccessToken::new("alice")); // +
    let settings = AuthSettings::new("http://127.0.0.1:8001/mcp")?; // +
    let (auth, mcp) = mount(Existing, settings, tokens, config)?; // + in place of rmcp's service
    let app = axum::Router::new().nest_service("/mcp", mcp).layer(auth); // +
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8001").await?;
    println!("listening on http://127.0.0.1:8001/mcp");
    axum::serve(listener, app).await?;
    Ok(())
}
