//! Client credentials: what is asked for, with what, how often.

use propusk::{
    ClientAuthentication, ClientKey,
    client::{ClientCredentials, DpopKey, ErrorKind, MachineClient, TokenErrorKind},
};
use serde_json::{Value, json};

use super::{SECRET, call, client, gives, key, payload, site, token_requests};
use crate::sign_in::world::{Answer, World};

fn with_secret() -> ClientCredentials {
    ClientCredentials::new(MachineClient::secret("nightly:report", SECRET))
}

/// RFC 6749 §4.4.2 and §2.3.1, RFC 8707 §2.2; MCP: the challenge's scopes, once for all who wait.
#[tokio::test]
async fn rfc6749_4_4_2_one_token_for_all_requests() {
    let world = World::start().await;
    let site = site(&world).await;
    world.answer("POST /token", gives("notes:read", &json!({})));
    let client = client(&site.url(), with_secret());
    let calls = (0..5).map(|_| {
        let client = client.clone();
        tokio::spawn(async move { call(&client, "free").await })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.expect("no panic").expect("answered");
    }
    let asked = world.asked("POST /token");
    assert_eq!(asked.line, "POST /token", "nothing in the URL");
    let field = |name: &str| asked.field(name);
    assert_eq!(field("grant_type").as_deref(), Some("client_credentials"));
    assert_eq!(field("resource"), Some(site.url()));
    assert_eq!(field("scope").as_deref(), Some("notes:read"));
    assert_eq!(field("client_secret"), None);
    let basic = asked.header("authorization").expect("a header");
    let pair = base64::Engine::decode(
        &base64::engine::general_purpose::STANDARD,
        basic.strip_prefix("Basic ").expect("Basic"),
    );
    let pair = String::from_utf8(pair.expect("base64")).expect("UTF-8");
    assert_eq!(pair, format!("nightly%3Areport:{SECRET}"));
}

/// RFC 8414 §2: a method that the server lists.
#[tokio::test]
async fn rfc8414_2_the_secret_goes_where_the_server_wants_it() {
    let world = World::start().await;
    let site = site(&world).await;
    world.answer("POST /token", gives("notes:read", &json!({})));
    let listed = json!({"token_endpoint_auth_methods_supported": ["client_secret_post"]});
    world.server_says(&listed);
    call(&client(&site.url(), with_secret()), "free")
        .await
        .expect("answered");
    let asked = world.asked("POST /token");
    assert_eq!(asked.field("client_secret").as_deref(), Some(SECRET));
    assert_eq!(asked.field("client_id").as_deref(), Some("nightly:report"));
    assert_eq!(asked.header("authorization"), None);
}

/// RFC 7523 §3: the issuer is the audience, so that no other server can use the assertion.
#[tokio::test]
async fn rfc7523_3_an_assertion_for_the_issuer() {
    let world = World::start().await;
    let site = site(&world).await;
    world.answer("POST /token", gives("notes:read", &json!({})));
    let key = ClientKey::from_pem(&key().0).expect("a key");
    let by = ClientAuthentication::private_key_jwt("report", key);
    let source = ClientCredentials::new(MachineClient::authenticated(by));
    call(&client(&site.url(), source), "free")
        .await
        .expect("answered");
    let asked = world.asked("POST /token");
    let assertion = payload(&asked.field("client_assertion").expect("an assertion"));
    assert_eq!(assertion["aud"], world.origin());
    assert_eq!(assertion["iss"], "report");
    assert_eq!(assertion["sub"], "report");
}

/// RFC 8414 §2: a server for machines alone has no page to sign in at, and no PKCE.
#[tokio::test]
async fn rfc8414_2_a_server_that_signs_nobody_in() {
    let world = World::start().await;
    let site = site(&world).await;
    world.answer("POST /token", gives("notes:read", &json!({})));
    world.server_says(&json!({
        "authorization_endpoint": null, "registration_endpoint": null,
        "response_types_supported": [], "code_challenge_methods_supported": null,
    }));
    call(&client(&site.url(), with_secret()), "free")
        .await
        .expect("answered");
}

/// A method or an algorithm that is not listed is no reason to try it.
#[tokio::test]
async fn what_the_server_does_not_list_is_not_sent() {
    let methods = "token_endpoint_auth_methods_supported";
    let algorithms = "token_endpoint_auth_signing_alg_values_supported";
    for listed in [
        json!({methods: ["client_secret_basic"]}),
        json!({methods: ["private_key_jwt"], algorithms: ["RS256"]}),
    ] {
        let world = World::start().await;
        let site = site(&world).await;
        world.server_says(&listed);
        let key = ClientKey::from_pem(&key().0).expect("a key");
        let by = ClientAuthentication::private_key_jwt("report", key);
        let source = ClientCredentials::new(MachineClient::authenticated(by));
        let error = call(&client(&site.url(), source), "free").await;
        let error = error.expect_err("no token");
        let kind = ErrorKind::NoToken(TokenErrorKind::Misconfigured);
        assert_eq!(error.kind(), &kind, "{error}");
        assert!(token_requests(&world).is_empty(), "{listed}");
    }
}

#[tokio::test]
async fn a_token_that_has_ended_is_replaced_before_it_is_sent() {
    let world = World::start().await;
    let site = site(&world).await;
    let ended = gives("ended", &json!({"expires_in": 1e-9}));
    let answers = vec![ended, gives("notes:read", &json!({}))];
    world.answer_in_turn("POST /token", answers);
    let client = client(&site.url(), with_secret());
    for _ in 0..2 {
        call(&client, "free").await.expect("answered");
    }
    assert_eq!(token_requests(&world).len(), 2);
}

/// MCP 2026-07-28, step-up: the scopes of before and those of the challenge; once for an operation.
#[tokio::test]
async fn step_up_asks_for_the_union_and_once() {
    let both = Some("notes:read notes:write");
    for (granted, fine) in [("notes:read notes:write", true), ("notes:read x", false)] {
        let world = World::start().await;
        let site = site(&world).await;
        let answers = vec![gives("notes:read", &json!({})), gives(granted, &json!({}))];
        world.answer_in_turn("POST /token", answers);
        let client = client(&site.url(), with_secret());
        for _ in 0..3 {
            let called = call(&client, "add").await;
            assert_eq!(called.is_ok(), fine, "{granted}: {called:?}");
        }
        let asked = token_requests(&world);
        assert_eq!(asked.len(), 2, "{granted}");
        assert_eq!(asked[1].field("scope").as_deref(), both);
    }
}

/// RFC 9449 §5 and §8: a proof at the token endpoint, again with the server's nonce, and then the
/// same key at the MCP server. A client assertion is good once, so there is another one.
#[tokio::test]
async fn rfc9449_8_a_nonce_means_another_proof_and_another_assertion() {
    let world = World::start().await;
    let site = site(&world).await;
    let nonce = Answer::JsonWith(
        400,
        ("DPoP-Nonce", "nonce-1".to_owned()),
        json!({"error": "use_dpop_nonce"}),
    );
    let bound = gives("notes:read", &json!({"token_type": "DPoP"}));
    world.answer_in_turn("POST /token", vec![nonce, bound]);
    let secret = ClientKey::from_pem(&key().0).expect("a key");
    let by = ClientAuthentication::private_key_jwt("report", secret);
    let source = ClientCredentials::new(MachineClient::authenticated(by))
        .dpop(DpopKey::generate().expect("a key"));
    // This server takes no bound tokens; what matters is how it was asked.
    let _ = call(&client(&site.url(), source), "free").await;
    let asked = token_requests(&world);
    let proof = |index: usize| payload(asked[index].header("dpop").expect("a proof"));
    assert_eq!(proof(0)["nonce"], Value::Null);
    assert_eq!(proof(1)["nonce"], "nonce-1");
    assert_ne!(proof(0)["jti"], proof(1)["jti"]);
    let assertion = |index: usize| payload(&asked[index].field("client_assertion").expect("one"));
    assert_ne!(assertion(0)["jti"], assertion(1)["jti"]);
}

#[tokio::test]
async fn rfc9449_5_a_token_that_is_not_bound_is_not_used() {
    let world = World::start().await;
    let site = site(&world).await;
    world.answer("POST /token", gives("notes:read", &json!({})));
    let source = with_secret().dpop(DpopKey::generate().expect("a key"));
    let error = call(&client(&site.url(), source), "free").await;
    let kind = ErrorKind::NoToken(TokenErrorKind::Unsafe);
    assert_eq!(error.expect_err("not used").kind(), &kind);
}
