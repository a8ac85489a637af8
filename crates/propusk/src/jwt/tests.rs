//! Tokens against fixed keys and a shared secret.

mod attacks;

use std::time::{Duration, SystemTime};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{refused::Refused, *};
use crate::{
    MacAlgorithm,
    SignatureAlgorithm::{self, EdDsa, Es256, Rs256},
    Verdict,
    jose::signer::Signer,
};

const ISSUER: &str = "https://login.example";
const RESOURCE: &str = "https://mcp.example/mcp";
const NOW: u64 = 1_800_000_000;

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(NOW)
}

fn claims() -> Value {
    json!({
        "iss": ISSUER, "aud": RESOURCE, "sub": "alice", "exp": NOW + 60, "iat": NOW - 60,
        "scope": "notes:read", "client_id": "c", "jti": "7",
    })
}

fn key_set(signer: &Signer) -> Value {
    let mut jwk = signer.jwk();
    jwk["kid"] = "1".into();
    json!({ "keys": [jwk] })
}

fn verifier(signer: &Signer) -> JwtVerifier {
    let set = key_set(signer).to_string();
    let verifier = JwtVerifier::from_keys(ISSUER, RESOURCE, &set).expect("valid");
    verifier.with_clock(now)
}

async fn accepts(verifier: &JwtVerifier, token: &str) -> bool {
    let verified = verifier.verify_token(token).await;
    verified.expect("fixed keys are always there").is_some()
}

async fn reason(verifier: &JwtVerifier, token: &str) -> String {
    match verifier.explain_token(token).await.verdict {
        Verdict::Valid(_) => "valid".to_owned(),
        Verdict::Invalid(why) => why,
        Verdict::NotMine(why) => format!("not mine: {why}"),
        Verdict::Unavailable(why) => format!("unavailable: {why}"),
    }
}

#[tokio::test]
async fn every_algorithm_end_to_end() {
    for algorithm in SignatureAlgorithm::ALL {
        let signer = Signer::generate(algorithm);
        let header = json!({"alg": algorithm.name(), "kid": "1", "typ": "at+jwt"});
        let token = signer.token(&header, &claims());
        let verified = verifier(&signer)
            .verify_token(&token)
            .await
            .expect("available");
        let verified = verified.expect("valid");
        assert_eq!(verified.subject(), "alice");
        assert_eq!(verified.issuer(), Some(ISSUER));
        assert_eq!(verified.client_id(), Some("c"));
        assert_eq!(verified.token_id(), Some("7"));
        assert_eq!(verified.audience(), [RESOURCE]);
        assert_eq!(verified.scopes().to_string(), "notes:read");
        assert_eq!(verified.claims()["jti"], "7");
        let end = SystemTime::UNIX_EPOCH + Duration::from_secs(NOW + 60);
        assert_eq!(verified.expires_at(), Some(end));
        assert_eq!(verified.valid_until(), Some(end + Duration::from_secs(30)));
    }
}

#[tokio::test]
async fn headers_and_claims_that_are_refused_although_the_signature_is_good() {
    let signer = Signer::generate(Es256);
    let verifier = verifier(&signer);
    let good = claims().to_string();
    let good_header = r#"{"alg":"ES256","kid":"1"}"#;
    let long = "k".repeat(2000);
    for (header, payload, expected) in [
        (good_header, &*good, "valid"),
        (
            r#"{"alg":"ES256","kid":"1","crit":["x"],"x":1}"#,
            &good,
            "`crit`",
        ),
        (
            r#"{"alg":"ES256","kid":"1","b64":false,"crit":["b64"]}"#,
            &good,
            "`crit`",
        ),
        (r#"{"alg":"ES256","kid":"1","zip":"DEF"}"#, &good, "`zip`"),
        (
            r#"{"alg":"ES256","kid":"1","enc":"A128GCM"}"#,
            &good,
            "`enc`",
        ),
        (r#"{"alg":"ES256","kid":"1","cty":"JWT"}"#, &good, "nested"),
        (
            r#"{"alg":"ES256","kid":"1","typ":"dpop+jwt"}"#,
            &good,
            "`typ`",
        ),
        (
            r#"{"alg":"ES256","kid":"1","kid":"1"}"#,
            &good,
            "header has a name twice",
        ),
        (
            r#"{"alg":"ES256","alg":"none","kid":"1"}"#,
            &good,
            "header has a name twice",
        ),
        (r#"{"alg":"ES256","kid":1}"#, &good, "`kid`"),
        (
            &format!(r#"{{"alg":"ES256","kid":"{long}"}}"#),
            &good,
            "`kid`",
        ),
        (
            r#"{"alg":"ES256","kid":"../../1"}"#,
            &good,
            "not among those",
        ),
        (
            r#"{"alg":"ES256","kid":"1' OR 1=1 --"}"#,
            &good,
            "not among those",
        ),
        (
            r#"{"alg":"ES256","kid":"1\u0000"}"#,
            &good,
            "not among those",
        ),
        (
            r#"{"alg":"ES384","kid":"1"}"#,
            &good,
            "for another algorithm",
        ),
        (r#"["ES256"]"#, &good, "not a JSON object"),
        (
            good_header,
            &good.replace("\"iss\"", "\"sub\":\"mallory\",\"iss\""),
            "payload has a name twice",
        ),
        (
            good_header,
            &good.replace("\"iss\"", "\"\\u0073ub\":\"mallory\",\"iss\""),
            "payload has a name twice",
        ),
        (
            good_header,
            &good.replace("\"iss\"", "\"x\":[[[[[[[[]]]]]]]],\"iss\""),
            "payload is nested too deeply",
        ),
        (
            good_header,
            &good.replace(&(NOW + 60).to_string(), "1e30"),
            "`exp`",
        ),
        (
            good_header,
            &good.replace(&(NOW + 60).to_string(), &format!("1{}", "0".repeat(30))),
            "`exp`",
        ),
        (
            good_header,
            &good.replace(&(NOW + 60).to_string(), "\"1800000060\""),
            "`exp`",
        ),
        (good_header, &good.replace("\"exp\"", "\"Exp\""), "no `exp`"),
        (good_header, &good.replace("\"aud\"", "\"aUd\""), "no `aud`"),
        (
            good_header,
            &good.replace("\"iss\"", "\"Iss\""),
            "not mine: it has no `iss`",
        ),
        (good_header, &good.replace("\"sub\"", "\"Sub\""), "no `sub`"),
        (good_header, &format!("{good} "), "valid"),
        (
            good_header,
            &format!("{good}{good}"),
            "not mine: its payload is not a JSON object",
        ),
        (
            good_header,
            "[]",
            "not mine: its payload is not a JSON object",
        ),
    ] {
        let token = signer.token_of(header, payload);
        let why = reason(&verifier, &token).await;
        assert!(why.contains(expected), "{header} {payload}: {why}");
        assert_eq!(
            accepts(&verifier, &token).await,
            expected == "valid",
            "{header} {payload}"
        );
    }
}

#[tokio::test]
async fn what_is_no_jwt_of_this_issuer_is_not_ours() {
    let signer = Signer::generate(Es256);
    let verifier = verifier(&signer);
    let good = signer.token(&json!({"alg": "ES256", "kid": "1"}), &claims());
    let mut of_other = claims();
    of_other["iss"] = "https://other.example".into();
    let of_other = signer.token(&json!({"alg": "XX"}), &of_other);
    let enormous = format!("{good}{}", "A".repeat(16 * 1024));
    let kid = Value::from("k".repeat(1_000_000));
    let megabyte = signer.token(&json!({"alg": "ES256", "kid": kid}), &claims());
    for (token, expected) in [
        ("", "three parts"),
        ("pk_0123456789", "three parts"),
        ("a.b.c.d.e", "encrypted"),
        (&enormous, "longer than"),
        (&megabyte, "longer than"),
        (&of_other, "another issuer"),
    ] {
        let why = reason(&verifier, token).await;
        assert!(
            why.starts_with("not mine: ") && why.contains(expected),
            "{token:.40}: {why}"
        );
        assert!(!accepts(&verifier, token).await);
    }
}

#[tokio::test]
async fn an_explanation_shows_header_and_claims_and_never_the_signature() {
    let signer = Signer::generate(Es256);
    let verifier = verifier(&signer);
    let mut late = claims();
    late["exp"] = (NOW - 7200).into();
    let token = signer.token(&json!({"alg": "ES256", "kid": "1"}), &late);
    let explanation = verifier.explain_token(&token).await;
    assert_eq!(explanation.verifier, "JWT of https://login.example");
    assert_eq!(explanation.header["kid"], "1");
    assert_eq!(explanation.claims["sub"], "alice");
    let Verdict::Invalid(why) = &explanation.verdict else {
        panic!("{explanation:?}")
    };
    assert!(
        why.contains("2 hours ago") && why.contains("2027-01-15T06:00:00Z"),
        "{why}"
    );
    assert!(
        why.contains("this machine's clock says 2027-01-15T08:00:00Z"),
        "{why}"
    );
    let signature = token.rsplit_once('.').expect("three parts").1;
    assert!(!format!("{explanation:?}").contains(signature));
}

#[tokio::test]
async fn a_bound_token_says_so() {
    let signer = Signer::generate(EdDsa);
    let mut bound = claims();
    bound["cnf"] = json!({"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"});
    let token = signer.token(&json!({"alg": "EdDSA", "kid": "1"}), &bound);
    let verified = verifier(&signer)
        .verify_token(&token)
        .await
        .expect("available");
    assert!(verified.expect("valid").confirmation().is_some());
}
