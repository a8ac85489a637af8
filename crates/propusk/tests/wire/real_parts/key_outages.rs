//! The issuer is down, slow or wrong: 503 where nothing is known, and business as usual where
//! something is.

use propusk::JwtVerifier;
use propusk_testing::{
    contract::RESOURCE,
    identity_provider::{Endpoint, Fault, IdentityProvider},
};
use serde_json::json;

use super::support::{Elsewhere, Hands, Protected, claims, from_now, provider, signed_in, until};

async fn server(provider: &IdentityProvider, hands: &Hands) -> Protected {
    let issuer = provider.issuer();
    let verifier = JwtVerifier::from_issuer(issuer, RESOURCE).unwrap();
    Protected::start(issuer, verifier.with_clock(hands.clone())).await
}

/// Issued this moment with a key that nobody has seen, so that the issuer has to be asked.
async fn unknown_key(provider: &IdentityProvider) -> String {
    let claims = claims(provider, &json!({"iat": from_now(0)}));
    let signed = provider.sign("stranger", json!({}), claims);
    signed.await.unwrap().jwt
}

async fn keys_asked(provider: &IdentityProvider) -> u64 {
    provider.counts().await.unwrap().of(Endpoint::Jwks)
}

#[tokio::test]
async fn down_at_the_start_and_healthy_by_itself() {
    let mut provider = provider().await;
    let token = signed_in(&provider).await;
    provider.stop().await.unwrap();
    let server = server(&provider, &Hands::default()).await;
    for _ in 0..3 {
        assert_eq!(server.said(&token).await, "503");
    }
    assert_eq!(server.said("garbage").await, "401", "nobody need be asked");
    provider.start_again().await.unwrap();
    server.comes_to("alice", &token).await;
}

#[tokio::test]
async fn down_later_known_keys_serve() {
    let mut provider = provider().await;
    let (seen, unseen) = (signed_in(&provider).await, signed_in(&provider).await);
    let known = json!({"kid": provider.sign("provider:ES256", json!({}), json!({})).await.unwrap().jwk["kid"]});
    let forged = provider
        .sign("stranger", known, claims(&provider, &json!({})))
        .await
        .unwrap()
        .jwt;
    let newer = unknown_key(&provider).await;
    let hands = Hands::default();
    let server = server(&provider, &hands).await;
    assert_eq!(server.said(&seen).await, "alice");
    provider.stop().await.unwrap();
    // At once, when the keys are old, and the next day still.
    for seconds in [0, 400, 23 * 3600] {
        hands.advance(seconds);
        for _ in 0..3 {
            assert_eq!(server.said(&seen).await, "alice", "after {seconds} s");
            assert_eq!(server.said(&unseen).await, "alice", "after {seconds} s");
            assert_eq!(server.said(&forged).await, "401", "after {seconds} s");
            assert_ne!(server.said(&newer).await, "alice", "after {seconds} s");
        }
    }
    // There is an end to it.
    hands.advance(3600);
    server.changes(&["alice"], "503", &seen).await;
    provider.start_again().await.unwrap();
    hands.advance(60);
    server.comes_to("alice", &unseen).await;
}

#[tokio::test]
async fn a_slow_issuer_holds_up_only_those_who_need_new_keys() {
    let provider = provider().await;
    let known = signed_in(&provider).await;
    let unknown = unknown_key(&provider).await;
    let hands = Hands::default();
    let server = server(&provider, &hands).await;
    assert_eq!(server.said(&known).await, "alice");
    provider.fault(Endpoint::Jwks, Fault::Stall).await.unwrap();
    hands.advance(10);
    let slow = tokio::spawn({
        let server = server.clone();
        async move { server.said(&unknown).await }
    });
    until("the keys are asked for", async || {
        keys_asked(&provider).await == 2
    })
    .await;
    let mut served = 0;
    while !slow.is_finished() {
        assert_eq!(server.said(&known).await, "alice");
        served += 1;
    }
    // One that waited for the slow one would have ended with it.
    assert!(served > 2, "{served}");
    assert_eq!(slow.await.unwrap(), "503", "there is a time limit");
    provider.heal(Endpoint::Jwks).await.unwrap();
    assert_eq!(server.said(&known).await, "alice");
}

#[tokio::test]
async fn a_slow_start_has_a_time_limit_and_costs_one_fetch() {
    let provider = provider().await;
    let token = signed_in(&provider).await;
    let hour = std::time::Duration::from_secs(3600);
    provider
        .fault(Endpoint::OauthMetadata, Fault::Delay(hour))
        .await
        .unwrap();
    let hands = Hands::default();
    let server = server(&provider, &hands).await;
    let waiting: Vec<_> = (0..20)
        .map(|_| {
            let (server, token) = (server.clone(), token.clone());
            tokio::spawn(async move { server.said(&token).await })
        })
        .collect();
    for asked in waiting {
        assert_eq!(asked.await.unwrap(), "503");
    }
    let counts = provider.counts().await.unwrap();
    assert_eq!(counts.of(Endpoint::OauthMetadata), 1);
    provider.heal(Endpoint::OauthMetadata).await.unwrap();
    hands.advance(60);
    assert_eq!(server.said(&token).await, "alice");
}

const MEGABYTES: usize = 10 * 1024 * 1024;

/// Answers of the two documents that are none.
fn bad_answers(elsewhere: &Elsewhere) -> Vec<(Endpoint, Fault)> {
    let json = |body: &str| Fault::Answer {
        status: 200,
        content_type: "application/json",
        body: body.to_owned(),
    };
    let mut answers = Vec::new();
    for endpoint in [Endpoint::Jwks, Endpoint::OauthMetadata] {
        for fault in [
            Fault::Html,
            Fault::Status(500),
            Fault::Status(503),
            Fault::Oversized(MEGABYTES),
            Fault::Disconnect,
            Fault::Redirect(elsewhere.url()),
            Fault::Redirect(elsewhere.named()),
            Fault::Redirect("http://169.254.169.254/".to_owned()),
            json(""),
            json("[]"),
            json("{"),
            json(r#"{"keys":"none","issuer":1}"#),
        ] {
            answers.push((endpoint, fault));
        }
    }
    answers.push((Endpoint::Jwks, Fault::Status(404)));
    for members in [
        json!({"keys": null}),
        json!({"keys": []}),
        json!({"keys": [{"kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0"}]}),
    ] {
        answers.push((Endpoint::Jwks, Fault::Merge(members)));
    }
    for members in [
        json!({"issuer": "https://other.example"}),
        json!({"issuer": null}),
        json!({"jwks_uri": null}),
        json!({"jwks_uri": elsewhere.named()}),
        json!({"jwks_uri": "http://169.254.169.254/keys"}),
        json!({"jwks_uri": "https://[::1]/keys"}),
        json!({"jwks_uri": "file:///etc/passwd"}),
    ] {
        answers.push((Endpoint::OauthMetadata, Fault::Merge(members)));
    }
    answers
}

#[tokio::test]
async fn a_bad_answer_is_an_outage_and_ends_by_itself() {
    let provider = provider().await;
    let elsewhere = Elsewhere::start().await;
    let token = signed_in(&provider).await;
    for (endpoint, fault) in bad_answers(&elsewhere) {
        let what = format!("{endpoint:?} {fault:?}");
        let hands = Hands::default();
        let server = server(&provider, &hands).await;
        provider.fault(endpoint, fault).await.unwrap();
        assert_eq!(server.said(&token).await, "503", "{what}");
        assert_eq!(server.said(&token).await, "503", "{what}, again");
        provider.heal(endpoint).await.unwrap();
        hands.advance(60);
        assert_eq!(server.said(&token).await, "alice", "after {what}");
    }
    assert_eq!(elsewhere.visits(), 0);
    // The other place of the metadata will do where there is nothing at the first one.
    provider
        .fault(Endpoint::OauthMetadata, Fault::Status(404))
        .await
        .unwrap();
    let server = server(&provider, &Hands::default()).await;
    assert_eq!(server.said(&token).await, "alice");
}

#[tokio::test]
async fn bad_answers_in_between_change_nothing() {
    let provider = provider().await;
    let elsewhere = Elsewhere::start().await;
    let old = signed_in(&provider).await;
    for fault in [
        Fault::Status(500),
        Fault::Html,
        Fault::Oversized(MEGABYTES),
        Fault::Redirect(elsewhere.url()),
        Fault::Disconnect,
        Fault::Answer {
            status: 200,
            content_type: "application/json",
            body: "{}".to_owned(),
        },
    ] {
        let what = format!("{fault:?}");
        let hands = Hands::default();
        let server = server(&provider, &hands).await;
        assert_eq!(server.said(&old).await, "alice");
        let asked = keys_asked(&provider).await;
        provider.fault(Endpoint::Jwks, fault).await.unwrap();
        hands.advance(400);
        until("the keys are asked for", async || {
            assert_eq!(server.said(&old).await, "alice", "{what}");
            keys_asked(&provider).await > asked
        })
        .await;
        for _ in 0..5 {
            assert_eq!(server.said(&old).await, "alice", "{what}");
        }
        provider.heal(Endpoint::Jwks).await.unwrap();
        provider.rotate().await.unwrap();
        let new = signed_in(&provider).await;
        hands.advance(60);
        server.comes_to("alice", &new).await;
        assert_eq!(server.said(&old).await, "alice", "{what}");
    }
    assert_eq!(elsewhere.visits(), 0);
}
