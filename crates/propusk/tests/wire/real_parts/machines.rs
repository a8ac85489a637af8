//! Programs with credentials of their own at a real identity provider.

use propusk::{
    AuthSettings, ClientAuthentication, ClientKey, JwtVerifier, Server,
    client::{ClientCredentials, DpopKey, ErrorKind, MachineClient, TokenErrorKind},
};
use propusk_testing::identity_provider::{IdentityProvider, Options};
use tokio::net::TcpListener;

use crate::{
    machines::{call, client},
    support::Library,
};

/// An MCP server that trusts this provider; its URL.
pub(super) async fn server(provider: &IdentityProvider) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}/mcp", listener.local_addr().expect("bound"));
    let verifier = JwtVerifier::from_issuer(provider.issuer(), &url).expect("an issuer");
    let settings = AuthSettings::new(&url).expect("a URL");
    let settings = settings.authorization_server(provider.issuer());
    let settings = settings.require_scopes("notes:read").expect("a scope");
    let server = Server::new(Library::new()).auth(settings, verifier);
    tokio::spawn(server.serve_on(listener, std::future::pending()));
    url
}

/// The client of this name, as the provider knows it.
fn machine(provider: &IdentityProvider, id: &str) -> MachineClient {
    let known = provider.client(id).expect("a client");
    let secret = known.secret.clone().unwrap_or_default();
    match (&known.key, &*known.method) {
        (Some(key), _) => {
            let key = ClientKey::from_pem(&key.pem)
                .expect("a key")
                .with_key_id(&*key.kid);
            MachineClient::authenticated(ClientAuthentication::private_key_jwt(id, key))
        }
        (None, "client_secret_post") => {
            MachineClient::authenticated(ClientAuthentication::post(id, secret))
        }
        _ => MachineClient::secret(id, secret),
    }
}

/// Every client authentication, with and without DPoP and its nonces; `add` needs a step-up.
#[tokio::test]
async fn every_authentication_and_a_step_up() {
    for (options, bound) in [
        (Options::new(), false),
        (Options::new(), true),
        (Options::new().dpop_nonce(), true),
    ] {
        let provider = IdentityProvider::start(options).await.expect("started");
        let url = server(&provider).await;
        for id in ["machine", "machine-post", "machine-jwt"] {
            let mut source = ClientCredentials::new(machine(&provider, id));
            if bound {
                source = source.dpop(DpopKey::generate().expect("a key"));
            }
            let client = client(&url, source);
            for tool in ["free", "add", "free"] {
                let called = call(&client, tool).await;
                assert!(called.is_ok(), "{id}, {bound}: {tool}: {called:?}");
            }
        }
    }
}

/// A stop of the provider does not matter while the token is good; then it is not available.
#[tokio::test]
async fn an_outage_is_told_from_a_refusal() {
    let mut provider = IdentityProvider::start(Options::new())
        .await
        .expect("started");
    let url = server(&provider).await;
    let source = ClientCredentials::new(machine(&provider, "machine"));
    let holder = client(&url, source);
    call(&holder, "free").await.expect("answered");
    let (known, stranger) = (
        ClientCredentials::new(machine(&provider, "machine")),
        ClientCredentials::new(MachineClient::secret("machine", "wrong")),
    );
    let error = call(&client(&url, stranger), "free")
        .await
        .expect_err("declined");
    let kind = ErrorKind::NoToken(TokenErrorKind::Declined);
    assert_eq!(error.kind(), &kind, "{error}");

    provider.stop().await.expect("stopped");
    call(&holder, "free")
        .await
        .expect("the token is good still");
    let late = client(&url, known);
    let error = call(&late, "free").await.expect_err("not available");
    let kind = ErrorKind::NoToken(TokenErrorKind::Unavailable);
    assert_eq!(error.kind(), &kind, "{error}");
    provider.start_again().await.expect("started");
    call(&late, "free").await.expect("answered");
}
