//! The gate as a client of its own.

use propusk::{AuthSettings, Client, JwtVerifier, ScopeSet, Server};
use propusk_gate::credentials::ClientCredentials;
use propusk_testing::identity_provider::{IdentityProvider, Options};
use serde_json::json;
use tokio::net::TcpListener;

use super::endpoint;
use crate::{
    gate::{ALICE, Gate, settings},
    servers::Notes,
};

/// The gate's own token opens it for callers whose tokens it would not accept.
#[tokio::test]
async fn a_protected_upstream_is_opened_with_the_gates_own_token() {
    let provider = IdentityProvider::start(Options::new())
        .await
        .expect("started");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/mcp", listener.local_addr().expect("bound"));
    let verifier = JwtVerifier::from_issuer(provider.issuer(), &url).expect("an issuer");
    let auth = AuthSettings::new(&url).expect("a URL");
    let auth = auth.require_scopes("notes:read").expect("a scope");
    let server = Server::new(Notes::new().0).auth(auth, verifier);
    tokio::spawn(server.serve_on(listener, std::future::pending()));
    assert!(Client::new(&url).bearer(ALICE).connect().await.is_err());
    for id in ["machine", "machine-jwt"] {
        let scopes = ScopeSet::parse("notes:read").expect("scopes");
        let source = ClientCredentials::at(endpoint(&provider, id))
            .resource(&url)
            .scopes(scopes);
        let gate = Gate::with(&url, settings().credentials(source), |auth| auth).await;
        let session = Client::new(gate.url()).bearer(ALICE).connect().await;
        let session = session.expect("a session");
        let read = session
            .call_tool("read", json!({}))
            .await
            .expect("an answer");
        assert_eq!(read.content[0].as_text().expect("text").text, "read");
    }
}
