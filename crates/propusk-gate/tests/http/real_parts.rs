//! An upstream that is protected itself, by a real identity provider.

use propusk::{
    AuthSettings, Client, ClientAuthentication, ClientKey, JwtVerifier, ScopeSet, Server,
    client::{MachineClient, TokenEndpoint},
};
use propusk_gate::credentials::ClientCredentials;
use propusk_testing::identity_provider::{Endpoint, IdentityProvider, Options};
use serde_json::json;
use tokio::net::TcpListener;

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
        let known = provider.client(id).expect("a client");
        let client = match &known.key {
            Some(key) => {
                let own = ClientKey::from_pem(&key.pem)
                    .expect("a key")
                    .with_key_id(&*key.kid);
                MachineClient::authenticated(ClientAuthentication::private_key_jwt(id, own))
            }
            None => MachineClient::secret(id, known.secret.clone().unwrap_or_default()),
        };
        let endpoint = TokenEndpoint::new(provider.url(Endpoint::Token), client);
        let endpoint = endpoint.expect("an endpoint").issuer(provider.issuer());
        let scopes = ScopeSet::parse("notes:read").expect("scopes");
        let source = ClientCredentials::at(endpoint)
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
