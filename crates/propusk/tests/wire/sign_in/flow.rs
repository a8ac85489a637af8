//! Servers that behave, each in its own way.

use std::time::{Duration, SystemTime};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as URL_SAFE_NO_PAD};
use propusk::{
    ScopeSet,
    client::{
        AuthorizationCode, DpopKey, HttpSettings, Login, ProtectedServer, TokenError,
        TokenErrorKind,
    },
};
use serde_json::json;

use super::{
    browser::Clicks,
    world::{Answer, CODE, REFRESH, SECRET, TOKEN, World, changed, token},
};
use crate::support::soon;

fn flow() -> AuthorizationCode {
    AuthorizationCode::new("A test")
}

async fn sign_in(
    flow: &AuthorizationCode,
    world: &World,
    browser: &Clicks,
) -> Result<Login, TokenError> {
    let server = ProtectedServer::new(world.url(), HttpSettings::default());
    soon(flow.sign_in(&server, Some(&world.challenge()), browser)).await
}

/// MCP 2026-07-28: PKCE, resource and state in the authorization request, the verifier and the
/// resource again in the token request; the client registers as a native one.
#[tokio::test]
async fn a_user_signs_in_and_the_login_says_so() {
    for browser in [Clicks::default(), Clicks::pasting()] {
        let world = World::start().await;
        let before = SystemTime::now();
        let login = sign_in(&flow(), &world, &browser).await.expect("signed in");

        let said = |name| browser.parameter(name).unwrap_or_default();
        assert_eq!(said("response_type"), "code");
        assert_eq!(said("client_id"), "registered");
        assert_eq!(said("resource"), world.url());
        assert_eq!(said("code_challenge_method"), "S256");
        assert!(said("state").len() >= 16, "it cannot be guessed");
        assert_eq!(browser.parameter("scope"), None, "nobody asked for any");

        let registered = world.asked("POST /register");
        let registered: serde_json::Value = serde_json::from_str(&registered.body).expect("JSON");
        assert_eq!(registered["application_type"], "native");
        assert_eq!(registered["client_name"], "A test");
        assert_eq!(registered["redirect_uris"], json!([said("redirect_uri")]));
        assert!(said("redirect_uri").starts_with("http://127.0.0.1:"));

        let exchanged = world.asked("POST /token");
        assert_eq!(exchanged.field("code").as_deref(), Some(CODE));
        assert_eq!(exchanged.field("resource"), Some(world.url()));
        assert_eq!(exchanged.field("redirect_uri"), Some(said("redirect_uri")));
        let verifier = exchanged.field("code_verifier").expect("PKCE");
        assert!((43..=128).contains(&verifier.len()), "RFC 7636 section 4.1");

        assert_eq!(login.key().server, world.url());
        assert_eq!(login.key().resource, world.url());
        assert_eq!(login.key().issuer, world.origin());
        assert_eq!(login.key().client_id, "registered");
        assert_eq!(login.access_token().expose_secret(), TOKEN);
        assert_eq!(login.expose_refresh_token(), Some(REFRESH));
        assert_eq!(login.scopes().to_string(), "notes:read");
        assert_eq!(login.token_endpoint(), format!("{}/token", world.origin()));
        let revocation = format!("{}/revoke", world.origin());
        assert_eq!(login.revocation_endpoint(), Some(&*revocation));
        assert_eq!(login.token_endpoint_auth_method(), Some("none"));
        let lifetime = login.expires_at().expect("known").duration_since(before);
        assert!(lifetime.expect("later") >= Duration::from_secs(3600));
        assert!(!login.is_bound_to_key());
    }
}

/// What is text stays text: the URL library would add a slash to both.
#[tokio::test]
async fn resource_and_issuer_are_used_as_they_are_written() {
    let world = World::start().await;
    world.resource_says(&json!({"resource": world.origin()}));
    let browser = Clicks::default();
    let login = sign_in(&flow(), &world, &browser).await.expect("signed in");
    assert_eq!(browser.parameter("resource"), Some(world.origin()));
    assert_eq!(
        world.asked("POST /token").field("resource"),
        Some(world.origin())
    );
    assert_eq!(login.key().resource, world.origin());
    assert_eq!(login.key().issuer, world.origin());
}

#[tokio::test]
async fn scopes_are_chosen_as_the_specification_says() {
    let explicit = || Some(ScopeSet::parse("mine").expect("a scope"));
    let cases = [
        // explicit, challenge, resource metadata, authorization server, asked for
        (None, "", json!(null), json!(null), None),
        (None, "", json!(["a", "b"]), json!(null), Some("a b")),
        (
            None,
            "",
            json!(["a", "not a scope"]),
            json!(null),
            Some("a"),
        ),
        (None, "c d", json!(["a", "b"]), json!(null), Some("c d")),
        (explicit(), "c", json!(["a"]), json!(null), Some("mine")),
        (
            None,
            "c",
            json!(null),
            json!(["c", "offline_access"]),
            Some("c offline_access"),
        ),
        (
            explicit(),
            "",
            json!(null),
            json!(["offline_access"]),
            Some("mine offline_access"),
        ),
        (None, "", json!(null), json!(["x", "offline_access"]), None),
        (
            None,
            "",
            json!(["a", "offline_access"]),
            json!(["a"]),
            Some("a"),
        ),
        (
            None,
            "",
            json!(["a", "offline_access"]),
            json!(null),
            Some("a"),
        ),
    ];
    for (explicit, challenge, of_resource, of_server, asked) in cases {
        let case = format!("{explicit:?} {challenge:?} {of_resource} {of_server}");
        let world = World::start().await;
        world.resource_says(&json!({"scopes_supported": of_resource}));
        world.server_says(&json!({"scopes_supported": of_server}));
        let flow = match explicit {
            Some(scopes) => flow().scopes(scopes),
            None => flow(),
        };
        let browser = Clicks::default();
        let server = ProtectedServer::new(world.url(), HttpSettings::default());
        let header = format!("{}, scope=\"{challenge}\"", world.challenge());
        let login = soon(flow.sign_in(&server, Some(&header), &browser)).await;
        let login = login.unwrap_or_else(|error| panic!("{case}: {error}"));
        assert_eq!(login.scopes().to_string(), "notes:read", "{case}");
        assert_eq!(browser.parameter("scope").as_deref(), asked, "{case}");
    }
}

/// MCP 2026-07-28, client registration: by hand, by document, by itself, or not at all.
#[tokio::test]
async fn the_client_is_who_it_can_be() {
    let by_hand = || flow().client_id("by-hand", None);
    let document = "https://app.example/client.json";
    let by_document = |flow: AuthorizationCode| flow.client_metadata_url(document);
    for (flow, knows_documents, registers, client) in [
        (by_document(by_hand()), true, true, Some("by-hand")),
        (by_document(flow()), true, true, Some(document)),
        (by_document(flow()), false, true, Some("registered")),
        (flow(), true, true, Some("registered")),
        (by_document(flow()), false, false, None),
    ] {
        let world = World::start().await;
        let mut says = json!({"client_id_metadata_document_supported": knows_documents});
        if !registers {
            says["registration_endpoint"] = json!(null);
        }
        world.server_says(&says);
        let browser = Clicks::default();
        let login = sign_in(&flow, &world, &browser).await;
        let Some(client) = client else {
            let error = login.expect_err("nobody knows us");
            assert_eq!(error.kind(), TokenErrorKind::Misconfigured);
            assert!(error.to_string().contains("--client-id"), "{error}");
            continue;
        };
        assert_eq!(login.expect("signed in").key().client_id, client);
        let registered = world.routes().contains(&"POST /register".to_owned());
        assert_eq!(registered, client == "registered", "{client}");
    }
}

/// RFC 6749 §2.3.1, RFC 7591 §3.2.1 and RFC 8414 §2: how a client with a secret authenticates.
#[tokio::test]
async fn a_secret_goes_to_the_token_endpoint_as_it_was_agreed() {
    let post = json!(["client_secret_post"]);
    let both = json!(["client_secret_post", "client_secret_basic"]);
    for (offered, registered, method) in [
        (json!(null), json!(null), "client_secret_basic"),
        (both.clone(), json!(null), "client_secret_basic"),
        (post, json!(null), "client_secret_post"),
        (
            both.clone(),
            json!("client_secret_post"),
            "client_secret_post",
        ),
        (
            both.clone(),
            json!("client_secret_basic"),
            "client_secret_basic",
        ),
        (both, json!("none"), "none"),
    ] {
        let world = World::start().await;
        world.server_says(&json!({"token_endpoint_auth_methods_supported": offered}));
        let client = json!({"client_id": "registered", "client_secret": SECRET,
            "redirect_uris": [], "token_endpoint_auth_method": registered});
        world.answer("POST /register", Answer::Json(201, client));
        let login = sign_in(&flow(), &world, &Clicks::default()).await;
        let login = login.expect("signed in");
        let asked = world.asked("POST /token");
        let basic = asked
            .header("authorization")
            .is_some_and(|v| v.starts_with("Basic "));
        let posted = asked.field("client_secret").as_deref() == Some(SECRET);
        let used = match (basic, posted) {
            (true, false) => "client_secret_basic",
            (false, true) => "client_secret_post",
            (false, false) => "none",
            (true, true) => "both",
        };
        assert_eq!(used, method, "{offered} {registered}");
        assert_eq!(login.token_endpoint_auth_method(), Some(method));
        let kept = login.expose_client_secret();
        assert_eq!(kept, (method != "none").then_some(SECRET));
    }
}

/// MCP 2026-07-28, authorization server location: a registration belongs to its issuer.
#[tokio::test]
async fn a_registration_is_used_again_at_the_same_issuer_only() {
    let world = World::start().await;
    let login = sign_in(&flow(), &world, &Clicks::default())
        .await
        .expect("signed in");
    let again = flow().registered_as(&login);
    let browser = Clicks::default();
    let second = sign_in(&again, &world, &browser).await.expect("signed in");
    assert_eq!(second.key().client_id, "registered");
    assert_eq!(
        browser.parameter("redirect_uri").as_deref(),
        login.redirect_uri()
    );
    world.asked("POST /register");

    let other = World::start().await;
    let third = sign_in(&again, &other, &Clicks::default())
        .await
        .expect("signed in");
    assert_eq!(third.key().issuer, other.origin());
    other.asked("POST /register");
}

/// The 2025-03-26 revision: metadata of an authorization server at the origin of the MCP server, and
/// none of RFC 9728.
#[tokio::test]
async fn a_server_of_2025_03_26_is_its_own_authorization_server() {
    let world = World::start().await;
    world.answer("GET /mcp", Answer::Json(401, json!({})));
    world.answer("GET /prm", Answer::Json(404, json!({})));
    let server = ProtectedServer::new(world.url(), HttpSettings::default());
    let login = soon(flow().sign_in(&server, None, &Clicks::default())).await;
    assert_eq!(login.expect("signed in").key().issuer, world.origin());
}

/// Without a header to start from: the challenge of a GET, then the well-known places.
#[tokio::test]
async fn the_metadata_are_found_without_a_challenge() {
    let world = World::start().await;
    let server = ProtectedServer::new(world.url(), HttpSettings::default());
    let login = soon(flow().sign_in(&server, None, &Clicks::default())).await;
    assert_eq!(login.expect("signed in").key().issuer, world.origin());

    let world = World::start().await;
    world.answer("GET /mcp", Answer::Events);
    let document = json!({"resource": world.url(), "authorization_servers": [world.origin()]});
    let path = "GET /.well-known/oauth-protected-resource/mcp";
    world.answer(path, Answer::Json(200, document));
    let server = ProtectedServer::new(world.url(), HttpSettings::default());
    let login = soon(flow().sign_in(&server, None, &Clicks::default())).await;
    assert_eq!(login.expect("signed in").key().issuer, world.origin());
}

/// RFC 9449 §5 and §8: a proof at the token endpoint, and once more with the nonce that it wants.
#[tokio::test]
async fn rfc9449_5_tokens_are_bound_to_the_key() {
    let world = World::start().await;
    let wants_nonce = Answer::JsonWith(
        400,
        ("DPoP-Nonce", "nonce-1".to_owned()),
        json!({"error": "use_dpop_nonce"}),
    );
    let bound = Answer::Json(200, changed(token(), &json!({"token_type": "DPoP"})));
    world.answer_in_turn("POST /token", vec![wants_nonce, bound]);
    let key = DpopKey::generate().expect("a key");
    let login = sign_in(&flow().dpop(key.clone()), &world, &Clicks::default()).await;
    let login = login.expect("signed in");
    assert!(login.is_bound_to_key());
    let kept = DpopKey::from_pem(login.expose_dpop_key().expect("kept")).expect("a key");
    assert_eq!(kept.thumbprint(), key.thumbprint());
    let mut nonces = Vec::new();
    for asked in world.log() {
        let proof = asked.header("dpop");
        assert_eq!(
            proof.is_some(),
            asked.route() == "POST /token",
            "{}",
            asked.line
        );
        let Some(proof) = proof else { continue };
        let claims = proof.split('.').nth(1).expect("a JWT");
        let claims = URL_SAFE_NO_PAD.decode(claims).expect("base64url");
        let claims: serde_json::Value = serde_json::from_slice(&claims).expect("JSON");
        assert_eq!(claims["htm"], "POST");
        assert_eq!(claims["htu"], format!("{}/token", world.origin()));
        nonces.push(claims["nonce"].as_str().map(str::to_owned));
    }
    assert_eq!(nonces, [None, Some("nonce-1".to_owned())]);
}

/// A server that wants another nonce each time is asked twice, not for ever; one that binds nothing
/// although it was asked to is not trusted with less.
#[tokio::test]
async fn rfc9449_8_a_server_that_does_not_bind_is_refused() {
    let key = DpopKey::generate().expect("a key");
    let world = World::start().await;
    let nonce = |n: usize| {
        let header = ("DPoP-Nonce", format!("nonce-{n}"));
        Answer::JsonWith(400, header, json!({"error": "use_dpop_nonce"}))
    };
    world.answer_in_turn("POST /token", (0..10).map(nonce).collect());
    let ended = sign_in(&flow().dpop(key.clone()), &world, &Clicks::default()).await;
    assert_eq!(
        ended.expect_err("no token").kind(),
        TokenErrorKind::Declined
    );
    let routes = world.routes();
    assert_eq!(
        routes
            .iter()
            .filter(|route| *route == "POST /token")
            .count(),
        2
    );

    let world = World::start().await;
    let ended = sign_in(&flow().dpop(key), &world, &Clicks::default()).await;
    assert_eq!(ended.expect_err("not bound").kind(), TokenErrorKind::Unsafe);
}

/// Whoever goes through a proxy signs in through it too, and the proxy may be on the inside.
#[tokio::test]
async fn a_proxy_of_the_user_is_used() {
    let proxy = World::start().await;
    let through = || {
        HttpSettings::default()
            .proxy(proxy.origin())
            .expect("a proxy")
    };
    let server = ProtectedServer::new("https://mcp.invalid/mcp", through());
    let ended = soon(flow().sign_in(&server, None, &Clicks::default())).await;
    assert_eq!(
        ended.expect_err("no such server").kind(),
        TokenErrorKind::Unavailable
    );
    let asked = proxy.routes();
    assert_eq!(
        asked.first().map(String::as_str),
        Some("CONNECT mcp.invalid:443")
    );
}
