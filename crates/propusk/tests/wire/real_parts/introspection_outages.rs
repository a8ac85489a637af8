//! The identity server is down, slow or wrong: 503, and never a 401 for a good token.

use propusk::{ClientAuthentication, IntrospectionVerifier, JwtVerifier, Routing};
use propusk_testing::{
    contract::RESOURCE,
    identity_provider::{Endpoint, Fault, IdentityProvider},
};
use serde_json::json;

use super::{
    contract_opaque::credentials,
    support::{Elsewhere, Hands, Protected, opaque, provider, signed_in, until},
};

/// As `propusk serve` does it: JSON Web Tokens by the keys of the issuer, the rest by asking.
async fn server(provider: &IdentityProvider, hands: &Hands) -> Protected {
    let issuer = provider.issuer();
    let (client, _) = credentials(provider, "resource-server");
    let jwt = JwtVerifier::from_issuer(issuer, RESOURCE).unwrap();
    let introspection = IntrospectionVerifier::from_issuer(issuer, RESOURCE, client()).unwrap();
    let verifier = Routing::new()
        .issuer(issuer, jwt.with_clock(hands.clone()))
        .otherwise(introspection.with_clock(hands.clone()));
    Protected::start(issuer, verifier).await
}

async fn asked(provider: &IdentityProvider) -> u64 {
    provider.counts().await.unwrap().of(Endpoint::Introspection)
}

#[tokio::test]
async fn down_at_the_start_and_later_and_healthy_by_itself() {
    let mut provider = provider().await;
    let (seen, unseen) = (opaque(&provider).await, opaque(&provider).await);
    provider.stop().await.unwrap();
    // By the clock of this machine, that nobody moves on.
    let server = server(&provider, &Hands::default()).await;
    for _ in 0..5 {
        assert_eq!(server.said(&seen).await, "503");
    }
    provider.start_again().await.unwrap();
    server.comes_to("alice", &seen).await;
    provider.stop().await.unwrap();
    for _ in 0..5 {
        assert_eq!(server.said(&unseen).await, "503");
    }
    provider.start_again().await.unwrap();
    server.comes_to("alice", &unseen).await;
}

#[tokio::test]
async fn what_is_remembered_serves_until_its_ceiling() {
    let mut provider = provider().await;
    let hands = Hands::default();
    let server = server(&provider, &hands).await;
    let token = opaque(&provider).await;
    assert_eq!(server.said(&token).await, "alice");
    provider.stop().await.unwrap();
    // A slow machine may have taken half a minute to get here.
    assert_ne!(server.said(&token).await, "401");
    hands.advance(30);
    assert_eq!(server.said(&token).await, "503");
    provider.start_again().await.unwrap();
    hands.advance(10);
    server.comes_to("alice", &token).await;
}

#[tokio::test]
async fn a_revocation_is_effective_within_the_ceiling() {
    let provider = provider().await;
    let hands = Hands::default();
    let server = server(&provider, &hands).await;
    let (seen, unseen) = (opaque(&provider).await, opaque(&provider).await);
    assert_eq!(server.said(&seen).await, "alice");
    let before = asked(&provider).await;
    for _ in 0..10 {
        assert_eq!(server.said(&seen).await, "alice");
    }
    assert!(asked(&provider).await <= before + 1, "it is remembered");
    provider.revoke(&seen).await.unwrap();
    provider.revoke(&unseen).await.unwrap();
    assert_eq!(
        server.said(&unseen).await,
        "401",
        "at once where nothing was remembered"
    );
    hands.advance(30);
    assert_eq!(server.said(&seen).await, "401");
    let again = opaque(&provider).await;
    assert_eq!(server.said(&again).await, "alice");
}

#[tokio::test]
async fn slow_it_holds_up_only_those_who_must_ask() {
    let provider = provider().await;
    let hands = Hands::default();
    let server = server(&provider, &hands).await;
    let (jwt, known, unknown) = (
        signed_in(&provider).await,
        opaque(&provider).await,
        opaque(&provider).await,
    );
    assert_eq!(server.said(&jwt).await, "alice");
    assert_eq!(server.said(&known).await, "alice");
    let before = asked(&provider).await;
    provider
        .fault(Endpoint::Introspection, Fault::Stall)
        .await
        .unwrap();
    let slow = tokio::spawn({
        let (server, unknown) = (server.clone(), unknown.clone());
        async move { server.said(&unknown).await }
    });
    until("it is asked", async || asked(&provider).await > before).await;
    let mut served = 0;
    while !slow.is_finished() {
        assert_eq!(server.said(&jwt).await, "alice");
        served += 1;
    }
    assert!(served > 2, "{served}");
    assert_eq!(slow.await.unwrap(), "503", "there is a time limit");
    provider.heal(Endpoint::Introspection).await.unwrap();
    server.comes_to("alice", &unknown).await;
}

/// Answers that are none.
fn bad_answers(elsewhere: &Elsewhere) -> Vec<(Endpoint, Fault)> {
    let json = |status, body: &str| Fault::Answer {
        status,
        content_type: "application/json",
        body: body.to_owned(),
    };
    let mut answers = Vec::new();
    for endpoint in [Endpoint::Introspection, Endpoint::OauthMetadata] {
        for fault in [
            Fault::Html,
            Fault::Status(500),
            Fault::Status(503),
            Fault::Oversized(10 * 1024 * 1024),
            Fault::Disconnect,
            Fault::Redirect(elsewhere.url()),
            Fault::Redirect(elsewhere.named()),
            json(200, ""),
            json(200, "[]"),
            json(200, "{}"),
            json(200, r#"{"active":true,"active":false}"#),
        ] {
            answers.push((endpoint, fault));
        }
    }
    for fault in [
        Fault::Status(404),
        Fault::Status(429),
        json(401, r#"{"error":"invalid_client"}"#),
        json(403, r#"{"active":false}"#),
        Fault::Merge(json!({"active": null})),
    ] {
        answers.push((Endpoint::Introspection, fault));
    }
    for members in [
        json!({"issuer": "https://other.example"}),
        json!({"introspection_endpoint": null}),
        json!({"introspection_endpoint": elsewhere.named()}),
        json!({"introspection_endpoint": "http://10.0.0.1/introspect"}),
        json!({"introspection_endpoint": "https://169.254.169.254/"}),
    ] {
        answers.push((Endpoint::OauthMetadata, Fault::Merge(members)));
    }
    answers
}

#[tokio::test]
async fn a_bad_answer_is_an_outage_and_ends_by_itself() {
    let provider = provider().await;
    let elsewhere = Elsewhere::start().await;
    let token = opaque(&provider).await;
    for (endpoint, fault) in bad_answers(&elsewhere) {
        let what = format!("{endpoint:?} {fault:?}");
        let hands = Hands::default();
        let server = server(&provider, &hands).await;
        provider.fault(endpoint, fault).await.unwrap();
        for _ in 0..4 {
            assert_eq!(server.said(&token).await, "503", "{what}");
        }
        provider.heal(endpoint).await.unwrap();
        hands.advance(60);
        assert_eq!(server.said(&token).await, "alice", "after {what}");
    }
    assert_eq!(elsewhere.visits(), 0, "a token was sent elsewhere");
}

#[tokio::test]
async fn wrong_credentials_are_the_operators_problem_and_not_the_clients() {
    let provider = provider().await;
    let token = opaque(&provider).await;
    let issuer = provider.issuer();
    for client in [
        ClientAuthentication::basic("resource-server", "wrong"),
        ClientAuthentication::post("resource-server-post", "wrong"),
        ClientAuthentication::basic("nobody", "wrong"),
    ] {
        let verifier = IntrospectionVerifier::from_issuer(issuer, RESOURCE, client).unwrap();
        let server = Protected::start(issuer, verifier).await;
        assert_eq!(server.said(&token).await, "503");
    }
}
