//! What the tests here share.

use propusk_testing::identity_provider::{Endpoint, IdentityProvider, Options};
use serde_json::Value;

/// The resource of these tests.
pub(crate) const RESOURCE: &str = "http://127.0.0.1:8000/mcp";

pub(crate) async fn provider() -> IdentityProvider {
    IdentityProvider::start(Options::new()).await.unwrap()
}

pub(crate) async fn get(url: &str) -> reqwest::Result<reqwest::Response> {
    let plain = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    plain.no_proxy().build()?.get(url).send().await
}

/// The JSON at an endpoint.
pub(crate) async fn json_at(provider: &IdentityProvider, endpoint: Endpoint) -> Value {
    let answer = get(&provider.url(endpoint)).await.unwrap();
    serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
}

/// The published key ids.
pub(crate) async fn key_ids(provider: &IdentityProvider) -> Vec<String> {
    let keys = json_at(provider, Endpoint::Jwks).await;
    let keys = keys["keys"].as_array().unwrap().iter();
    keys.map(|key| key["kid"].as_str().unwrap().to_owned())
        .collect()
}

/// Header and claims of a JWT, not verified.
pub(crate) fn parts(jwt: &str) -> (Value, Value) {
    // The signature is no JSON.
    let mut parts = jwt
        .split('.')
        .map(|part| serde_json::from_slice(&base64url(part)).unwrap_or_default());
    (parts.next().unwrap(), parts.next().unwrap())
}

fn base64url(text: &str) -> Vec<u8> {
    let digit = |byte: u8| -> u32 {
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        alphabet.iter().position(|letter| *letter == byte).unwrap() as u32
    };
    let chunks = text.as_bytes().chunks(4);
    chunks
        .flat_map(|chunk| {
            let bits = chunk.iter().fold(0, |bits, byte| bits << 6 | digit(*byte));
            let bits = bits << (6 * (4 - chunk.len()));
            bits.to_be_bytes()[1..chunk.len()].to_vec()
        })
        .collect()
}
