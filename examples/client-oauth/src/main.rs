//! Signs its user in with a browser, keeps the login, and calls a tool:
//! `cargo run -p client-oauth -- https://mcp.example.com/mcp whoami`. The second time nobody is
//! asked; a tool that needs more scopes asks for them.

use std::{env, error::Error, path::Path};

use propusk::{
    Client,
    client::{
        AuthorizationCode, Browser, ClientError, FileLogins, InteractiveLogin, SystemBrowser,
    },
};
use serde_json::json;

/// A client whose user signs in with this browser; the logins are kept in this folder, for their
/// owner alone.
fn client(url: &str, folder: &Path, browser: impl Browser) -> Client {
    let flow = AuthorizationCode::new("client-oauth");
    let tokens = InteractiveLogin::new(FileLogins::new(folder), flow, browser);
    Client::new(url).tokens(tokens)
}

async fn call(client: Client, tool: &str) -> Result<String, ClientError> {
    let session = client.connect().await?;
    let reply = session.call_tool(tool, json!({})).await;
    session.close().await;
    let texts = reply?.content.into_iter();
    Ok(texts
        .filter_map(|part| Some(part.as_text()?.text.clone()))
        .collect())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = env::args().nth(1).ok_or("the server's URL is missing")?;
    let tool = env::args().nth(2).ok_or("the tool is missing")?;
    let home = env::home_dir().ok_or("there is no home folder")?;
    let client = client(&url, &home.join(".client-oauth"), SystemBrowser);
    println!("{}", call(client, &tool).await?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use axum::{
        Router,
        http::{
            HeaderMap, HeaderName, StatusCode, Uri,
            header::{CONTENT_TYPE, LOCATION},
        },
        routing::{get, post},
    };
    use propusk::{
        AccessToken, AuthSettings, FixedTokens, Server,
        client::{AuthorizationUrl, Redirect, TokenError, TokenErrorKind},
        tool_router,
    };
    use rmcp::tool;
    use serde_json::Value;
    use tokio::net::TcpListener;

    use super::*;

    struct Demo;

    #[tool_router(server_handler)]
    impl Demo {
        #[tool(description = "Who is calling")]
        async fn whoami(&self, caller: AccessToken) -> String {
            caller.subject().to_owned()
        }
    }

    /// An authorization server that asks nobody; its issuer.
    async fn issuer() -> std::io::Result<String> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let issuer = format!("http://{}", listener.local_addr()?);
        let metadata = json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{issuer}/authorize"),
            "token_endpoint": format!("{issuer}/token"),
            "registration_endpoint": format!("{issuer}/register"),
            "response_types_supported": ["code"],
            "code_challenge_methods_supported": ["S256"],
        });
        let token = json!({"access_token": "alice-token", "token_type": "Bearer"});
        let register = |asked: String| async move {
            let asked: Value = serde_json::from_str(&asked).expect("JSON");
            let uris = &asked["redirect_uris"];
            (
                StatusCode::CREATED,
                as_json(&json!({"client_id": "it", "redirect_uris": uris})),
            )
        };
        let app = Router::new()
            .route(
                "/.well-known/oauth-authorization-server",
                get(|| async move { as_json(&metadata) }),
            )
            .route("/register", post(register))
            .route("/authorize", get(authorize))
            .route("/token", post(|| async move { as_json(&token) }));
        tokio::spawn(axum::serve(listener, app).into_future());
        Ok(issuer)
    }

    fn as_json(value: &Value) -> ([(HeaderName, &'static str); 1], String) {
        ([(CONTENT_TYPE, "application/json")], value.to_string())
    }

    async fn authorize(uri: Uri) -> (StatusCode, HeaderMap) {
        let url = reqwest::Url::parse(&format!("http://here{uri}")).expect("a URL");
        let asked = |name: &str| {
            let found = url.query_pairs().find(|(own, _)| own == name);
            found.expect("a parameter").1.into_owned()
        };
        let mut back = reqwest::Url::parse(&asked("redirect_uri")).expect("a URL");
        let state = asked("state");
        back.query_pairs_mut()
            .extend_pairs([("code", "c"), ("state", &state)]);
        let mut headers = HeaderMap::new();
        headers.insert(LOCATION, back.as_str().parse().expect("a header"));
        (StatusCode::FOUND, headers)
    }

    /// Goes to the page and follows where it leads; counts the visits.
    #[derive(Clone, Default)]
    struct Headless(Arc<AtomicUsize>);

    impl Browser for Headless {
        async fn authorize(
            &self,
            url: &AuthorizationUrl,
            redirect: Redirect,
        ) -> Result<String, TokenError> {
            self.0.fetch_add(1, Ordering::Relaxed);
            let page = url.as_str().to_owned();
            let visit = tokio::spawn(async move { reqwest::get(page).await });
            let back = redirect.wait().await;
            let seen = visit.await.map_err(|error| error.to_string());
            match seen.and_then(|page| page.map_err(|error| error.to_string())) {
                Ok(_) => back,
                Err(why) => Err(TokenError::new(TokenErrorKind::Unavailable, why)),
            }
        }
    }

    #[tokio::test]
    async fn the_user_signs_in_once() {
        let issuer = issuer().await.expect("an issuer");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/mcp", listener.local_addr().expect("bound"));
        let tokens = FixedTokens::new().with("alice-token", AccessToken::new("alice"));
        let settings = AuthSettings::new(&url).expect("a URL");
        let server = Server::new(Demo).auth(settings.authorization_server(issuer), tokens);
        tokio::spawn(server.serve_on(listener, std::future::pending()));

        let folder = tempfile::TempDir::new().expect("a folder");
        let browser = Headless::default();
        for _ in 0..2 {
            let client = client(&url, &folder.path().join("logins"), browser.clone());
            assert_eq!(call(client, "whoami").await.expect("answered"), "alice");
        }
        assert_eq!(browser.0.load(Ordering::Relaxed), 1);
    }
}
