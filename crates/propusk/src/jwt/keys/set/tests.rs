use serde_json::json;

use super::*;
use crate::{
    SignatureAlgorithm::{self, EdDsa, Es256, Ps256, Rs256},
    jose::{Header, parse_object, signer::Signer},
};

fn named(signer: &Signer, id: &str) -> Value {
    let mut jwk = signer.jwk();
    jwk["kid"] = id.into();
    jwk
}

fn set(keys: &[Value]) -> KeySet {
    KeySet::parse(json!({ "keys": keys }).to_string().as_bytes()).expect("a set")
}

/// What the set says about a signature of this key under that header.
fn found(set: &KeySet, signer: &Signer, header: &Value) -> Found {
    let header = parse_object(header.to_string().as_bytes()).expect("JSON");
    let header = Header::try_from(header).expect("a header");
    let signature = signer.sign(&header.algorithm().to_string(), b"message");
    set.verify(&Signed {
        header: &header,
        input: b"message",
        signature: &signature,
        issued_at: None,
        leeway: std::time::Duration::ZERO,
    })
}

#[test]
fn rfc7517_5_what_is_not_understood_is_ignored() {
    let (good, other) = (Signer::generate(Es256), Signer::generate(Es256));
    let mut private = named(&other, "private");
    private["d"] = "AA".into();
    let mut odd_name = other.jwk();
    odd_name["kid"] = 7.into();
    let mut encryption = named(&other, "enc");
    encryption["use"] = "enc".into();
    let exotic = [
        json!(null),
        json!("key"),
        json!({}),
        json!({"kty": "AKP", "alg": "ML-DSA-65", "pub": "AA", "kid": "pq"}),
        json!({"kty": "EC", "crv": "P-521", "x": "AA", "y": "AA", "kid": "p521"}),
        json!({"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "kid": "broken"}),
        json!({"kty": "oct", "k": "AA", "kid": "secret"}),
        json!({"x": [[[[[[[[1]]]]]]]]}),
        private,
        odd_name,
        encryption,
    ];
    let mut keys = exotic.to_vec();
    keys.insert(5, named(&good, "good"));
    let set = set(&keys);
    assert_eq!((set.len(), set.ignored()), (1, exotic.len()));
    assert_eq!(
        found(&set, &good, &json!({"alg": "ES256", "kid": "good"})),
        Found::Verified
    );
    for id in ["private", "enc", "broken", "secret", "7"] {
        let header = json!({"alg": "ES256", "kid": id});
        assert_eq!(
            found(&set, &other, &header),
            Found::Nothing(Refused::UnknownKey),
            "{id}"
        );
    }
}

#[test]
fn rfc7517_4_a_key_with_a_name_twice_is_ignored() {
    let signer = Signer::generate(EdDsa);
    let good = named(&signer, "good").to_string();
    let twice = good.replace("\"kty\"", "\"kid\":\"good\",\"kty\"");
    let set = KeySet::parse(format!(r#"{{"keys":[{twice},{good}]}}"#).as_bytes()).expect("a set");
    assert_eq!((set.len(), set.ignored()), (1, 1));
    assert!(
        set.complaints().contains("name twice"),
        "{}",
        set.complaints()
    );
}

#[test]
fn rfc7515_4_1_4_the_named_key_and_no_other() {
    let (one, two) = (Signer::generate(Es256), Signer::generate(Es256));
    let set = set(&[named(&one, "1"), named(&two, "2"), two.jwk()]);
    for (signer, id, expected) in [
        (&one, "1", Found::Verified),
        (&two, "2", Found::Verified),
        (&two, "1", Found::Refused(Refused::Signature)),
        (&one, "2", Found::Refused(Refused::Signature)),
        (&one, "3", Found::Nothing(Refused::UnknownKey)),
        (&one, "", Found::Nothing(Refused::UnknownKey)),
        (&one, "1 ", Found::Nothing(Refused::UnknownKey)),
        (&one, "../1", Found::Nothing(Refused::UnknownKey)),
        (&one, "1' OR '1'='1", Found::Nothing(Refused::UnknownKey)),
        (&one, "1\0", Found::Nothing(Refused::UnknownKey)),
    ] {
        let header = json!({"alg": "ES256", "kid": id});
        assert_eq!(found(&set, signer, &header), expected, "{id:?}");
    }
}

#[test]
fn without_a_name_the_keys_that_fit_are_tried_but_not_many() {
    let signers: Vec<Signer> = (0..17).map(|_| Signer::generate(Es256)).collect();
    let stranger = Signer::generate(Es256);
    let jwks: Vec<Value> = signers.iter().map(Signer::jwk).collect();
    let other_type = Signer::generate(EdDsa).jwk();
    let header = json!({"alg": "ES256"});
    // Keys for other algorithms do not count.
    let sixteen = set(&[&vec![other_type.clone(); 20], &jwks[..16]].concat());
    for signer in &signers[..16] {
        assert_eq!(found(&sixteen, signer, &header), Found::Verified);
    }
    assert_eq!(
        found(&sixteen, &stranger, &header),
        Found::Nothing(Refused::Signature)
    );
    let seventeen = set(&jwks);
    assert_eq!(found(&seventeen, &signers[15], &header), Found::Verified);
    for signer in [&signers[16], &stranger] {
        let untold = Refused::AmbiguousKey(16);
        assert!(untold.to_string().contains("first 16 keys"), "{untold}");
        assert_eq!(found(&seventeen, signer, &header), Found::Nothing(untold));
    }
    // Nor are more tried where many share the name.
    let shared: Vec<Value> = signers.iter().map(|signer| named(signer, "1")).collect();
    let header = json!({"alg": "ES256", "kid": "1"});
    let last = found(&set(&shared), &signers[16], &header);
    assert_eq!(last, Found::Refused(Refused::Signature));
    let none = set(&[other_type]);
    assert_eq!(
        found(&none, &signers[0], &header),
        Found::Nothing(Refused::UnknownKey)
    );
}

#[test]
fn rfc8725_3_1_a_key_is_bound_to_its_algorithm() {
    let signer = Signer::generate(Rs256);
    let bound = |algorithm: Option<SignatureAlgorithm>| {
        let mut jwk = named(&signer, "1");
        if let Some(algorithm) = algorithm {
            jwk["alg"] = algorithm.name().into();
        }
        set(&[jwk])
    };
    let other = || Found::Refused(Refused::KeyAlgorithm);
    for (of_key, of_token, expected) in [
        (Some(Rs256), "RS256", Found::Verified),
        (Some(Ps256), "PS256", Found::Verified),
        (None, "RS256", Found::Verified),
        (None, "PS256", Found::Verified),
        (Some(Rs256), "PS256", other()),
        (Some(Rs256), "RS384", other()),
        (Some(Ps256), "RS256", other()),
        (None, "ES256", other()),
        (None, "EdDSA", other()),
        (None, "HS256", Found::Refused(Refused::Algorithm)),
    ] {
        let header = json!({"alg": of_token, "kid": "1"});
        let found = found(&bound(of_key), &signer, &header);
        assert_eq!(
            found, expected,
            "a key for {of_key:?}, a token with {of_token}"
        );
    }
}

#[test]
fn the_number_of_keys_has_an_end() {
    let jwk = Signer::generate(EdDsa).jwk();
    let set = set(&vec![jwk; 120]);
    assert_eq!((set.len(), set.ignored()), (100, 20));
    assert!(
        set.complaints().contains("too many"),
        "{}",
        set.complaints()
    );
}
