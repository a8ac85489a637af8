//! `JwtVerifier` keeps the contract of all verifiers, wherever its keys are.

use propusk::{JwtVerifier, MacAlgorithm};
use propusk_testing::{
    contract::{self, RESOURCE},
    identity_provider::Endpoint,
};

use super::{
    support::{Hands, provider},
    worlds::{Jwts, Keys},
};

/// Longer than the hash of HS256.
const SECRET: &str = "a-secret-that-two-servers-share-0123456789";

#[tokio::test]
async fn keys_that_the_metadata_of_the_issuer_name() {
    let mut provider = provider().await;
    let issuer = provider.issuer().to_owned();
    let make = move |hands: &Hands| {
        let verifier = JwtVerifier::from_issuer(&issuer, RESOURCE).unwrap();
        verifier.with_clock(hands.clone())
    };
    contract::check(&mut Jwts::new(&mut provider, Keys::Published, make)).await;
}

#[tokio::test]
async fn keys_at_a_url() {
    let mut provider = provider().await;
    let (issuer, url) = (provider.issuer().to_owned(), provider.url(Endpoint::Jwks));
    let make = move |hands: &Hands| {
        let verifier = JwtVerifier::from_key_set_url(&issuer, RESOURCE, &url).unwrap();
        verifier.with_clock(hands.clone())
    };
    contract::check(&mut Jwts::new(&mut provider, Keys::Published, make)).await;
}

#[tokio::test]
async fn keys_in_a_file_fixed_keys_and_a_secret() {
    let mut provider = provider().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys.json");
    std::fs::write(&file, provider.key_set().await.unwrap()).unwrap();
    let (issuer, path) = (provider.issuer().to_owned(), file.clone());
    let make = move |hands: &Hands| {
        let verifier = JwtVerifier::from_key_set_file(&issuer, RESOURCE, &path).unwrap();
        verifier.with_clock(hands.clone())
    };
    contract::check(&mut Jwts::new(&mut provider, Keys::File(file), make)).await;

    let (issuer, set) = (
        provider.issuer().to_owned(),
        provider.key_set().await.unwrap(),
    );
    let make = move |hands: &Hands| {
        let verifier = JwtVerifier::from_keys(&issuer, RESOURCE, &set).unwrap();
        verifier.with_clock(hands.clone())
    };
    contract::check(&mut Jwts::new(&mut provider, Keys::Fixed, make)).await;

    let issuer = provider.issuer().to_owned();
    let make = move |hands: &Hands| {
        let algorithm = MacAlgorithm::Hs256;
        let verifier =
            JwtVerifier::from_secret(&issuer, RESOURCE, algorithm, SECRET.as_bytes()).unwrap();
        verifier.with_clock(hands.clone())
    };
    contract::check(&mut Jwts::new(&mut provider, Keys::Secret(SECRET), make)).await;
}
