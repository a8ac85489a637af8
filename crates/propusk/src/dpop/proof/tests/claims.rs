//! What a proof says of its request and its time (RFC 9449 §4.3, 8 to 12).

use super::*;

#[test]
fn rfc9449_4_3_8_htm() {
    for bad in ["GET", "post", "POST ", "", "PO", "POSTS"] {
        let client = Client::new().claim("htm", json!(bad));
        client.expect(Err(ProofDefect::WrongMethod));
    }
}

/// The table of URLs is beside the comparison.
#[test]
fn rfc9449_4_3_9_htu() {
    Client::new()
        .claim("htu", json!(format!("{URL}?x=y")))
        .expect(Ok(()));
    for bad in [
        "",
        "/mcp",
        "http://mcp.example/mcp",
        "https://mcp.example/mcp/x",
    ] {
        let client = Client::new().claim("htu", json!(bad));
        client.expect(Err(ProofDefect::WrongUrl));
    }
}

#[test]
fn rfc9449_4_3_10_a_nonce_where_one_is_required() {
    let (own, foreign) = (Nonces::new(), Nonces::new());
    let later = now() + Duration::from_secs(150);
    let latest = now() + Duration::from_secs(300);
    let given = own.current(now()).expect("a key");
    let needed = Err(ProofDefect::NonceNeeded);
    #[rustfmt::skip]
    let table = [
        (json!(given),                   now(),  Ok(Some(Age::Current))),
        (json!(given),                   later,  Ok(Some(Age::Previous))),
        (json!(given),                   latest, needed),
        (json!(own.current(later)),      now(),  needed),
        (json!(foreign.current(now())),  now(),  needed),
        (Value::Null,                    now(),  needed),
        (json!(""),                      now(),  needed),
        (json!([given]),                 now(),  needed),
    ];
    for (nonce, now, expected) in table {
        let proof = Client::new().claim("nonce", nonce.clone()).proof();
        let outcome = judge_with(&proof, Some(&own), now);
        assert_eq!(outcome.map(|proof| proof.nonce()), expected, "{nonce}");
    }
}

#[test]
fn rfc9449_4_3_11_made_around_now() {
    let window = i64::try_from(WINDOW.as_secs()).expect("small");
    let now = i64::try_from(NOW).expect("small");
    for good in [
        json!(now - window),
        json!(now + window),
        json!(1_000_000.25),
        json!(1e6),
    ] {
        Client::new().claim("iat", good).expect(Ok(()));
    }
    for bad in [
        json!(now - window - 1),
        json!(now + window + 1),
        json!(0),
        json!(-now),
        json!(1e30),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(now * 1000),
    ] {
        let client = Client::new().claim("iat", bad);
        client.expect(Err(ProofDefect::WrongTime));
    }
    for (name, good, bad) in [
        ("exp", now + 1, now),
        ("nbf", now + window, now + window + 1),
    ] {
        Client::new().claim(name, json!(good)).expect(Ok(()));
        let client = Client::new().claim(name, json!(bad));
        client.expect(Err(ProofDefect::WrongTime));
    }
}

/// A proof that waits while its token is verified grows old as any other.
#[test]
fn a_proof_is_too_old_once_its_window_is_over() {
    let proof = Client::new().outcome().expect("a good proof");
    assert_eq!(proof.is_of(now() + WINDOW), Ok(()));
    let later = now() + WINDOW + Duration::from_secs(1);
    assert_eq!(proof.is_of(later), Err(ProofDefect::WrongTime));
}

/// The second half, the thumbprint, is in the table of the decision.
#[test]
fn rfc9449_4_3_12_ath() {
    let padded = format!("{HASH}=");
    for bad in ["", TOKEN, &padded, &HASH.to_lowercase(), &HASH[1..]] {
        let client = Client::new().claim("ath", json!(bad));
        client.expect(Err(ProofDefect::WrongToken));
    }
}
