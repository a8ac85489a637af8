//! Enterprise-managed authorization: two exchanges, and what each server gets to see.

use std::time::SystemTime;

use propusk::client::{EnterpriseIdp, EnterpriseManaged, ErrorKind, MachineClient, TokenErrorKind};
use serde_json::{Value, json};

use super::{SECRET, call, client, gives, says_no_secret, site, token_requests};
use crate::{
    sign_in::world::{Answer, World, changed},
    support::{Scoped, Signer},
};

const IDP_SECRET: &str = "idp-hunter4";
const ID_TOKEN: &str = "id.token.hunter5";

fn source(idp: &World) -> EnterpriseManaged {
    let endpoint = format!("{}/token", idp.origin());
    let at_idp = MachineClient::secret("desktop", IDP_SECRET);
    let idp = EnterpriseIdp::new(idp.origin(), endpoint, at_idp);
    let here = MachineClient::secret("here", SECRET);
    EnterpriseManaged::new(idp, here, || std::future::ready(Ok(ID_TOKEN.to_owned())))
}

/// The identity provider's answer: an assertion for the client at this server, with other claims.
fn assertion(idp: &World, world: &World, site: &Scoped, members: &Value) -> (String, Answer) {
    let now = SystemTime::UNIX_EPOCH
        .elapsed()
        .expect("after 1970")
        .as_secs();
    let claims = json!({
        "iss": idp.origin(), "sub": "alice", "aud": world.origin(), "client_id": "here",
        "jti": "1", "iat": now, "exp": now + 300, "resource": site.url(), "scope": "notes:read",
    });
    let header = json!({"typ": "oauth-id-jag+jwt", "alg": "ES256"}).to_string();
    let claims = changed(claims, members).to_string();
    let assertion = Signer::new().sign(&header, &claims);
    let answer = json!({
        "access_token": assertion, "token_type": "N_A", "expires_in": 300, "scope": "notes:read",
        "issued_token_type": "urn:ietf:params:oauth:token-type:id-jag",
    });
    (assertion, Answer::Json(200, answer))
}

/// RFC 8693 §2.1, then RFC 7523 §2.1; `resource` in both.
#[tokio::test]
async fn rfc8693_2_1_the_id_token_stays_at_the_identity_provider() {
    let (idp, world) = (World::start().await, World::start().await);
    let site = site(&world).await;
    let (assertion, answer) = assertion(&idp, &world, &site, &json!({}));
    idp.answer("POST /token", answer);
    world.answer("POST /token", gives("notes:read", &json!({})));
    call(&client(&site.url(), source(&idp)), "free")
        .await
        .expect("answered");

    let exchanged = idp.asked("POST /token");
    for (name, expected) in [
        (
            "grant_type",
            "urn:ietf:params:oauth:grant-type:token-exchange",
        ),
        (
            "requested_token_type",
            "urn:ietf:params:oauth:token-type:id-jag",
        ),
        (
            "subject_token_type",
            "urn:ietf:params:oauth:token-type:id_token",
        ),
        ("subject_token", ID_TOKEN),
        ("audience", &world.origin()),
        ("resource", &site.url()),
        ("scope", "notes:read"),
    ] {
        assert_eq!(exchanged.field(name).as_deref(), Some(expected), "{name}");
    }
    assert!(exchanged.header("authorization").is_some());
    let redeemed = world.asked("POST /token");
    let grant = "urn:ietf:params:oauth:grant-type:jwt-bearer";
    assert_eq!(redeemed.field("grant_type").as_deref(), Some(grant));
    assert_eq!(redeemed.field("assertion"), Some(assertion));
    assert_eq!(redeemed.field("resource"), Some(site.url()));

    for (server, foreign) in [(&world, [IDP_SECRET, ID_TOKEN]), (&idp, [SECRET, "ok~"])] {
        let seen = format!("{:?}", server.log());
        assert!(
            !foreign.iter().any(|secret| seen.contains(secret)),
            "{seen}"
        );
    }
}

/// An assertion that is not for this very use is not presented.
#[tokio::test]
async fn an_assertion_for_something_else_is_not_presented() {
    for members in [
        json!({"aud": "https://other.example"}),
        json!({"client_id": "other"}),
        json!({"iss": "https://other.example"}),
        json!({"resource": "https://other.example/mcp"}),
        json!({"exp": 1}),
        json!({"jti": null}),
        json!({"scope": "notes:read admin"}),
    ] {
        let (idp, world) = (World::start().await, World::start().await);
        let site = site(&world).await;
        idp.answer("POST /token", assertion(&idp, &world, &site, &members).1);
        let error = call(&client(&site.url(), source(&idp)), "free").await;
        let error = error.expect_err("not presented");
        let kind = ErrorKind::NoToken(TokenErrorKind::Unsafe);
        assert_eq!(error.kind(), &kind, "{members}: {error}");
        assert!(token_requests(&world).is_empty(), "{members}");
    }
}

#[tokio::test]
async fn a_refusal_of_the_identity_provider_says_what_to_do() {
    for (status, code, kind) in [
        (400, "invalid_grant", TokenErrorKind::LoginRequired),
        (400, "access_denied", TokenErrorKind::Declined),
        (401, "invalid_client", TokenErrorKind::Declined),
        (503, "temporarily_unavailable", TokenErrorKind::Unavailable),
    ] {
        let (idp, world) = (World::start().await, World::start().await);
        let site = site(&world).await;
        let says = json!({"error": code, "error_description": ID_TOKEN});
        idp.answer("POST /token", Answer::Json(status, says));
        let error = call(&client(&site.url(), source(&idp)), "free").await;
        let error = error.expect_err("refused");
        assert_eq!(error.kind(), &ErrorKind::NoToken(kind), "{error}");
        let shown = format!("{error} {error:?}");
        assert!(shown.contains(code), "{shown}");
        assert!(!shown.contains(ID_TOKEN), "{shown}");
        says_no_secret(&error);
        assert!(token_requests(&world).is_empty(), "{code}");
    }
}

/// The user's ID token goes nowhere unencrypted, and follows no redirect.
#[tokio::test]
async fn the_id_token_is_not_sent_to_places_that_are_not_safe() {
    let (world, thief) = (World::start().await, World::start().await);
    let site = site(&world).await;
    let at = |endpoint: &str| {
        let at_idp = MachineClient::secret("desktop", IDP_SECRET);
        let idp = EnterpriseIdp::new("https://idp.example", endpoint, at_idp);
        let here = MachineClient::secret("here", SECRET);
        EnterpriseManaged::new(idp, here, || std::future::ready(Ok(ID_TOKEN.to_owned())))
    };
    for endpoint in ["http://idp.example/token", "file:///tmp/x", "no URL"] {
        let error = call(&client(&site.url(), at(endpoint)), "free").await;
        let error = error.expect_err(endpoint);
        assert!(matches!(error.kind(), ErrorKind::NoToken(_)), "{error}");
    }
    let idp = World::start().await;
    let to = format!("{}/token", thief.origin());
    idp.answer("POST /token", Answer::Redirect(307, to));
    let error = call(&client(&site.url(), source(&idp)), "free").await;
    let kind = ErrorKind::NoToken(TokenErrorKind::Unsafe);
    assert_eq!(error.expect_err("unsafe").kind(), &kind);
    assert!(thief.log().is_empty());
    assert!(token_requests(&world).is_empty());
}
