//! Tokens for programs that nobody signs in for: each grant over real sockets, and what a server
//! that misbehaves gets of their credentials.

mod attacks;
mod client_credentials;
mod enterprise;
mod self_signed;
mod workload;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use propusk::{
    Client,
    client::{ClientError, DpopKey, Era, TokenSource},
};
use serde_json::{Value, json};

use crate::{
    sign_in::world::{Answer, Asked, TOKEN, World, changed},
    support::{Front, Scoped, soon},
};

/// In every credential of these tests, and in nothing else.
const SECRET: &str = "credential-hunter3";

/// A server with real tools, which names this authorization server.
async fn site(world: &World) -> Scoped {
    let issuer = world.origin();
    Scoped::start(Front::Server, |settings| {
        settings
            .authorization_server(issuer)
            .require_scopes("notes:read")
            .expect("a scope")
    })
    .await
}

/// A token answer with a token for these scopes, and other members besides.
fn gives(scopes: &str, members: &Value) -> Answer {
    let text = format!("ok~{}", scopes.replace(' ', "~").replace(':', "."));
    let answer = json!({"access_token": text, "token_type": "Bearer", "expires_in": 3600});
    Answer::Json(200, changed(answer, members))
}

pub(crate) fn client(url: &str, source: impl TokenSource) -> Client {
    Client::new(url).era(Era::Modern).tokens(source)
}

/// Connects and calls one tool.
pub(crate) async fn call(client: &Client, tool: &str) -> Result<(), ClientError> {
    soon(async {
        let session = client.clone().connect().await?;
        let called = session.call_tool(tool.to_owned(), json!({})).await;
        session.close().await;
        called.map(drop)
    })
    .await
}

/// The requests to the token endpoint.
fn token_requests(world: &World) -> Vec<Asked> {
    let log = world.log().into_iter();
    log.filter(|asked| asked.route() == "POST /token").collect()
}

/// The payload of a JSON Web Token.
fn payload(jwt: &str) -> Value {
    part(jwt, 1)
}

fn part(jwt: &str, index: usize) -> Value {
    let part = jwt.split('.').nth(index).expect("three parts");
    let json = URL_SAFE_NO_PAD.decode(part).expect("base64url");
    serde_json::from_slice(&json).expect("JSON")
}

/// A new key: its PEM, and its public half.
fn key() -> (String, Value) {
    let key = DpopKey::generate().expect("a key");
    let proof = key.proof("GET", "http://localhost/", None, None);
    let jwk = part(&proof.expect("a proof"), 0)["jwk"].clone();
    (key.to_pem().to_string(), jwk)
}

/// Nothing secret is in an error, with all its causes.
#[track_caller]
fn says_no_secret(error: &ClientError) {
    let shown = format!("{error} {error:?} {:?}", std::error::Error::source(error));
    for secret in [SECRET, TOKEN] {
        assert!(!shown.contains(secret), "{shown}");
    }
}
