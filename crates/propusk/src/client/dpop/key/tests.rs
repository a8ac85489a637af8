use std::collections::HashSet;

use super::*;
use crate::jose::{Algorithm, Compact, parse_object};

const URL: &str = "https://mcp.example.com/mcp";

fn key() -> DpopKey {
    DpopKey::generate().expect("a key")
}

/// Header and claims of a proof whose signature is that of the key in its header.
fn opened(proof: &str) -> (Map<String, Value>, Map<String, Value>) {
    let jws = Compact::parse(proof).expect("a JWS");
    let claims = jws.claims().expect("claims");
    let header = URL_SAFE_NO_PAD.decode(proof.split('.').next().expect("a header"));
    let header = parse_object(&header.expect("base64url")).expect("an object");
    let jwk = header["jwk"].as_object().expect("a key");
    let public = VerifyingKey::from_jwk(jwk).expect("public and for signatures");
    let Ok(Algorithm::Signature(algorithm)) = header["alg"].as_str().expect("alg").parse() else {
        panic!("an algorithm with a public key: {header:?}");
    };
    let (input, signature) = proof.rsplit_once('.').expect("a signature");
    let signature = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
    assert!(public.verify(algorithm, input.as_bytes(), &signature));
    (header, claims)
}

#[test]
fn rfc9449_4_2_header_and_claims() {
    let key = key();
    let token = BearerToken::parse("secret").expect("a token");
    let before = SystemTime::now().duration_since(UNIX_EPOCH).expect("now");
    let proof = key.proof("POST", URL, Some(&token), Some("n-1"));
    let (header, claims) = opened(&proof.expect("a proof"));
    assert_eq!(header["typ"], "dpop+jwt");
    assert_eq!(header["alg"], "ES256");
    assert_eq!(header.len(), 3, "{header:?}");
    assert_eq!(claims["htm"], "POST");
    assert_eq!(claims["htu"], URL);
    assert_eq!(claims["nonce"], "n-1");
    assert_eq!(claims["ath"], "K7gNU3sdo-OL0wNhqoVWhr3g6s1xYv72ol_pe_Unols");
    assert!(claims["iat"].as_u64().expect("seconds") >= before.as_secs());
    assert_eq!(claims.len(), 6, "{claims:?}");
    let (_, bare) = opened(&key.proof("GET", URL, None, None).expect("a proof"));
    assert_eq!(bare.len(), 4, "{bare:?}");
    assert_eq!(bare["htm"], "GET");
}

#[test]
fn rfc9449_4_2_jti_has_96_random_bits_and_is_never_used_twice() {
    let key = key();
    let ids: HashSet<String> = (0..100)
        .map(|_| {
            let proof = key.proof("POST", URL, None, None).expect("a proof");
            let (_, claims) = opened(&proof);
            let id = claims["jti"].as_str().expect("a text");
            let bytes = URL_SAFE_NO_PAD.decode(id).expect("base64url");
            assert!(bytes.len() * 8 >= 96, "{id}");
            id.to_owned()
        })
        .collect();
    assert_eq!(ids.len(), 100);
}

#[test]
fn rfc9449_4_2_htu_is_without_query_and_fragment() {
    let key = key();
    for (url, expected) in [
        (URL, Some(URL)),
        (
            "https://a.example/mcp?x=1&y=2",
            Some("https://a.example/mcp"),
        ),
        ("https://a.example/mcp#part", Some("https://a.example/mcp")),
        (
            "https://a.example/mcp?x#part",
            Some("https://a.example/mcp"),
        ),
        ("https://a.example", Some("https://a.example/")),
        ("HTTPS://A.example:443/Mcp", Some("https://a.example/Mcp")),
        (
            "http://127.0.0.1:8000/mcp",
            Some("http://127.0.0.1:8000/mcp"),
        ),
        ("https://me:pw@a.example/mcp", Some("https://a.example/mcp")),
        ("ftp://a.example/mcp", None),
        ("javascript:alert(1)", None),
        ("a.example/mcp", None),
        ("", None),
    ] {
        let proof = key.proof("POST", url, None, None);
        let target = proof.map(|proof| opened(&proof).1["htu"].as_str().map(str::to_owned));
        assert_eq!(target.flatten().as_deref(), expected, "{url}");
    }
}

#[test]
fn every_kind_of_key_but_rsa() {
    use crate::jose::{SignatureAlgorithm, signer::Signer};
    for (algorithm, name) in [
        (SignatureAlgorithm::Es256, Some("ES256")),
        (SignatureAlgorithm::Es384, Some("ES384")),
        (SignatureAlgorithm::EdDsa, Some("EdDSA")),
        (SignatureAlgorithm::Rs256, None),
    ] {
        let signer = Signer::generate(algorithm);
        let read = DpopKey::from_pem(&signer.pem());
        let Some(name) = name else {
            assert_eq!(read.expect_err("RSA"), InvalidDpopKey::Rsa);
            continue;
        };
        let proof = read.expect("a key").proof("POST", URL, None, None);
        let (header, _) = opened(&proof.expect("a proof"));
        assert_eq!(header["alg"], name);
        assert_eq!(header["jwk"], signer.jwk(), "nothing of the private half");
    }
}

#[test]
fn what_was_written_can_be_read_and_what_is_no_key_is_not() {
    let key = key();
    let pem = key.to_pem();
    assert!(pem.lines().all(|line| line.len() <= 64), "RFC 7468 §2");
    let again = DpopKey::from_pem(&pem).expect("the same key");
    assert_eq!(again.thumbprint(), key.thumbprint());
    assert_ne!(
        super::DpopKey::generate().expect("one").thumbprint(),
        key.thumbprint()
    );
    for bad in [
        "",
        "hunter2",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
    ] {
        let error = DpopKey::from_pem(bad).expect_err(bad);
        assert!(matches!(error, InvalidDpopKey::Unreadable(_)), "{error}");
        assert!(!error.to_string().contains("hunter2"));
    }
}

#[test]
fn debug_shows_the_thumbprint_alone() {
    let key = key();
    assert_eq!(format!("{key:?}"), format!("DpopKey({})", key.thumbprint()));
}
