//! An MCP server for whoever signs in at an identity provider:
//! `cargo run -p jwt-server -- https://login.example`, where the argument is the issuer of its JSON
//! Web Tokens. They must name `http://127.0.0.1:8000/mcp` as their audience.

use propusk::{
    AccessToken, AuthSettings, Cached, JwtVerifier, Server,
    server::{Protected, scopes},
    tool_router,
};
use rmcp::tool;

const RESOURCE: &str = "http://127.0.0.1:8000/mcp";

type Failure = Box<dyn std::error::Error>;

struct Demo;

#[tool_router(server_handler)]
impl Demo {
    #[tool(description = "Who is calling")]
    async fn whoami(&self, caller: AccessToken) -> String {
        caller.subject().to_owned()
    }

    #[tool(description = "Reads the report", meta = scopes(["reports:read"]))]
    async fn report(&self) -> String {
        "all is well".to_owned()
    }
}

/// The keys are found by the issuer's metadata when the first token comes, and clients are told to
/// sign in there.
fn server(issuer: &str, resource: &str) -> Result<Server<Demo, Protected>, Failure> {
    let verifier = JwtVerifier::from_issuer(issuer, resource)?;
    let settings = AuthSettings::new(resource)?.authorization_server(issuer);
    Ok(Server::new(Demo).auth(settings, Cached::new(verifier)))
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let issuer = std::env::args().nth(1).ok_or("name the issuer")?;
    let server = server(&issuer, RESOURCE)?;
    println!("listening on {RESOURCE} for tokens of {issuer}");
    server.serve("127.0.0.1:8000").await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use propusk::Client;
    use propusk_testing::local_issuer::LocalIssuer;
    use serde_json::json;
    use tokio::{net::TcpListener, sync::oneshot};

    use super::*;

    /// The whole server and its issuer, each over a real socket.
    #[tokio::test]
    async fn a_tool_knows_who_signed_in_and_needs_its_scope() {
        let (issuer, stranger) = (LocalIssuer::start(), LocalIssuer::start());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/mcp", listener.local_addr().expect("an address"));
        let (stop, stopped) = oneshot::channel::<()>();
        let server = server(issuer.url(), &url).expect("valid settings");
        let serving = tokio::spawn(server.serve_on(listener, async {
            let _ = stopped.await;
        }));
        let token = |scope: &str| issuer.token(&json!({"aud": url, "scope": scope}));
        let connect = |token: String| Client::new(url.as_str()).bearer(token).connect();

        let session = connect(token("reports:read")).await.expect("let in");
        for (tool, word) in [("whoami", "alice"), ("report", "all is well")] {
            let reply = session.call_tool(tool, json!({})).await;
            assert!(format!("{reply:?}").contains(word), "{tool}: {reply:?}");
        }
        session.close().await;

        let session = connect(token("")).await.expect("let in");
        let refused = session.call_tool("report", json!({})).await;
        assert!(refused.expect_err("without the scope").is_forbidden());
        session.close().await;

        for (what, bad) in [
            ("expired", issuer.token(&json!({"aud": url, "exp": 1}))),
            ("no audience", issuer.token(&json!({}))),
            (
                "another audience",
                issuer.token(&json!({"aud": "https://a.example/mcp"})),
            ),
            (
                "another key",
                stranger.token(&json!({"aud": url, "iss": issuer.url(), "iat": 1})),
            ),
            ("another issuer", stranger.token(&json!({"aud": url}))),
        ] {
            let refused = connect(bad).await.expect_err(what);
            assert!(refused.is_unauthenticated(), "{what}: {refused}");
        }
        stop.send(()).expect("it runs");
        serving.await.expect("no panic").expect("it ends well");
    }
}
