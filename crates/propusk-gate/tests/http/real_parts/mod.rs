//! Upstreams that are protected themselves, by a real identity provider.

mod assertion;
mod client_credentials;
mod id_jag;
mod kept;
mod protected;
mod token_exchange;

use std::time::Duration;

use propusk::{
    AccessToken, ClientAuthentication, ClientKey, FixedTokens,
    client::{MachineClient, TokenEndpoint},
};
use propusk_testing::identity_provider::{Endpoint, IdentityProvider};
use tokio::time::timeout;

use crate::gate::{Gate, error_of, ping};

/// Longer than anything takes; a test that waits so long has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the callers' tokens are for: the gate, on whatever port.
const HERE: &str = "http://127.0.0.1/mcp";

/// The token endpoint of this provider, for a client that authenticates as it should.
fn endpoint(provider: &IdentityProvider, id: &str) -> TokenEndpoint {
    let known = provider.client(id).expect("a client");
    let client = match &known.key {
        Some(key) => {
            let own = ClientKey::from_pem(&key.pem).expect("a key");
            let own = own.with_key_id(&*key.kid);
            MachineClient::authenticated(ClientAuthentication::private_key_jwt(id, own))
        }
        None => MachineClient::secret(id, known.secret.clone().unwrap_or_default()),
    };
    endpoint_of(provider, client)
}

fn endpoint_of(provider: &IdentityProvider, client: MachineClient) -> TokenEndpoint {
    let endpoint = TokenEndpoint::new(provider.url(Endpoint::Token), client);
    endpoint.expect("an endpoint").issuer(provider.issuer())
}

/// A verifier that believes in this token of Alice's, whatever its issuer says by now.
fn believes_in(token: &str) -> FixedTokens {
    let alice = AccessToken::new("alice").with_scope_claim("notes:read");
    FixedTokens::new().with(token, alice)
}

async fn status(gate: &Gate, token: &str) -> u16 {
    let answer = gate.post_by(token, &ping()).send().await;
    answer.expect("an answer").status().as_u16()
}

/// Asks until this is the status.
async fn until(gate: &Gate, token: &str, expected: u16) {
    let asks = async {
        while status(gate, token).await != expected {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    timeout(PATIENCE, asks).await.expect("it comes");
}

/// The gate refuses a request with this status, and says nothing of the inside.
async fn refuses(gate: &Gate, token: &str, expected: u16, inside: &[&str]) {
    let answer = gate.post_by(token, &ping()).send().await;
    let answer = answer.expect("an answer");
    let headers = format!("{:?}", answer.headers());
    let waits = answer.headers().contains_key("retry-after");
    let (status, said) = error_of(answer).await;
    assert_eq!((status, waits), (expected, expected == 503), "{said}");
    let told = format!("{headers}{said}");
    for secret in inside
        .iter()
        .copied()
        .chain([token, "invalid_", "subject_token"])
    {
        assert!(!told.contains(secret), "{told} has {secret}");
    }
}
