//! Signed answers (RFC 9701).

use std::time::{Duration, UNIX_EPOCH};

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use propusk::{
    ClientAuthentication, IntrospectionVerifier, InvalidIntrospection, IssuerUrl, TokenVerifier,
};
use serde_json::{Value, json};

use crate::{
    identity_server::{IdentityServer, RESOURCE, Reply, active},
    support::{TestClock, said},
};

struct Signer(EcdsaKeyPair);

impl Signer {
    fn new() -> Self {
        Self(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    fn key_set(&self) -> Value {
        let (x, y) = self.0.public_key().as_ref()[1..].split_at(32);
        let encode = |part: &[u8]| URL_SAFE_NO_PAD.encode(part);
        json!({"keys": [{"kty": "EC", "crv": "P-256", "x": encode(x), "y": encode(y)}]})
    }

    fn sign(&self, header: &Value, claims: &Value) -> Reply {
        let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let input = format!("{}.{}", encode(header), encode(claims));
        let signature = self.0.sign(&SystemRandom::new(), input.as_bytes()).unwrap();
        let signature = URL_SAFE_NO_PAD.encode(signature);
        Reply::Signed(format!("{input}.{signature}"))
    }
}

fn header() -> Value {
    json!({"alg": "ES256", "typ": "token-introspection+jwt"})
}

fn at(seconds: i64) -> i64 {
    let start = TestClock::at(0).duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(start.as_secs()).unwrap() + seconds
}

fn claims(server: &IdentityServer, answer: &Value) -> Value {
    json!({"iss": server.issuer(), "aud": "me", "iat": at(0), "token_introspection": answer})
}

async fn server_and_signer() -> (IdentityServer, Signer) {
    let server = IdentityServer::start().await;
    let signer = Signer::new();
    server.publish_keys(signer.key_set());
    (server, signer)
}

fn verifier(server: &IdentityServer) -> IntrospectionVerifier {
    let client = ClientAuthentication::basic("me", "client-secret");
    IntrospectionVerifier::from_issuer(&server.issuer(), RESOURCE, client)
        .and_then(IntrospectionVerifier::signed_answers)
        .unwrap()
        .cache(Duration::ZERO, Duration::ZERO)
        .with_clock(TestClock::default())
}

#[tokio::test]
async fn rfc9701_5_a_signed_answer_counts() {
    let (server, signer) = server_and_signer().await;
    let verifier = verifier(&server);
    let mut foreign = active();
    foreign["aud"] = "https://other.example".into();
    for (answer, expected) in [
        (active(), "alice"),
        (json!({"active": false}), "no"),
        (foreign, "no"),
    ] {
        server.reply(signer.sign(&header(), &claims(&server, &answer)));
        assert_eq!(said(&verifier, "t").await, expected);
    }
    let accept = &server.last().headers["accept"];
    assert_eq!(accept, "application/token-introspection+jwt");
}

#[tokio::test]
async fn rfc9701_5_what_the_issuer_has_not_signed_for_us_just_now_tells_nothing() {
    let (server, signer) = server_and_signer().await;
    let verifier = verifier(&server);
    let good = || claims(&server, &active());
    let with = |name: &str, value: Value| {
        let mut claims = good();
        claims[name] = value;
        signer.sign(&header(), &claims)
    };
    let without = |name: &str| {
        let mut claims = good();
        claims.as_object_mut().unwrap().remove(name);
        signer.sign(&header(), &claims)
    };
    let headed = |header: Value| signer.sign(&header, &good());
    for (reply, expected) in [
        (Reply::Json(active()), "has signed"),
        (Reply::Json(json!({"active": false})), "has signed"),
        (Signer::new().sign(&header(), &good()), "has signed"),
        (headed(json!({"alg": "ES256", "typ": "JWT"})), "has signed"),
        (
            headed(json!({"alg": "ES256", "typ": "at+jwt"})),
            "has signed",
        ),
        (headed(json!({"alg": "ES256"})), "has signed"),
        (
            headed(json!({"alg": "none", "typ": "token-introspection+jwt"})),
            "has signed",
        ),
        (without("iss"), "another issuer"),
        (with("iss", "https://evil.example".into()), "another issuer"),
        (without("aud"), "another client"),
        (with("aud", "you".into()), "another client"),
        (with("aud", json!(["you"])), "another client"),
        (without("iat"), "just now"),
        (with("iat", at(31).into()), "just now"),
        (with("iat", at(-91).into()), "just now"),
        (without("token_introspection"), "`token_introspection`"),
        (
            with("token_introspection", "x".into()),
            "`token_introspection`",
        ),
        (with("token_introspection", json!({})), "`active`"),
    ] {
        server.reply(reply);
        let error = verifier.verify_token("t").await.expect_err(expected);
        let shown = error.cause().to_string();
        assert!(shown.contains(expected), "{expected}: {shown}");
    }
    for fine in [
        with("aud", json!(["you", "me"])),
        with("iat", at(-60).into()),
        headed(json!({"alg": "ES256", "typ": "application/token-introspection+jwt"})),
    ] {
        server.reply(fine);
        assert_eq!(said(&verifier, "t").await, "alice");
    }
}

#[tokio::test]
async fn signed_answers_need_an_issuer() {
    let (server, signer) = server_and_signer().await;
    let given = || {
        let client = ClientAuthentication::basic("me", "client-secret");
        IntrospectionVerifier::new(&server.endpoint(), RESOURCE, client).unwrap()
    };
    let refused = given().signed_answers().map(drop);
    assert_eq!(refused, Err(InvalidIntrospection::NoIssuer));
    let issuer = IssuerUrl::parse(&server.issuer()).unwrap();
    let verifier = given().issuer(issuer).signed_answers().unwrap();
    server.reply(signer.sign(&header(), &claims(&server, &active())));
    let verifier = verifier.with_clock(TestClock::default());
    assert_eq!(said(&verifier, "t").await, "alice");
}

#[tokio::test]
async fn without_the_issuers_keys_nothing_can_be_told() {
    let (server, signer) = server_and_signer().await;
    server.publish_keys("no key set".into());
    let verifier = verifier(&server);
    server.reply(signer.sign(&header(), &claims(&server, &active())));
    let error = verifier.verify_token("t").await.expect_err("no keys");
    let shown = error.cause().to_string();
    assert!(
        shown.contains("keys that answers are signed with"),
        "{shown}"
    );
}
