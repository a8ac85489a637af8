//! An rmcp server that exists already, and the lines that protect it: `+` marks them.
//! `cargo run -p protect-an-rmcp-server`, then call it with the token `secret-token-123`.

use std::sync::Arc;

use propusk::{AccessToken, AuthLayer, AuthSettings, FixedTokens, server::RequestCaller}; // +
use rmcp::{
    RoleServer,
    service::RequestContext,
    tool, tool_router,
    transport::streamable_http_server::{
        StreamableHttpServerConfig, StreamableHttpService, session::local::LocalSessionManager,
    },
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
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mcp = StreamableHttpService::new(
        || Ok(Existing),
        Arc::new(LocalSessionManager::default()),
        StreamableHttpServerConfig::default(),
    );
    let tokens = FixedTokens::new().with("secret-token-123", AccessToken::new("alice")); // +
    let auth = AuthLayer::new(AuthSettings::new("http://127.0.0.1:8001/mcp")?, tokens); // +
    let app = axum::Router::new().nest_service("/mcp", mcp).layer(auth); // +
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8001").await?;
    println!("listening on http://127.0.0.1:8001/mcp");
    axum::serve(listener, app).await?;
    Ok(())
}
