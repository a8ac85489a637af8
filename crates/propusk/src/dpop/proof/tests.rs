//! Every check of RFC 9449 §4.3 by its number: what passes it, and what does not.

mod claims;

use http::HeaderValue;
use serde_json::json;

use super::*;
use crate::{ResourceUrl, jose::signer::Signer};

const URL: &str = "https://mcp.example/mcp";
const TOKEN: &str = "a-token";
/// The hash of `a-token`.
const HASH: &str = "H2B246R7od7QgCX_4G5XryF8FPlAfzP7pQ-ZsccBk4c";
const NOW: u64 = 1_000_000;

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(NOW)
}

/// A client with a key, whose proofs are good until a test changes them.
struct Client {
    signer: Signer,
    header: Value,
    claims: Value,
}

impl Client {
    fn new() -> Self {
        Self::with(SignatureAlgorithm::Es256)
    }

    fn with(algorithm: SignatureAlgorithm) -> Self {
        let signer = Signer::generate(algorithm);
        let header = json!({"typ": "dpop+jwt", "alg": algorithm.name(), "jwk": signer.jwk()});
        let claims = json!({"jti": "1", "htm": "POST", "htu": URL, "iat": NOW, "ath": HASH});
        Self {
            signer,
            header,
            claims,
        }
    }

    fn header(mut self, name: &str, value: Value) -> Self {
        put(&mut self.header, name, value);
        self
    }

    fn claim(mut self, name: &str, value: Value) -> Self {
        put(&mut self.claims, name, value);
        self
    }

    fn proof(&self) -> String {
        self.signer.token(&self.header, &self.claims)
    }

    fn outcome(&self) -> Result<Proof, ProofDefect> {
        judge(&self.proof())
    }

    #[track_caller]
    fn expect(&self, expected: Result<(), ProofDefect>) {
        let outcome = self.outcome().map(|_| ());
        assert_eq!(outcome, expected, "{} {}", self.header, self.claims);
    }
}

/// Null takes a member away.
fn put(object: &mut Value, name: &str, value: Value) {
    let members = object.as_object_mut().expect("an object");
    match value {
        Value::Null => drop(members.remove(name)),
        value => drop(members.insert(name.to_owned(), value)),
    }
}

fn judge(proof: &str) -> Result<Proof, ProofDefect> {
    judge_with(proof, None, now())
}

fn judge_with(proof: &str, nonces: Option<&Nonces>, now: SystemTime) -> Result<Proof, ProofDefect> {
    let target = Target::of(&ResourceUrl::parse(URL).expect("a URL"));
    let expected = Expected {
        method: "POST",
        path: "/mcp",
        target: &target,
        token: TOKEN,
        nonces,
        now,
    };
    check(proof, &expected)
}

#[test]
fn a_good_proof_tells_the_key() {
    for algorithm in ALGORITHMS {
        let client = Client::with(algorithm);
        let jwk = client.signer.jwk();
        let key = VerifyingKey::from_jwk(jwk.as_object().expect("a key")).expect("usable");
        let proof = client.outcome().expect("a good proof");
        assert_eq!(proof.thumbprint(), key.thumbprint(), "{algorithm}");
        assert_eq!(proof.id(), ProofId::of(key.thumbprint(), "1"));
        assert_eq!(proof.nonce(), None);
    }
}

#[test]
fn rfc9449_4_3_1_one_header() {
    let headers = |proofs: &[&[u8]]| {
        let mut headers = HeaderMap::new();
        for proof in proofs {
            headers.append("dpop", HeaderValue::from_bytes(proof).expect("a value"));
        }
        headers
    };
    for (proofs, expected) in [
        (&[b"a.b.c".as_slice()][..], Ok("a.b.c")),
        (&[], Err(ProofDefect::Missing)),
        (&[b"a.b.c", b"a.b.c"], Err(ProofDefect::Several)),
        (&[b"", b""], Err(ProofDefect::Several)),
        (&[b"a.b.\xff"], Err(ProofDefect::Malformed)),
    ] {
        assert_eq!(only_header(&headers(proofs)), expected, "{proofs:?}");
    }
}

#[test]
fn rfc9449_4_3_2_a_single_well_formed_jwt() {
    let client = Client::new();
    let good = client.proof();
    let (header, claims) = (client.header.to_string(), client.claims.to_string());
    let signed = |header: &str, claims: &str| client.signer.token_of(header, claims);
    assert_eq!(judge(&good).map(|_| ()), Ok(()));
    for bad in [
        String::new(),
        "x".to_owned(),
        format!("{good}.x"),
        format!("{good},{good}"),
        format!("{good} "),
        format!("{good}="),
        good.replace('.', ".."),
        good[..good.rfind('.').expect("a dot") + 1].to_owned(),
        signed("[]", &claims),
        signed(&header, "[]"),
        signed(&header, "\"x\""),
        signed(&header, &format!("{claims} x")),
        // One of two values counts, and readers differ on which.
        signed(&header, &claims.replacen('{', r#"{"htm":"GET","#, 1)),
        signed(&header, &claims.replacen('{', r#"{"\u0068tm":"GET","#, 1)),
        signed(&header.replacen('{', r#"{"alg":"none","#, 1), &claims),
        signed(&header.replacen('{', r#"{"crit":["x"],"x":1,"#, 1), &claims),
        signed(&header.replacen('{', r#"{"b64":false,"#, 1), &claims),
    ] {
        assert_eq!(judge(&bad).err(), Some(ProofDefect::Malformed), "{bad}");
    }
}

#[test]
fn a_proof_is_bounded() {
    let client = Client::new();
    let size = |padding: usize| {
        let client = Client::new().claim("x", "x".repeat(padding).into());
        let proof = client.proof();
        (proof.len(), judge(&proof).err())
    };
    let (small, _) = size(0);
    let (length, fits) = size((LONGEST_PROOF - small) * 3 / 4 - 8);
    assert!(
        length > LONGEST_PROOF - 32 && length <= LONGEST_PROOF,
        "{length}"
    );
    assert_eq!(fits, None);
    for padding in [LONGEST_PROOF, 1_000_000] {
        assert_eq!(size(padding).1, Some(ProofDefect::TooLong));
    }
    let long = client.claim("jti", "x".repeat(LONGEST_ID).into());
    long.expect(Ok(()));
    let longer = long.claim("jti", "x".repeat(LONGEST_ID + 1).into());
    longer.expect(Err(ProofDefect::Claim("jti")));
}

#[test]
fn rfc9449_4_3_3_all_required_claims() {
    for name in ["jti", "htm", "htu", "iat", "ath"] {
        for value in [Value::Null, json!([]), json!({}), json!(true)] {
            let client = Client::new().claim(name, value);
            client.expect(Err(ProofDefect::Claim(name)));
        }
    }
    for (name, value) in [
        ("jti", json!(1)),
        ("jti", json!("")),
        ("htm", json!(["POST"])),
        ("htu", json!([URL])),
        ("iat", json!("1000000")),
        ("ath", json!(1)),
        ("exp", json!("1000001")),
        ("nbf", json!([])),
    ] {
        let client = Client::new().claim(name, value);
        client.expect(Err(ProofDefect::Claim(name)));
    }
    // What else there is does not matter.
    Client::new().claim("sub", json!({"x": 1})).expect(Ok(()));
    Client::new().claim("nonce", json!(1)).expect(Ok(()));
}

#[test]
fn rfc9449_4_3_4_typ() {
    for good in ["dpop+jwt", "application/dpop+jwt", "DPoP+JWT"] {
        Client::new().header("typ", json!(good)).expect(Ok(()));
    }
    for bad in [
        json!("JWT"),
        json!("at+jwt"),
        json!("dpop"),
        json!(""),
        json!("dpop+jwt "),
        Value::Null,
    ] {
        let client = Client::new().header("typ", bad);
        client.expect(Err(ProofDefect::WrongType));
    }
    // What is no text at all is no header.
    let client = Client::new().header("typ", json!(["dpop+jwt"]));
    client.expect(Err(ProofDefect::Malformed));
}

#[test]
fn rfc9449_4_3_5_an_asymmetric_algorithm_that_is_supported() {
    for bad in [
        "none", "None", "", "HS256", "HS384", "HS512", "ES512", "ES256K", "es256", "RSA-OAEP",
    ] {
        let client = Client::new().header("alg", json!(bad));
        client.expect(Err(ProofDefect::Algorithm));
    }
    // An HMAC with the public key that everybody knows.
    let jwk = Signer::generate(SignatureAlgorithm::Es256).jwk();
    for secret in [jwk.to_string(), jwk["x"].as_str().expect("text").to_owned()] {
        let client = Client {
            signer: Signer::Secret(secret.into_bytes()),
            ..Client::new()
                .header("jwk", jwk.clone())
                .header("alg", json!("HS256"))
        };
        client.expect(Err(ProofDefect::Algorithm));
    }
    // A symmetric key is no public one either.
    let secret = Signer::Secret(vec![7; 32]);
    let client = Client::new().header("jwk", secret.jwk());
    client.expect(Err(ProofDefect::PrivateKey));
    // Without a signature.
    let proof = Client::new().header("alg", json!("none")).proof();
    let unsigned = &proof[..=proof.rfind('.').expect("a dot")];
    assert_eq!(judge(unsigned).err(), Some(ProofDefect::Malformed));
    for missing in [Value::Null, json!(["ES256"])] {
        let client = Client::new().header("alg", missing);
        client.expect(Err(ProofDefect::Malformed));
    }
}

#[test]
fn rfc9449_4_3_6_the_signature_is_that_of_the_key() {
    let client = Client::new();
    let good = client.proof();
    let (input, signature) = good.rsplit_once('.').expect("a signature");
    let stranger = Client::new();
    let foreign = Client {
        signer: stranger.signer,
        ..Client::new()
    };
    foreign.expect(Err(ProofDefect::Signature));
    let mut other = client.claims.clone();
    put(&mut other, "jti", json!("2"));
    let other = client.signer.token(&client.header, &other);
    let (_, other) = other.rsplit_once('.').expect("a signature");
    for (signature, expected) in [
        (other.to_owned(), ProofDefect::Signature),
        (URL_SAFE_NO_PAD.encode([0; 64]), ProofDefect::Signature),
        (URL_SAFE_NO_PAD.encode([0xff; 64]), ProofDefect::Signature),
        (URL_SAFE_NO_PAD.encode([1; 63]), ProofDefect::Signature),
        (format!("{signature}AAAA"), ProofDefect::Signature),
        ("AA".to_owned(), ProofDefect::Signature),
        (format!("{signature}="), ProofDefect::Malformed),
    ] {
        let proof = format!("{input}.{signature}");
        assert_eq!(judge(&proof).err(), Some(expected), "{signature}");
    }
}

#[test]
fn rfc9449_4_3_7_no_private_key() {
    for name in ["d", "k", "p", "q", "dp", "dq", "qi", "oth"] {
        let client = Client::new();
        let mut jwk = client.signer.jwk();
        put(&mut jwk, name, json!("AA"));
        let client = client.header("jwk", jwk);
        client.expect(Err(ProofDefect::PrivateKey));
    }
}

#[test]
fn the_key_stands_in_the_header_and_fits_the_algorithm() {
    let point = Client::new().signer.jwk();
    let mut off_the_curve = point.clone();
    put(&mut off_the_curve, "y", point["x"].clone());
    let mut encrypting = point.clone();
    put(&mut encrypting, "use", json!("enc"));
    let rsa = Signer::generate(SignatureAlgorithm::Rs256).jwk();
    for bad in [
        Value::Null,
        json!("x"),
        json!({}),
        json!([point]),
        off_the_curve,
        encrypting,
        rsa,
        json!({"kty": "EC", "crv": "P-521", "x": "AA", "y": "AA"}),
    ] {
        let client = Client::new().header("jwk", bad);
        client.expect(Err(ProofDefect::Key));
    }
    // What names a key elsewhere is no key, and nobody fetches it.
    let elsewhere = Client::new()
        .header("jwk", Value::Null)
        .header("jku", json!("http://127.0.0.1:1/jwks"));
    elsewhere.expect(Err(ProofDefect::Key));
}

/// The example of the RFC, whose time and URL are its own.
#[test]
fn rfc9449_7_1_the_example() {
    let proof = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA";
    let resource = "https://resource.example.org/protectedresource";
    let target = Target::of(&ResourceUrl::parse(resource).expect("a URL"));
    let expected = Expected {
        method: "GET",
        path: "/protectedresource",
        target: &target,
        token: "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU",
        nonces: None,
        now: SystemTime::UNIX_EPOCH + Duration::from_secs(1_562_262_618),
    };
    let proof = check(proof, &expected).expect("the example is right");
    assert_eq!(
        proof.thumbprint(),
        "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
    );
}

#[test]
fn no_defect_repeats_the_proof() {
    let marker = "marker-7f3a";
    let client = Client::new();
    for client in [
        Client::new().claim("jti", json!([marker])),
        Client::new().claim("htm", json!(marker)),
        Client::new().claim("htu", json!(marker)),
        Client::new().claim("ath", json!(marker)),
        Client::new().header("typ", json!(marker)),
        Client::new().header("alg", json!(marker)),
        client.header("jwk", json!({"kty": marker})),
    ] {
        let defect = client.outcome().expect_err("not good");
        assert!(!format!("{defect} {defect:?}").contains(marker));
    }
}
