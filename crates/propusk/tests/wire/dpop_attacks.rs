//! What somebody tries who has heard a token, or a proof, or both (RFC 9449 §4.3 and §11).

use propusk::Challenge;
use serde_json::{Value, json};

use crate::support::{
    Era, Holder, MOUNTS, Reply, Request, Signer, Site, call, called, encoded, hash, legacy,
};

/// A request, the `error` that it gets, and a part of the sentence about it.
type Attack = (&'static str, Request, &'static str, &'static str);

const PROOF: &str = "invalid_dpop_proof";
const TOKEN: &str = "invalid_token";

fn attacks(holder: &Holder<'_>, thief: &Signer, request: &Request) -> Vec<Attack> {
    let mut attacks = with_other_claims(holder, request);
    attacks.extend(with_other_headers(holder, thief, request));
    attacks.extend(with_other_forms(holder, thief, request));
    attacks
}

/// Proofs that the holder made for something else.
fn with_other_claims(holder: &Holder<'_>, request: &Request) -> Vec<Attack> {
    let now = i64::try_from(holder.site.seconds()).expect("small");
    let with = |name: &str, value: Value| {
        holder.with_claims(request.clone(), &holder.claims_but(name, value))
    };
    let long = "x".repeat(257);
    vec![
        ("another method", with("htm", json!("GET")), PROOF, "htm"),
        (
            "the method in lower case",
            with("htm", json!("post")),
            PROOF,
            "htm",
        ),
        (
            "another server",
            with("htu", json!("https://other.example/mcp")),
            PROOF,
            "htu",
        ),
        (
            "another path",
            with("htu", json!(format!("{}/admin", holder.site.url()))),
            PROOF,
            "htu",
        ),
        (
            "another port",
            with("htu", json!("http://127.0.0.1:1/mcp")),
            PROOF,
            "htu",
        ),
        ("no URL", with("htu", json!("")), PROOF, "htu"),
        (
            "another token",
            with("ath", json!(hash("alice"))),
            PROOF,
            "ath",
        ),
        ("no token", with("ath", Value::Null), PROOF, "ath"),
        (
            "five minutes ago",
            with("iat", json!(now - 310)),
            PROOF,
            "iat",
        ),
        (
            "in five minutes",
            with("iat", json!(now + 310)),
            PROOF,
            "iat",
        ),
        (
            "in milliseconds",
            with("iat", json!(now * 1000)),
            PROOF,
            "iat",
        ),
        ("in 10^30 seconds", with("iat", json!(1e30)), PROOF, "iat"),
        (
            "a time in words",
            with("iat", json!(now.to_string())),
            PROOF,
            "iat",
        ),
        ("no jti", with("jti", Value::Null), PROOF, "jti"),
        ("a long jti", with("jti", json!(long)), PROOF, "jti"),
        (
            "expired",
            with("exp", json!(now - 1)),
            PROOF,
            "made just now",
        ),
    ]
}

/// Proofs that name another key, or none at all.
fn with_other_headers(holder: &Holder<'_>, thief: &Signer, request: &Request) -> Vec<Attack> {
    let with = |name: &str, value: Value| {
        let mut header = holder.signer.header();
        header[name] = value;
        let claims = holder.claims("POST").to_string();
        let proof = holder.signer.sign(&header.to_string(), &claims);
        holder.with_proof(request.clone(), &proof)
    };
    let mut private = holder.signer.jwk();
    private["d"] = json!(encoded([7; 32]));
    let own = thief.proof(&holder.claims("POST"));
    let disguised = thief.sign(
        &holder.signer.header().to_string(),
        &holder.claims("POST").to_string(),
    );
    let swapped = with("jwk", thief.jwk());
    vec![
        (
            "the thief's key",
            holder.with_proof(request.clone(), &own),
            TOKEN,
            "another key",
        ),
        (
            "the thief's signature",
            holder.with_proof(request.clone(), &disguised),
            PROOF,
            "signature",
        ),
        (
            "the thief's key in the holder's proof",
            swapped,
            PROOF,
            "signature",
        ),
        ("a private key", with("jwk", private), PROOF, "private key"),
        ("no key", with("jwk", Value::Null), PROOF, "public key"),
        (
            "a symmetric key",
            with("jwk", json!({"kty": "oct", "k": "AAAA"})),
            PROOF,
            "private key",
        ),
        (
            "the algorithm none",
            with("alg", json!("none")),
            PROOF,
            "alg",
        ),
        ("an HMAC", with("alg", json!("HS256")), PROOF, "alg"),
        (
            "an unknown algorithm",
            with("alg", json!("ES256K")),
            PROOF,
            "alg",
        ),
        (
            "another algorithm than the key's",
            with("alg", json!("RS256")),
            PROOF,
            "public key",
        ),
        ("another type", with("typ", json!("JWT")), PROOF, "typ"),
        ("no type", with("typ", json!("")), PROOF, "typ"),
        (
            "a critical extension",
            with("crit", json!(["x"])),
            PROOF,
            "well-formed",
        ),
    ]
}

/// Other tokens, and other numbers and sizes of proofs.
fn with_other_forms(holder: &Holder<'_>, thief: &Signer, request: &Request) -> Vec<Attack> {
    let proof = || holder.signer.proof(&holder.claims("POST"));
    let with = |proof: &str| holder.with_proof(request.clone(), proof);
    let free = Holder {
        site: holder.site,
        signer: Signer::new(),
        token: "alice".to_owned(),
    };
    let certified = Holder {
        site: holder.site,
        signer: Signer::new(),
        token: "by-certificate".to_owned(),
    };
    let unsigned = {
        let claims = holder.claims("POST").to_string();
        let header = json!({"typ": "dpop+jwt", "alg": "none", "jwk": holder.signer.jwk()});
        format!("{}.{}.", encoded(header.to_string()), encoded(claims))
    };
    let huge = holder
        .signer
        .proof(&holder.claims_but("x", "x".repeat(9 * 1024)));
    let bearer = |request: Request| request.bearer(&holder.token);
    let stolen = thief.proof(&holder.claims("POST"));
    vec![
        (
            "a plain bearer token",
            bearer(request.clone()),
            TOKEN,
            "without a proof",
        ),
        (
            "… with a proof",
            bearer(request.clone()).header("DPoP", proof()),
            TOKEN,
            "without a proof",
        ),
        (
            "… with another's proof",
            bearer(request.clone()).header("DPoP", stolen),
            TOKEN,
            "without a proof",
        ),
        (
            "a token that is not bound",
            free.prove(request.clone()),
            TOKEN,
            "not bound",
        ),
        (
            "a token bound by certificate",
            certified.prove(request.clone()),
            TOKEN,
            "another key",
        ),
        (
            "no proof",
            holder.with_token(request.clone()),
            PROOF,
            "missing",
        ),
        ("an empty proof", with(""), PROOF, "well-formed"),
        (
            "two proofs",
            with(&proof()).header("DPoP", proof()),
            PROOF,
            "more than once",
        ),
        (
            "a list of proofs",
            with(&format!("{}, {}", proof(), proof())),
            PROOF,
            "well-formed",
        ),
        (
            "an access token for a proof",
            with("e30.e30.AA"),
            PROOF,
            "well-formed",
        ),
        ("no signature", with(&unsigned), PROOF, "well-formed"),
        ("a huge proof", with(&huge), PROOF, "too long"),
    ]
}

fn check(case: &str, reply: &Reply, error: &str, sentence: &str) {
    assert_eq!(reply.status, 401, "{case}: {reply:?}");
    let header = reply.header("www-authenticate").expect(case);
    let challenges = Challenge::parse_all(header);
    assert_eq!(challenges.len(), 1, "{case}: {header}");
    assert!(challenges[0].is_dpop(), "{case}: {header}");
    assert_eq!(challenges[0].error(), Some(error), "{case}: {header}");
    let said = challenges[0].error_description().expect(case);
    assert!(said.contains(sentence), "{case}: {said}");
    assert!(
        challenges[0].algs().any(|alg| alg == "ES256"),
        "{case}: {header}"
    );
    assert_eq!(reply.header("cache-control"), Some("no-store"), "{case}");
    assert_eq!(reply.header("dpop-nonce"), None, "{case}");
}

#[tokio::test]
async fn rfc9449_4_3_every_attack_on_a_proof_is_refused() {
    for mount in MOUNTS {
        let site = Site::plain(mount).await;
        let holder = Holder::new(&site, "alice");
        let thief = Signer::new();
        for era in Era::BOTH {
            let request = match era {
                Era::Modern => call("whoami"),
                Era::Legacy => legacy(&holder.open().await, "whoami"),
            };
            for (case, attack, error, sentence) in attacks(&holder, &thief, &request) {
                let asked = site.verified();
                let reply = site.send(&attack).await;
                let case = format!("{mount:?} {era:?} {case}");
                check(&case, &reply, error, sentence);
                // A bad proof costs nobody a look at the token.
                assert_eq!(
                    site.verified() - asked,
                    usize::from(error == TOKEN),
                    "{case}"
                );
            }
            // After all that, the holder goes on.
            let reply = site.send(&holder.prove(request)).await;
            assert_eq!(called(&reply), "alice", "{mount:?} {era:?}");
        }
    }
}

#[tokio::test]
async fn two_credentials_are_refused_whatever_their_schemes() {
    for mount in MOUNTS {
        let site = Site::plain(mount).await;
        let holder = Holder::new(&site, "alice");
        for request in [
            holder.prove(call("whoami")).bearer("alice"),
            holder.prove(call("whoami").bearer("alice")),
            holder.with_token(holder.prove(call("whoami"))),
            holder
                .prove(call("whoami"))
                .header("Authorization", "Basic eA=="),
            holder.prove(call("whoami").line("POST /mcp?access_token=alice")),
        ] {
            let reply = site.send(&request).await;
            assert_eq!(reply.status, 400, "{mount:?}: {reply:?}");
        }
        assert_eq!(site.verified(), 0);
    }
}

#[tokio::test]
async fn no_refusal_repeats_what_the_proof_said() {
    for mount in MOUNTS {
        let site = Site::plain(mount).await;
        let holder = Holder::new(&site, "beacon-55");
        let marked = |name: &str| {
            let claims = holder.claims_but(name, "beacon-55");
            holder.with_claims(call("whoami"), &claims)
        };
        for request in [
            marked("htm"),
            marked("htu"),
            marked("ath"),
            marked("iat"),
            holder.with_proof(call("whoami"), "beacon-55"),
            holder.with_token(call("whoami")),
        ] {
            let reply = site.send(&request).await;
            assert_eq!(reply.status, 401, "{reply:?}");
            let shown = format!("{:?} {}", reply.headers, reply.text());
            for secret in [
                "beacon",
                &*encoded("beacon-55"),
                &*holder.signer.thumbprint(),
            ] {
                assert!(!shown.contains(secret), "{mount:?}: {shown}");
            }
        }
    }
}
