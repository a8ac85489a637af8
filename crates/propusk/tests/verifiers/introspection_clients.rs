//! How this server authenticates at the identity server.

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED,
        ECDSA_P384_SHA384_FIXED_SIGNING, ED25519, EcdsaKeyPair, EcdsaSigningAlgorithm,
        Ed25519KeyPair, KeyPair, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, RsaKeyPair,
        UnparsedPublicKey, VerificationAlgorithm,
    },
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use propusk::{
    ClientAuthentication, ClientKey, IntrospectionVerifier, InvalidClientKey, IssuerUrl,
};
use serde_json::Value;

use crate::{
    identity_server::{IdentityServer, RESOURCE, Seen},
    support::said,
};

/// What the server sees of a client with this authentication.
async fn seen(server: &IdentityServer, client: ClientAuthentication) -> Seen {
    let verifier = IntrospectionVerifier::new(&server.endpoint(), RESOURCE, client);
    assert_eq!(said(&verifier.expect("good"), "t").await, "alice");
    server.last()
}

#[tokio::test]
async fn rfc6749_2_3_1_client_secret_basic() {
    let server = IdentityServer::start().await;
    let client = ClientAuthentication::basic("my:server", "a secret/with+signs%");
    let seen = seen(&server, client).await;
    let pair = seen.headers["authorization"]
        .strip_prefix("Basic ")
        .expect("basic");
    let pair = String::from_utf8(STANDARD.decode(pair).expect("base64")).expect("UTF-8");
    assert_eq!(pair, "my%3Aserver:a+secret%2Fwith%2Bsigns%25");
    assert_eq!(seen.form.len(), 2, "no credentials in the body");
}

#[tokio::test]
async fn rfc6749_2_3_1_client_secret_post() {
    let server = IdentityServer::start().await;
    let client = ClientAuthentication::post("my:server", "a secret/with+signs%&=");
    let seen = seen(&server, client).await;
    assert_eq!(seen.field("client_id"), Some("my:server"));
    assert_eq!(seen.field("client_secret"), Some("a secret/with+signs%&="));
    assert!(!seen.headers.contains_key("authorization"));
}

fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> = text
        .as_bytes()
        .chunks(64)
        .map(|line| std::str::from_utf8(line).unwrap())
        .collect();
    format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        lines.join("\n")
    )
}

fn ec(algorithm: &'static EcdsaSigningAlgorithm) -> (String, Vec<u8>) {
    let pair = EcdsaKeyPair::generate(algorithm).unwrap();
    let der = pair.to_pkcs8v1().unwrap();
    (pem(der.as_ref()), pair.public_key().as_ref().to_vec())
}

fn rsa() -> (String, Vec<u8>) {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let der: Pkcs8V1Der = pair.as_der().unwrap();
    (pem(der.as_ref()), pair.public_key().as_ref().to_vec())
}

fn ed25519() -> (String, Vec<u8>) {
    let document = Ed25519KeyPair::generate_pkcs8v1(&SystemRandom::new()).unwrap();
    let pair = Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap();
    (pem(document.as_ref()), pair.public_key().as_ref().to_vec())
}

/// Header and claims of an assertion, whose signature is checked.
fn opened(
    assertion: &str,
    key: &[u8],
    algorithm: &'static dyn VerificationAlgorithm,
) -> (Value, Value) {
    let (input, signature) = assertion.rsplit_once('.').expect("three parts");
    let (header, claims) = input.split_once('.').expect("three parts");
    let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).expect("base64url");
    UnparsedPublicKey::new(algorithm, key)
        .verify(input.as_bytes(), &decode(signature))
        .expect("its signature");
    let parse = |part: &str| serde_json::from_slice(&decode(part)).expect("JSON");
    (parse(header), parse(claims))
}

#[tokio::test]
async fn rfc7523_2_2_private_key_jwt() {
    let server = IdentityServer::start().await;
    let (rsa_pem, rsa_public) = rsa();
    let (p256, p256_public) = ec(&ECDSA_P256_SHA256_FIXED_SIGNING);
    let (p384, p384_public) = ec(&ECDSA_P384_SHA384_FIXED_SIGNING);
    let (ed, ed_public) = ed25519();
    let key = |pem: &str| ClientKey::from_pem(pem).expect("a key");
    let table: [(ClientKey, &str, &[u8], &'static dyn VerificationAlgorithm); 5] = [
        (
            key(&rsa_pem),
            "RS256",
            &rsa_public,
            &RSA_PKCS1_2048_8192_SHA256,
        ),
        (
            key(&rsa_pem).with_pss().unwrap(),
            "PS256",
            &rsa_public,
            &RSA_PSS_2048_8192_SHA256,
        ),
        (key(&p256), "ES256", &p256_public, &ECDSA_P256_SHA256_FIXED),
        (key(&p384), "ES384", &p384_public, &ECDSA_P384_SHA384_FIXED),
        (key(&ed), "EdDSA", &ed_public, &ED25519),
    ];
    let mut ids = Vec::new();
    for (key, name, public, algorithm) in table {
        let client = ClientAuthentication::private_key_jwt("me", key.with_key_id("key-1"));
        let seen = seen(&server, client).await;
        assert_eq!(
            seen.field("client_assertion_type"),
            Some("urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
        );
        assert_eq!(seen.field("client_id"), Some("me"));
        let assertion = seen.field("client_assertion").expect("an assertion");
        let (header, claims) = opened(assertion, public, algorithm);
        assert_eq!(
            (&header["alg"], &header["kid"]),
            (&name.into(), &"key-1".into())
        );
        assert_eq!(
            (&claims["iss"], &claims["sub"]),
            (&"me".into(), &"me".into())
        );
        assert_eq!(claims["aud"], server.endpoint());
        let lifetime = claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap();
        assert_eq!(lifetime, 60);
        ids.push(claims["jti"].as_str().expect("an id").to_owned());
    }
    ids.dedup();
    assert_eq!(ids.len(), 5, "used once each");
}

#[tokio::test]
async fn rfc7523_3_an_assertion_is_addressed_to_the_issuer_where_it_is_known() {
    let server = IdentityServer::start().await;
    let (pem, public) = ec(&ECDSA_P256_SHA256_FIXED_SIGNING);
    let client = || ClientAuthentication::private_key_jwt("me", ClientKey::from_pem(&pem).unwrap());
    let issuer = server.issuer();
    let discovered = IntrospectionVerifier::from_issuer(&issuer, RESOURCE, client()).unwrap();
    let given = IntrospectionVerifier::new(&server.endpoint(), RESOURCE, client()).unwrap();
    for verifier in [discovered, given.issuer(IssuerUrl::parse(&issuer).unwrap())] {
        assert_eq!(said(&verifier, "t").await, "alice");
        let seen = server.last();
        let assertion = seen.field("client_assertion").expect("an assertion");
        let (header, claims) = opened(assertion, &public, &ECDSA_P256_SHA256_FIXED);
        assert_eq!(claims["aud"], issuer);
        assert_eq!(header.get("kid"), None);
    }
}

#[test]
fn what_is_no_key() {
    let (good, _) = ec(&ECDSA_P256_SHA256_FIXED_SIGNING);
    let noise = pem(b"hunter2 is no key");
    for (text, expected) in [
        ("", InvalidClientKey::NotPkcs8),
        ("hunter2", InvalidClientKey::NotPkcs8),
        (
            &good.replace("PRIVATE", "ENCRYPTED PRIVATE"),
            InvalidClientKey::NotPkcs8,
        ),
        (
            &good.replace("PRIVATE", "RSA PRIVATE"),
            InvalidClientKey::NotPkcs8,
        ),
        (
            &good.replace("-----END", "-----"),
            InvalidClientKey::NotPkcs8,
        ),
        (&good.replacen('\n', "\n!", 1), InvalidClientKey::NotPkcs8),
        (&noise, InvalidClientKey::Unsupported),
    ] {
        let error = ClientKey::from_pem(text).expect_err("no key");
        assert_eq!(error, expected);
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
    let key = ClientKey::from_pem(&good.replace('\n', "\r\n")).expect("lines of another system");
    assert_eq!(key.with_pss().expect_err("EC"), InvalidClientKey::NotRsa);
}
