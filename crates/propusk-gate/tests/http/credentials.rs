//! What goes upstream instead of the caller's token.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{SystemTime, UNIX_EPOCH},
};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::HeaderName;
use propusk::{
    Admission, ScopeSet,
    client::{MachineClient, TokenEndpoint},
    server::Site,
};
use propusk_gate::credentials::{
    AssertionKeys, CallerAssertion, ClientCredentials, FixedHeader, IdJag, JWKS_PATH, TokenExchange,
};
use serde_json::{Value, json};

use crate::{
    gate::{ALICE, BOB, Gate, error_of, ping, settings},
    upstream::{Answer, Arrived, Upstream, json, whole},
};

fn pong() -> Answer {
    json(r#"{"jsonrpc":"2.0","id":7,"result":{}}"#)
}

fn form(arrived: &Arrived) -> HashMap<String, String> {
    url::form_urlencoded::parse(&arrived.body)
        .into_owned()
        .collect()
}

fn client() -> MachineClient {
    MachineClient::secret("gate", "the-gates-secret")
}

fn endpoint(server: &Upstream) -> TokenEndpoint {
    TokenEndpoint::new(&server.url, client()).expect("an endpoint")
}

fn issued(text: &str) -> Answer {
    json(&json!({"access_token": text, "token_type": "Bearer", "expires_in": 3600}).to_string())
}

/// Nothing of either caller's token arrived there, in whatever way it is written.
fn is_free_of_tokens(upstream: &Upstream) {
    for arrived in upstream.arrived() {
        let text = arrived.text();
        for token in [ALICE, BOB] {
            let encoded = base64::engine::general_purpose::STANDARD.encode(token);
            assert!(!text.contains(token) && !text.contains(&encoded), "{text}");
        }
    }
}

#[tokio::test]
async fn a_fixed_header_is_the_gates_and_not_the_clients() {
    let upstream = Upstream::new(|_| pong()).await;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("key");
    std::fs::write(&path, "the-key").expect("written");
    let name = HeaderName::from_static("x-api-key");
    let fixed = FixedHeader::from_file(name.clone(), "", &path).expect("a key");
    // Not even where the operator lets the name through.
    let set = settings().credentials(fixed).pass_header(name);
    let gate = Gate::with(&upstream.url, set, |auth| auth).await;
    let forged = gate
        .post(&ping())
        .header("x-api-key", "forged")
        .header("x-api-key", "again");
    assert_eq!(forged.send().await.expect("an answer").status(), 200);
    assert_eq!(gate.get().send().await.expect("an answer").status(), 200);
    for arrived in upstream.arrived() {
        let keys: Vec<_> = arrived.headers.get_all("x-api-key").iter().collect();
        assert_eq!(keys, ["the-key"]);
    }
    is_free_of_tokens(&upstream);
}

/// RFC 6749 §4.4.
#[tokio::test]
async fn client_credentials_are_asked_for_once_and_again_when_they_are_refused() {
    let count = Arc::new(Mutex::new(0));
    let server = Upstream::new(move |_| {
        *count.lock().unwrap() += 1;
        issued(&format!("gates-{}", count.lock().unwrap()))
    })
    .await;
    // The first token is withdrawn after three requests.
    let seen = Arc::new(Mutex::new(0));
    let upstream = Upstream::new(move |arrived| {
        let first = arrived.header("authorization") == Some("Bearer gates-1");
        *seen.lock().unwrap() += usize::from(first);
        if first && *seen.lock().unwrap() > 3 {
            return whole(401, "text/plain", "who are you?");
        }
        pong()
    })
    .await;
    let scopes = ScopeSet::parse("b a").expect("scopes");
    let source = ClientCredentials::at(endpoint(&server))
        .resource(&upstream.url)
        .scopes(scopes);
    let gate = Gate::with(&upstream.url, settings().credentials(source), |auth| auth).await;
    let message = ping();
    let all = tokio::join!(
        gate.call(&message),
        gate.call(&message),
        gate.call(&message)
    );
    assert_eq!(
        [all.0, all.1, all.2].map(|answer| answer.status().as_u16()),
        [200; 3]
    );
    assert_eq!(server.arrived().len(), 1, "once for all");
    let asked = form(&server.arrived()[0]);
    assert_eq!(asked["grant_type"], "client_credentials");
    assert_eq!(
        (&asked["resource"], &*asked["scope"]),
        (&upstream.url, "a b")
    );
    let basic = base64::engine::general_purpose::STANDARD.encode("gate:the-gates-secret");
    assert_eq!(
        server.arrived()[0].header("authorization"),
        Some(&*format!("Basic {basic}"))
    );
    assert_eq!(gate.call(&ping()).await.status(), 200, "with another token");
    let with: Vec<_> = upstream
        .arrived()
        .iter()
        .map(|arrived| arrived.header("authorization").map(str::to_owned))
        .collect();
    assert_eq!(
        with[3..],
        [
            Some("Bearer gates-1".to_owned()),
            Some("Bearer gates-2".to_owned())
        ]
    );
    is_free_of_tokens(&upstream);
    is_free_of_tokens(&server);
}

#[tokio::test]
async fn an_upstream_that_refuses_again_is_asked_no_more() {
    let server = Upstream::new(|_| issued("gates")).await;
    let upstream = Upstream::new(|_| whole(401, "text/plain", "no")).await;
    let source = ClientCredentials::at(endpoint(&server));
    let gate = Gate::with(&upstream.url, settings().credentials(source), |auth| auth).await;
    let (status, said) = error_of(gate.call(&ping()).await).await;
    assert_eq!((status, &said["id"]), (502, &json!(7)), "{said}");
    assert_eq!(upstream.arrived().len(), 2);
}

/// Its own troubles with an issuer are not the caller's, who learns nothing of them.
#[tokio::test]
async fn where_the_gate_gets_no_token_nothing_is_sent() {
    for (answer, status) in [
        (
            (
                401,
                r#"{"error":"invalid_client","error_description":"gate is unknown"}"#,
            ),
            502,
        ),
        ((400, r#"{"error":"invalid_grant"}"#), 502),
        ((503, "down"), 503),
        ((200, r#"{"access_token":"x"}"#), 503),
        (
            (200, r#"{"access_token":"a b","token_type":"Bearer"}"#),
            503,
        ),
        ((200, r#"{"access_token":"x","token_type":"mac"}"#), 502),
        ((302, ""), 502),
    ] {
        let server = Upstream::new(move |_| {
            let mut answer = whole(answer.0, "application/json", answer.1);
            answer
                .headers_mut()
                .insert("location", "/elsewhere".parse().unwrap());
            answer
        })
        .await;
        let upstream = Upstream::new(|_| pong()).await;
        let source = ClientCredentials::at(endpoint(&server));
        let gate = Gate::with(&upstream.url, settings().credentials(source), |auth| auth).await;
        let refused = gate.call(&ping()).await;
        assert_eq!(refused.headers().contains_key("retry-after"), status == 503);
        let (told, said) = error_of(refused).await;
        assert_eq!(
            (told, &said["id"]),
            (status, &json!(7)),
            "{answer:?}: {said}"
        );
        assert!(!said.to_string().contains("unknown"), "{said}");
        assert!(upstream.arrived().is_empty());
        assert!(
            server
                .arrived()
                .iter()
                .all(|arrived| arrived.target == "/upstream")
        );
    }
}

/// Each caller's token is for that caller only, and its own goes to the endpoint and nowhere else.
#[tokio::test]
async fn rfc8693_2_1_each_caller_gets_a_token_of_its_own() {
    let server = Upstream::new(|arrived| {
        let who = form(arrived)["subject_token"]
            .split('s')
            .next()
            .unwrap_or_default()
            .to_owned();
        json(&json!({
            "access_token": format!("{who}-upstream"), "token_type": "Bearer", "expires_in": 3600,
            "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
        })
        .to_string())
    })
    .await;
    let upstream = Upstream::new(|_| pong()).await;
    let source = TokenExchange::at(endpoint(&server))
        .resource("https://notes.example/mcp")
        .audience("notes")
        .scopes(ScopeSet::parse("notes:read").expect("scopes"));
    let gate = Gate::with(&upstream.url, settings().credentials(source), |auth| auth).await;
    for token in [ALICE, BOB, ALICE, BOB] {
        let post = gate.client.post(gate.url()).bearer_auth(token);
        let post = post
            .header("content-type", "application/json")
            .body(ping().to_string());
        assert_eq!(post.send().await.expect("an answer").status(), 200);
    }
    let went: Vec<_> = upstream
        .arrived()
        .iter()
        .map(|arrived| arrived.header("authorization").map(str::to_owned))
        .collect();
    let bearer = |who: &str| Some(format!("Bearer {who}-upstream"));
    assert_eq!(
        went,
        [
            bearer("alice"),
            bearer("bob"),
            bearer("alice"),
            bearer("bob")
        ]
    );
    is_free_of_tokens(&upstream);
    let asked: Vec<_> = server.arrived().iter().map(form).collect();
    assert_eq!(asked.len(), 2, "once for each");
    let expected = [
        (
            "grant_type",
            "urn:ietf:params:oauth:grant-type:token-exchange",
        ),
        ("subject_token", ALICE),
        (
            "subject_token_type",
            "urn:ietf:params:oauth:token-type:access_token",
        ),
        (
            "requested_token_type",
            "urn:ietf:params:oauth:token-type:access_token",
        ),
        ("resource", "https://notes.example/mcp"),
        ("audience", "notes"),
        ("scope", "notes:read"),
    ];
    let expected: HashMap<_, _> = expected
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    assert_eq!(asked[0], expected);
    assert_eq!(asked[1]["subject_token"], BOB);
}

#[tokio::test]
async fn who_gets_no_token_upstream_is_told_in_the_layers_way() {
    let kind = "urn:ietf:params:oauth:token-type:access_token";
    for (answer, status) in [
        ((400, json!({"error": "invalid_grant"})), 403),
        ((400, json!({"error": "invalid_request"})), 403),
        ((403, json!({"error": "access_denied"})), 403),
        ((400, json!({"error": "invalid_target"})), 502),
        ((400, json!({"error": "unauthorized_client"})), 502),
        ((401, json!({"error": "invalid_client"})), 502),
        ((503, json!({"error": "temporarily_unavailable"})), 503),
        // What came back is not what was asked for, or the very token that must not go upstream.
        (
            (
                200,
                json!({"access_token": "x", "token_type": "N_A", "issued_token_type": "urn:ietf:params:oauth:token-type:id_token"}),
            ),
            502,
        ),
        (
            (
                200,
                json!({"access_token": ALICE, "token_type": "Bearer", "issued_token_type": kind}),
            ),
            502,
        ),
    ] {
        let body = answer.1.to_string();
        let server =
            Upstream::new(move |_| whole(answer.0, "application/json", body.clone())).await;
        let upstream = Upstream::new(|_| pong()).await;
        let source = TokenExchange::at(endpoint(&server));
        let set = settings().credentials(source);
        let gate = Gate::with(&upstream.url, set, |auth| {
            auth.admission(Admission::Optional)
        })
        .await;
        for _ in 0..2 {
            let refused = gate.call(&ping()).await;
            assert!(!refused.headers().contains_key("www-authenticate"));
            let (told, said) = error_of(refused).await;
            assert_eq!(told, status, "{}: {said}", answer.1);
            assert!(!said.to_string().contains("invalid"), "{said}");
        }
        assert_eq!(server.arrived().len(), 1, "a failure answers for a moment");
        // For nobody there is nothing to exchange: signing in is what would help.
        let anonymous = gate
            .client
            .post(gate.url())
            .header("content-type", "application/json");
        let anonymous = anonymous
            .body(ping().to_string())
            .send()
            .await
            .expect("an answer");
        assert_eq!(anonymous.status(), 401);
        assert!(
            anonymous.headers()["www-authenticate"]
                .to_str()
                .expect("text")
                .starts_with("Bearer")
        );
        assert!(upstream.arrived().is_empty());
    }
}

#[tokio::test]
async fn an_id_jag_is_exchanged_twice() {
    let idp = Upstream::new(|_| {
        json(
            &json!({
                "access_token": "the.id.jag", "token_type": "N_A", "expires_in": 300,
                "issued_token_type": "urn:ietf:params:oauth:token-type:id-jag",
            })
            .to_string(),
        )
    })
    .await;
    let server = Upstream::new(|_| issued("upstreams")).await;
    let upstream = Upstream::new(|_| pong()).await;
    let source = IdJag::new(
        endpoint(&idp),
        endpoint(&server),
        "https://login.notes.example",
        "https://notes.example/mcp",
    );
    let gate = Gate::with(&upstream.url, settings().credentials(source), |auth| auth).await;
    for _ in 0..2 {
        assert_eq!(gate.call(&ping()).await.status(), 200);
    }
    assert_eq!(
        upstream.arrived()[1].header("authorization"),
        Some("Bearer upstreams")
    );
    assert_eq!((idp.arrived().len(), server.arrived().len()), (1, 1));
    let (first, second) = (form(&idp.arrived()[0]), form(&server.arrived()[0]));
    assert_eq!(
        first["requested_token_type"],
        "urn:ietf:params:oauth:token-type:id-jag"
    );
    assert_eq!(first["subject_token"], ALICE);
    assert_eq!(first["audience"], "https://login.notes.example");
    assert_eq!(first["resource"], "https://notes.example/mcp");
    assert_eq!(
        second["grant_type"],
        "urn:ietf:params:oauth:grant-type:jwt-bearer"
    );
    assert_eq!(second["assertion"], "the.id.jag");
    is_free_of_tokens(&server);
    is_free_of_tokens(&upstream);
}

/// Verified as an upstream would: with the keys that the gate publishes.
#[tokio::test]
async fn an_assertion_tells_the_upstream_who_is_calling() {
    let upstream = Upstream::new(|_| pong()).await;
    let keys = Arc::new(AssertionKeys::ephemeral().expect("a key"));
    let assertion = CallerAssertion::new(Arc::clone(&keys), "https://gate.example");
    let gate = Gate::on(
        Site::new().pages(keys.page()),
        &format!("{}?key=hunter2", upstream.url),
        settings().assertion(assertion),
        |auth| auth.admission(Admission::Optional),
    )
    .await;
    for forged in [false, true] {
        let mut post = gate.post(&ping());
        if forged {
            post = post.header("propusk-caller-assertion", "e30.e30.");
        }
        assert_eq!(post.send().await.expect("an answer").status(), 200);
    }
    let anonymous = gate
        .client
        .post(gate.url())
        .header("content-type", "application/json");
    let anonymous = anonymous
        .header("propusk-caller-assertion", "e30.e30.")
        .body(ping().to_string());
    assert_eq!(anonymous.send().await.expect("an answer").status(), 200);
    let published = gate
        .client
        .get(format!("http://{}{JWKS_PATH}", gate.address))
        .send()
        .await;
    let published: Value =
        serde_json::from_str(&published.expect("keys").text().await.expect("text")).expect("JSON");
    let arrived = upstream.arrived();
    assert_eq!(
        arrived[2].header("propusk-caller-assertion"),
        None,
        "nobody is nobody"
    );
    let mut ids = Vec::new();
    for arrived in &arrived[..2] {
        let values: Vec<_> = arrived
            .headers
            .get_all("propusk-caller-assertion")
            .iter()
            .collect();
        assert_eq!(values.len(), 1);
        let claims = verified(values[0].to_str().expect("text"), &published);
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .expect("after 1970")
            .as_secs();
        let (iat, exp) = (
            claims["iat"].as_u64().expect("iat"),
            claims["exp"].as_u64().expect("exp"),
        );
        assert!(iat <= now && now <= exp && exp - iat <= 60, "{claims}");
        assert_eq!(claims["iss"], "https://gate.example");
        assert_eq!(claims["aud"], upstream.url.as_str(), "without the query");
        assert_eq!(claims["sub"], "alice");
        assert_eq!(claims["scope"], "read write");
        ids.push(claims["jti"].clone());
    }
    assert_ne!(ids[0], ids[1]);
    is_free_of_tokens(&upstream);
}

/// The claims of a token whose signature is that of a published key.
fn verified(token: &str, published: &Value) -> Value {
    let decoded = |part: &str| URL_SAFE_NO_PAD.decode(part).expect("base64url");
    let parts: Vec<_> = token.split('.').collect();
    let [header, claims, signature] = parts[..] else {
        panic!("three parts");
    };
    let said: Value = serde_json::from_slice(&decoded(header)).expect("a header");
    assert_eq!(
        (&said["alg"], &said["typ"]),
        (&json!("ES256"), &json!("propusk-caller+jwt"))
    );
    let keys = published["keys"].as_array().expect("keys");
    let key = keys
        .iter()
        .find(|key| key["kid"] == said["kid"])
        .expect("published");
    assert!(key.get("d").is_none());
    let part = |name: &str| decoded(key[name].as_str().expect("a part"));
    let point = [vec![4], part("x"), part("y")].concat();
    let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
    let input = format!("{header}.{claims}");
    key.verify(input.as_bytes(), &decoded(signature))
        .expect("a signature");
    serde_json::from_slice(&decoded(claims)).expect("claims")
}
