//! The gate as a client of its own.

use propusk::{
    AuthSettings, Client, JwtVerifier, ScopeSet, Server,
    client::{self, HttpSettings, MachineClient, ProtectedServer},
};
use propusk_gate::credentials::ClientCredentials;
use propusk_testing::identity_provider::{Endpoint, Fault, IdentityProvider, Options};
use serde_json::json;
use tokio::net::TcpListener;

use super::{endpoint, protected::Protected};
use crate::{
    gate::{ALICE, Gate, error_of, ping, settings},
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

/// Where the upstream's metadata say, if that is whom the secret is for, and the same says so itself.
#[tokio::test]
async fn rfc8414_3_3_the_gates_secret_goes_to_its_issuer_alone() {
    let provider = IdentityProvider::start(Options::new())
        .await
        .expect("started");
    let upstream = Protected::by(&provider).await;
    let machine = provider.client("machine").expect("a client");
    let secret = machine.secret.clone().expect("a secret");
    let ours = provider.issuer();
    for (case, issuer, says, expected) in [
        ("ours", ours, None, 200),
        ("another is named", "https://other.example", None, 502),
        ("it says another", ours, Some("https://other.example"), 502),
        ("it says nothing", ours, Some(""), 502),
    ] {
        for endpoint in Endpoint::METADATA {
            if let Some(says) = says {
                let fault = Fault::Merge(json!({ "issuer": says }));
                provider.fault(endpoint, fault).await.expect("faulty");
            }
        }
        provider.reset_counts().await.expect("counted");
        let client = MachineClient::secret("machine", secret.clone());
        let source = client::ClientCredentials::new(client).for_issuer(issuer);
        let server = ProtectedServer::new(&*upstream.url, HttpSettings::default());
        let set = settings().credentials(ClientCredentials::discovered(source, server));
        let gate = Gate::with(&upstream.url, set, |auth| auth).await;
        let before = upstream.seen().len();
        for _ in 0..2 {
            let (status, said) = error_of(gate.call(&ping()).await).await;
            assert_eq!(status, expected, "{case}: {said}");
            assert!(!said.to_string().contains("issuer"), "{said}");
        }
        let asked = provider.counts().await.expect("counts").of(Endpoint::Token);
        let got_in = upstream.seen().len() - before;
        let fine = usize::from(expected == 200);
        assert_eq!((asked, got_in), (fine as u64, 2 * fine), "{case}");
    }
}
