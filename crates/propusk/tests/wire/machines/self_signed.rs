//! Tokens that a program signs itself, at a server that knows its key.

use propusk::{
    AuthSettings, ClientKey, JwtVerifier, ScopeSet, Server,
    client::{DpopKey, SelfSigned},
};
use serde_json::json;
use tokio::net::TcpListener;

use super::{call, client, key};
use crate::support::Library;

const ISSUER: &str = "https://jobs.example";

/// A server for tokens of this issuer that are signed with a new key; its URL and the key.
async fn server() -> (String, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}/mcp", listener.local_addr().expect("bound"));
    let (pem, jwk) = key();
    let keys = json!({"keys": [jwk]}).to_string();
    let verifier = JwtVerifier::from_keys(ISSUER, &url, &keys).expect("a key");
    let verifier = verifier.require_at_jwt();
    let settings = AuthSettings::new(&url).expect("a URL");
    let server = Server::new(Library::new()).auth(settings, verifier);
    tokio::spawn(server.serve_on(listener, std::future::pending()));
    (url, pem)
}

/// RFC 9068 §2: what such a token says is accepted where it should be, and nowhere else.
#[tokio::test]
async fn rfc9068_2_a_token_for_this_server_signed_with_the_known_key() {
    let (url, pem) = server().await;
    let with = |pem: &str| {
        let key = ClientKey::from_pem(pem).expect("a key");
        SelfSigned::new(ISSUER, "report", key)
            .scopes(ScopeSet::parse("notes:write").expect("scopes"))
    };
    let read_only = SelfSigned::new(ISSUER, "report", ClientKey::from_pem(&pem).expect("a key"));
    for (what, source, tool, fine) in [
        ("the key", with(&pem), "add", true),
        ("no scope", read_only, "add", false),
        ("another key", with(&key().0), "free", false),
        (
            "another audience",
            with(&pem).audience("https://other.example"),
            "free",
            false,
        ),
        (
            "its own claims stay",
            with(&pem).claim("aud", "x").claim("exp", 1),
            "add",
            true,
        ),
        (
            "with a key",
            with(&pem).dpop(DpopKey::generate().expect("a key")),
            "add",
            true,
        ),
    ] {
        let called = call(&client(&url, source), tool).await;
        assert_eq!(called.is_ok(), fine, "{what}: {called:?}");
    }
}
