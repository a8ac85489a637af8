//! Calls a token-protected MCP server: `PROPUSK_TOKEN=secret-token-123 cargo run -p hello-client`.

use propusk::Client;
use serde_json::json;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args()
        .nth(1)
        .unwrap_or("http://127.0.0.1:8000/mcp".to_owned());
    let token = std::env::var("PROPUSK_TOKEN")?;

    let session = Client::new(url).bearer(token).connect().await?;
    for tool in session.list_tools().await? {
        println!("{}: {}", tool.name, tool.description.unwrap_or_default());
    }
    let reply = session
        .call_tool("echo", json!({ "message": "hello" }))
        .await?;
    println!(
        "{}",
        reply.content[0].as_text().map_or("", |text| &text.text)
    );
    session.close().await;
    Ok(())
}
