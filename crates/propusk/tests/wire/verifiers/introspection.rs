//! `IntrospectionVerifier`: what is asked, and how the answer is judged (RFC 7662).

use std::time::UNIX_EPOCH;

use propusk::{
    ClientAuthentication, Confirmation, IntrospectionVerifier, InvalidIntrospection, IssuerUrl,
    TokenVerifier, Verdict, WithoutAudience,
};
use serde_json::{Value, json};

use super::{
    identity_server::{IdentityServer, RESOURCE, Reply, active},
    support::{TestClock, said},
};

/// A good answer with these members set, or taken away where they are null.
fn with(members: &Value) -> Value {
    let mut answer = active();
    for (name, value) in members.as_object().expect("an object") {
        match value {
            Value::Null => answer.as_object_mut().unwrap().remove(name),
            value => answer
                .as_object_mut()
                .unwrap()
                .insert(name.clone(), value.clone()),
        };
    }
    answer
}

/// Seconds since 1970, relative to the start of the test.
fn at(seconds: i64) -> i64 {
    let start = TestClock::at(0).duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(start.as_secs()).unwrap() + seconds
}

/// Another verifier is responsible for that issuer.
#[tokio::test]
async fn a_server_does_not_speak_for_the_users_of_another_issuer() {
    let server = IdentityServer::start().await;
    let verifier = IntrospectionVerifier::new(
        &server.endpoint(),
        RESOURCE,
        ClientAuthentication::basic("me", "client-secret"),
    )
    .unwrap();
    let verifier = verifier
        .with_clock(TestClock::default())
        .not_for("https://a.example");
    for (iss, expected) in [("https://a.example", "no"), ("https://b.example", "alice")] {
        server.reply(Reply::Json(with(&json!({ "iss": iss }))));
        assert_eq!(
            said(&verifier, iss.rsplit('/').next().unwrap()).await,
            expected,
            "{iss}"
        );
    }
}

#[tokio::test]
async fn rfc7662_2_1_the_request() {
    let server = IdentityServer::start().await;
    let (verifier, _) = server.verifier();
    assert_eq!(said(&verifier, "a+token/with~signs==").await, "alice");
    let seen = server.last();
    assert_eq!(seen.target, "/introspect", "the token is in no URL");
    assert_eq!(seen.field("token"), Some("a+token/with~signs=="));
    assert_eq!(seen.field("token_type_hint"), Some("access_token"));
    assert_eq!(seen.form.len(), 2);
    for (name, value) in [
        ("accept", "application/json"),
        ("content-type", "application/x-www-form-urlencoded"),
    ] {
        assert_eq!(seen.headers[name], value);
    }
}

#[tokio::test]
async fn only_what_looks_like_a_token_is_sent() {
    let server = IdentityServer::start().await;
    let (verifier, _) = server.verifier();
    let long = "a".repeat(16 * 1024 + 1);
    for text in ["", "a b", "a&token=b", "a\r\nb", "тест", "==", &long] {
        assert_eq!(said(&verifier, text).await, "no", "{text:.20}");
        let explained = verifier.explain_token(text).await;
        assert!(
            matches!(explained.verdict, Verdict::Invalid(_)),
            "{text:.20}"
        );
    }
    assert_eq!(server.asked(), 0);
}

#[tokio::test]
async fn rfc7662_2_2_inactive_is_not_valid() {
    let server = IdentityServer::start().await;
    let (verifier, _) = server.verifier();
    for active in [
        json!(false),
        json!("true"),
        json!(1),
        json!([true]),
        json!({}),
    ] {
        server.reply(Reply::Json(with(&json!({ "active": active }))));
        assert_eq!(said(&verifier, "t").await, "no", "{active}");
    }
    server.reply(Reply::Text(r#"{"active":false}"#));
    assert_eq!(said(&verifier, "t").await, "no");
}

/// A server for opaque tokens says so of a JSON Web Token, and nothing is out of order.
#[tokio::test]
async fn rfc7009_2_2_1_a_kind_of_token_that_the_server_does_not_know_is_not_valid() {
    let server = IdentityServer::start().await;
    let (verifier, _) = server.verifier();
    for (status, answer, expected) in [
        (400, json!({"error": "unsupported_token_type"}), "no"),
        (
            200,
            json!({"error": "unsupported_token_type", "active": true}),
            "no",
        ),
        (400, json!({"error": "invalid_request"}), "cannot tell"),
        (
            400,
            json!({"error": ["unsupported_token_type"]}),
            "cannot tell",
        ),
        (400, json!({"active": true, "sub": "alice"}), "cannot tell"),
        (400, json!("unsupported_token_type"), "cannot tell"),
        (
            401,
            json!({"error": "unsupported_token_type"}),
            "cannot tell",
        ),
        (
            500,
            json!({"error": "unsupported_token_type"}),
            "cannot tell",
        ),
    ] {
        server.reply(Reply::Error(status, answer.clone()));
        assert_eq!(
            said(&verifier, "a.b.c").await,
            expected,
            "{status} {answer}"
        );
    }
    server.reply(Reply::Error(
        400,
        json!({"error": "unsupported_token_type"}),
    ));
    let why = verifier.explain_token("a.b.c").await.verdict;
    assert!(
        format!("{why:?}").contains("tokens of this kind"),
        "{why:?}"
    );
    // An error is never signed; of a token that is no JSON Web Token it is not believed.
    let issuer = IssuerUrl::parse(&server.issuer()).unwrap();
    let signed = verifier.issuer(issuer).signed_answers().unwrap();
    for (token, expected) in [
        ("a.b.c", "no"),
        ("a.b.c.d.e", "no"),
        ("opaque", "cannot tell"),
    ] {
        assert_eq!(said(&signed, token).await, expected, "{token}");
    }
}

#[tokio::test]
async fn rfc7662_2_2_what_an_active_token_must_say() {
    let server = IdentityServer::start().await;
    let (verifier, _) = server.verifier();
    let verifier = verifier
        .issuer(IssuerUrl::parse("https://login.example").unwrap())
        .audience("api://notes");
    let other = "https://other.example/mcp";
    for (members, expected) in [
        (json!({}), "alice"),
        // RFC 8707: for whom it was issued.
        (json!({"aud": null}), "no"),
        (json!({"aud": other}), "no"),
        (json!({"aud": format!("{RESOURCE}/")}), "no"),
        (json!({"aud": "https://MCP.example:443/mcp"}), "alice"),
        (json!({"aud": [other, RESOURCE]}), "alice"),
        (json!({"aud": [other]}), "no"),
        (json!({"aud": []}), "no"),
        (json!({"aud": [RESOURCE, 1]}), "no"),
        (json!({"aud": {"x": RESOURCE}}), "no"),
        (json!({"aud": "api://notes"}), "alice"),
        (json!({"aud": "api://notes/"}), "no"),
        // Who issued it.
        (json!({"iss": "https://login.example"}), "alice"),
        (json!({"iss": "https://login.example/"}), "no"),
        (json!({"iss": "https://evil.example"}), "no"),
        (json!({"iss": ["https://login.example"]}), "no"),
        // When.
        (json!({"exp": at(1)}), "alice"),
        (json!({"exp": at(-29)}), "alice"),
        (json!({"exp": at(-30)}), "no"),
        (json!({"exp": format!("{}", at(60))}), "no"),
        (json!({"exp": 1e30}), "no"),
        (json!({"exp": -1}), "no"),
        (json!({"exp": at(60) as f64 + 0.5}), "alice"),
        (json!({"nbf": at(30)}), "alice"),
        (json!({"nbf": at(31)}), "no"),
        (json!({"nbf": "now"}), "no"),
        (json!({"iat": at(30)}), "alice"),
        (json!({"iat": at(31)}), "no"),
        (json!({"iat": true}), "no"),
        // What kind of token.
        (json!({"token_type": null}), "alice"),
        (json!({"token_type": "bearer"}), "alice"),
        (json!({"token_type": "access_token"}), "alice"),
        (json!({"token_type": "refresh_token"}), "no"),
        (json!({"token_type": "N_A"}), "no"),
        (json!({"token_type": "mac"}), "no"),
        (json!({"token_type": ""}), "no"),
        (json!({"token_type": 1}), "no"),
        // RFC 9449 §6.2: bound to a key.
        (json!({"token_type": "DPoP", "cnf": {"jkt": "x"}}), "alice"),
        (json!({"token_type": "dpop"}), "no"),
        (json!({"cnf": "x"}), "no"),
        (json!({"cnf": {"jkt": 1}}), "no"),
        // Who.
        (json!({"sub": null}), "an-app"),
        (
            json!({"sub": null, "client_id": null, "username": "bob"}),
            "no",
        ),
        (json!({"sub": 1}), "no"),
        (json!({"sub": ""}), "no"),
        (json!({"client_id": 1}), "no"),
        (json!({"scope": ["notes:read"]}), "no"),
        (json!({"jti": 1}), "no"),
    ] {
        server.reply(Reply::Json(with(&members)));
        assert_eq!(said(&verifier, "t").await, expected, "{members}");
    }
}

#[tokio::test]
async fn what_is_learned_of_a_token() {
    let server = IdentityServer::start().await;
    let (verifier, _) = server.verifier();
    server.reply(Reply::Json(with(&json!({
        "iss": "https://login.example", "jti": "id-1", "exp": at(60), "username": "Alice A.",
        "aud": [RESOURCE, "https://other.example"], "cnf": {"jkt": "thumb"},
    }))));
    let token = verifier.verify_token("t").await.unwrap().expect("valid");
    assert_eq!(token.subject(), "alice");
    assert_eq!(token.client_id(), Some("an-app"));
    assert_eq!(token.issuer(), Some("https://login.example"));
    assert_eq!(token.audience(), [RESOURCE, "https://other.example"]);
    assert_eq!(token.scopes().to_string(), "notes:read notes:write");
    assert_eq!(token.token_id(), Some("id-1"));
    assert_eq!(token.expires_at(), Some(TestClock::at(60)));
    assert_eq!(
        token.valid_until(),
        Some(TestClock::at(90)),
        "with the leeway"
    );
    assert_eq!(
        token.confirmation(),
        Some(&Confirmation::Jkt("thumb".into()))
    );
    assert_eq!(token.claims()["username"], "Alice A.");
    assert!(!token.claims().contains_key("active"));

    server.reply(Reply::Json(with(
        &json!({"scope": null, "cnf": {"x5t#S256": "x"}}),
    )));
    let token = verifier.verify_token("t").await.unwrap().expect("valid");
    assert!(token.scopes().is_empty());
    // Never nobody: its subjects are not those of a token store beside it.
    assert!(
        token
            .issuer()
            .is_some_and(|issuer| issuer.starts_with("http://127.0.0.1"))
    );
    assert_eq!(token.expires_at(), None);
    assert_eq!(token.confirmation(), Some(&Confirmation::Unsupported));
}

#[tokio::test]
async fn without_an_audience_by_an_explicit_rule_only() {
    let server = IdentityServer::start().await;
    let (verifier, _) = server.verifier();
    let verifier = verifier.accept_without_audience(WithoutAudience::clients(["an-app"]));
    for (members, expected) in [
        (json!({"aud": null}), "alice"),
        (json!({"aud": null, "client_id": "other-app"}), "no"),
        (json!({"aud": null, "client_id": null}), "no"),
        (json!({"aud": "https://other.example/mcp"}), "no"),
        (json!({"aud": []}), "no"),
        (json!({"aud": RESOURCE}), "alice"),
    ] {
        server.reply(Reply::Json(with(&members)));
        assert_eq!(said(&verifier, "t").await, expected, "{members}");
    }
}

#[tokio::test]
async fn an_explanation_says_why() {
    let server = IdentityServer::start().await;
    let (verifier, _) = server.verifier();
    for (answer, expected) in [
        (Reply::Json(active()), "valid"),
        (Reply::Json(json!({"active": false})), "not active"),
        (
            Reply::Json(with(&json!({"exp": at(-3600)}))),
            "it expired 60 minutes ago (`exp`",
        ),
        (
            Reply::Json(with(&json!({"nbf": at(3600)}))),
            "valid in 60 minutes (`nbf`",
        ),
        (
            Reply::Json(with(&json!({"aud": "https://other.example"}))),
            "another audience",
        ),
        (
            Reply::Json(with(&json!({"token_type": "refresh_token"}))),
            "token_type",
        ),
        (
            Reply::Status(401),
            "unavailable: the introspection endpoint refuses the credentials",
        ),
    ] {
        server.reply(answer.clone());
        let explained = verifier.explain_token("t").await;
        assert_eq!(explained.verifier, "introspection at 127.0.0.1");
        if let Reply::Json(answer) = answer {
            assert_eq!(Value::Object(explained.claims), answer);
        }
        let shown = match explained.verdict {
            Verdict::Valid(_) => "valid".to_owned(),
            Verdict::Invalid(why) => why,
            Verdict::Unavailable(why) => format!("unavailable: {why}"),
            other => format!("{other:?}"),
        };
        assert!(shown.contains(expected), "{expected}: {shown}");
    }
}

#[test]
fn what_cannot_be_configured() {
    let client = || ClientAuthentication::basic("me", "hunter2");
    let at = |endpoint: &str| IntrospectionVerifier::new(endpoint, RESOURCE, client()).map(drop);
    let from =
        |issuer: &str| IntrospectionVerifier::from_issuer(issuer, RESOURCE, client()).map(drop);
    assert_eq!(
        at("http://login.example/introspect"),
        Err(InvalidIntrospection::Insecure)
    );
    for refused in [
        at("introspect"),
        at("https://me:hunter2@login.example/introspect"),
        from("http://login.example"),
        from("https://login.example?x=hunter2"),
        IntrospectionVerifier::new("https://login.example/i", "api://x", client()).map(drop),
    ] {
        let shown = refused.expect_err("refused").to_string();
        assert!(!shown.contains("hunter2"), "{shown}");
    }
    at("https://login.example/introspect").expect("fine");
    from("https://login.example").expect("fine");
}
