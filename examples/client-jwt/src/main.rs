//! Calls a tool with a JSON Web Token. A ready one, in the environment variable `PROPUSK_TOKEN`:
//! `cargo run -p client-jwt -- http://127.0.0.1:8000/mcp whoami`. Or one that this program signs
//! itself with a private key (PKCS #8 in PEM), whose public half the server knows:
//! `cargo run -p client-jwt -- http://127.0.0.1:8000/mcp whoami key.pem`.

use std::{env, error::Error, fs};

use propusk::{
    Client, ClientKey, InvalidClientKey, ScopeSet,
    client::{ClientError, SelfSigned},
};
use serde_json::json;

/// Who signs, as the server knows it.
const ISSUER: &str = "https://jobs.example";

/// A token that somebody else signed: passed on as it is.
fn with_ready(client: Client, jwt: String) -> Client {
    client.bearer(jwt)
}

/// Tokens for this very server, signed here, each good for five minutes.
fn with_own(client: Client, pem: &str, scopes: ScopeSet) -> Result<Client, InvalidClientKey> {
    let key = ClientKey::from_pem(pem)?.with_key_id("2026");
    let tokens = SelfSigned::new(ISSUER, "nightly-report", key).scopes(scopes);
    Ok(client.tokens(tokens))
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
    let client = Client::new(url);
    let client = match env::args().nth(3) {
        Some(file) => {
            let scopes = ScopeSet::parse("reports:read")?;
            with_own(client, &fs::read_to_string(file)?, scopes)?
        }
        None => with_ready(client, env::var("PROPUSK_TOKEN")?),
    };
    println!("{}", call(client, &tool).await?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use propusk::{
        AccessToken, AuthSettings, JwtVerifier, Server,
        client::{DpopKey, HttpSettings, ProtectedServer, TokenSource},
        server::scopes,
        tool_router,
    };
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

        #[tool(description = "Reads the report", meta = scopes(["reports:read"]))]
        async fn report(&self) -> String {
            "all is well".to_owned()
        }
    }

    /// A server that knows the public half of this key.
    async fn server(pem: &str) -> Result<String, Box<dyn Error>> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/mcp", listener.local_addr()?);
        let mut public = ClientKey::from_pem(pem)?.public_jwk().ok_or("RSA")?;
        public.insert("kid".to_owned(), "2026".into());
        let keys = json!({"keys": [public]}).to_string();
        let verifier = JwtVerifier::from_keys(ISSUER, &url, &keys)?;
        let server = Server::new(Demo).auth(AuthSettings::new(&url)?, verifier);
        tokio::spawn(server.serve_on(listener, std::future::pending()));
        Ok(url)
    }

    #[tokio::test]
    async fn signed_here_and_signed_before() {
        let pem = DpopKey::generate().expect("a key").to_pem();
        let url = server(&pem).await.expect("a server");
        let client = || Client::new(&*url);
        let scopes = || ScopeSet::parse("reports:read").expect("scopes");
        for (tool, answer) in [("whoami", "nightly-report"), ("report", "all is well")] {
            let own = with_own(client(), &pem, scopes()).expect("a key");
            assert_eq!(call(own, tool).await.expect("answered"), answer);
        }
        let none = with_own(client(), &pem, ScopeSet::default()).expect("a key");
        let error = call(none, "report").await.expect_err("without the scope");
        assert!(error.is_forbidden(), "{error}");
        let stranger = DpopKey::generate().expect("a key").to_pem();
        let stranger = with_own(client(), &stranger, scopes()).expect("a key");
        let error = call(stranger, "whoami").await.expect_err("not known");
        assert!(error.is_unauthenticated(), "{error}");

        let key = ClientKey::from_pem(&pem)
            .expect("a key")
            .with_key_id("2026");
        let server = ProtectedServer::new(&*url, HttpSettings::default());
        let jwt = SelfSigned::new(ISSUER, "alice", key).token(&server).await;
        let jwt = jwt.expect("signed").expect("a token");
        let ready = with_ready(client(), jwt.secret().expose_secret().to_owned());
        assert_eq!(call(ready, "whoami").await.expect("answered"), "alice");
    }
}
