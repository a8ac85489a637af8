use serde_json::json;

use super::*;
use crate::jose::signer::Signer;

fn parse(jwk: &Value) -> Result<VerifyingKey, UnusableKey> {
    VerifyingKey::from_jwk(jwk.as_object().expect("an object"))
}

fn with(jwk: &Value, name: &str, value: impl Into<Value>) -> Value {
    let mut jwk = jwk.clone();
    jwk[name] = value.into();
    jwk
}

#[test]
fn rfc7518_3_1_every_algorithm_verifies_its_own_signatures_only() {
    for algorithm in SignatureAlgorithm::ALL {
        let signer = Signer::generate(algorithm);
        let name = algorithm.name();
        let key = parse(&with(&signer.jwk(), "alg", name)).expect(name);
        let signature = signer.sign(name, b"message");
        assert!(key.verify(algorithm, b"message", &signature), "{name}");
        assert!(!key.verify(algorithm, b"massage", &signature), "{name}");
        for other in SignatureAlgorithm::ALL {
            let verified = key.verify(other, b"message", &signature);
            assert_eq!(
                verified,
                other == algorithm,
                "{other} with a key for {name}"
            );
        }
        let other = parse(&Signer::generate(algorithm).jwk()).expect(name);
        assert!(
            !other.verify(algorithm, b"message", &signature),
            "another key, {name}"
        );
    }
}

#[test]
fn signatures_have_one_length() {
    for algorithm in SignatureAlgorithm::ALL {
        let signer = Signer::generate(algorithm);
        let key = parse(&signer.jwk()).expect("a key");
        let good = signer.sign(algorithm.name(), b"message");
        let length = good.len();
        for (bad, what) in [
            (Vec::new(), "empty"),
            (vec![0], "one zero"),
            (vec![0; length], "zeros"),
            (vec![0xff; length], "ones"),
            (good[..length - 1].to_vec(), "truncated"),
            (good[1..].to_vec(), "without its first byte"),
            ([&good[..], &[0]].concat(), "extended"),
            ([&[0], &good[..]].concat(), "with a zero before"),
            ([&good[..], &good[..]].concat(), "twice"),
        ] {
            assert!(
                !key.verify(algorithm, b"message", &bad),
                "{algorithm} {what}"
            );
        }
        assert!(key.verify(algorithm, b"message", &good), "{algorithm}");
    }
}

#[test]
fn rfc7518_3_4_ecdsa_in_fixed_form_not_in_der() {
    use aws_lc_rs::{
        rand::SystemRandom,
        signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair},
    };
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("key");
    let der = pair
        .sign(&SystemRandom::new(), b"message")
        .expect("signature");
    let key = parse(&Signer::P256(pair).jwk()).expect("a key");
    assert!(!key.verify(SignatureAlgorithm::Es256, b"message", der.as_ref()));
}

#[test]
fn rfc7517_4_which_keys_are_used() {
    let rsa = Signer::generate(SignatureAlgorithm::Rs256).jwk();
    let p256 = Signer::generate(SignatureAlgorithm::Es256).jwk();
    let p384 = Signer::generate(SignatureAlgorithm::Es384).jwk();
    let ed = Signer::generate(SignatureAlgorithm::EdDsa).jwk();
    let x = p256["x"].as_str().expect("text");
    for (jwk, expected) in [
        (rsa.clone(), "RS256 RS384 RS512 PS256 PS384 PS512"),
        (p256.clone(), "ES256"),
        (p384.clone(), "ES384"),
        (ed.clone(), "EdDSA"),
        (with(&rsa, "alg", "PS256"), "PS256"),
        (with(&ed, "alg", "Ed25519"), "EdDSA"),
        (with(&ed, "alg", "EdDSA"), "EdDSA"),
        (
            with(&rsa, "use", "sig"),
            "RS256 RS384 RS512 PS256 PS384 PS512",
        ),
        (with(&p256, "key_ops", json!(["sign", "verify"])), "ES256"),
        (with(&p256, "x5c", json!(["MII"])), "ES256"),
        (with(&rsa, "alg", "ES256"), "not one of its key type"),
        (with(&p256, "alg", "ES384"), "not one of its key type"),
        (with(&p256, "alg", "EdDSA"), "not one of its key type"),
        (with(&rsa, "alg", "HS256"), "not an algorithm"),
        (with(&rsa, "alg", "none"), "not an algorithm"),
        (with(&rsa, "alg", "RSA-OAEP"), "not an algorithm"),
        (
            with(&rsa, "alg", json!(["RS256"])),
            "`alg` is missing or malformed",
        ),
        (with(&rsa, "use", "enc"), "`use`"),
        (with(&rsa, "use", json!(null)), "`use`"),
        (with(&p256, "key_ops", json!(["sign"])), "`key_ops`"),
        (with(&p256, "key_ops", json!([])), "`key_ops`"),
        (with(&p256, "key_ops", "verify"), "`key_ops`"),
        (with(&p256, "d", "AA"), "private"),
        (with(&rsa, "p", "AA"), "private"),
        (json!({"kty": "oct", "k": "AA"}), "private"),
        (json!({"kty": "oct"}), "no `kty`"),
        (json!({"kty": "AKP"}), "no `kty`"),
        (json!({}), "no `kty`"),
        (with(&p256, "crv", "P-521"), "curve"),
        (with(&p256, "crv", "secp256k1"), "curve"),
        (with(&p256, "crv", "p-256"), "curve"),
        (with(&p256, "crv", "P-384"), "`x` is missing or malformed"),
        (with(&ed, "crv", "X25519"), "curve"),
        (with(&ed, "crv", "Ed448"), "curve"),
        (with(&ed, "x", "AA"), "`x` is missing or malformed"),
        (
            with(&p256, "x", format!("AA{x}")),
            "`x` is missing or malformed",
        ),
        (
            with(&p256, "x", format!("{x}=")),
            "`x` is missing or malformed",
        ),
        (with(&p256, "x", json!(null)), "`x` is missing or malformed"),
        (with(&p256, "y", x), "not a public key"),
        (with(&p256, "y", "A".repeat(43)), "not a public key"),
    ] {
        let shown = match parse(&jwk) {
            Ok(key) => key
                .algorithms()
                .map(SignatureAlgorithm::name)
                .collect::<Vec<_>>()
                .join(" "),
            Err(error) => error.to_string(),
        };
        assert!(shown.contains(expected), "{jwk}: {shown}");
        if parse(&jwk).is_ok() {
            assert_eq!(shown, expected);
        }
    }
}

#[test]
fn rfc7518_3_3_rsa_keys_have_2048_bits_or_more() {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let jwk = |n: &[u8], e: &[u8]| {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        parse(&json!({"kty": "RSA", "n": text(n), "e": text(e)}))
    };
    let exponent = [1, 0, 1];
    for (bytes, first, expected) in [
        (128, 0xff, Some(UnusableKey::Size(1024))),
        (256, 0x7f, Some(UnusableKey::Size(2047))),
        (256, 0x80, None),
        (1024, 0xff, None),
        (1025, 0x01, Some(UnusableKey::Size(8193))),
        (257, 0x00, Some(UnusableKey::Member("n"))),
    ] {
        let mut n = vec![0xff; bytes];
        n[0] = first;
        assert_eq!(
            jwk(&n, &exponent).err(),
            expected,
            "{bytes} bytes from {first:x}"
        );
    }
    let n = [0xff; 256];
    for (e, expected) in [
        (&[3][..], None),
        (&[1], Some(UnusableKey::Numbers)),
        (&[2], Some(UnusableKey::Numbers)),
        (&[0], Some(UnusableKey::Member("e"))),
        (&[], Some(UnusableKey::Member("e"))),
        (&[0, 1, 0, 1], Some(UnusableKey::Member("e"))),
        (&[1, 0, 0, 0, 1], Some(UnusableKey::Numbers)),
    ] {
        assert_eq!(jwk(&n, e).err(), expected, "{e:?}");
    }
    let mut even = n;
    even[255] = 0xfe;
    assert_eq!(jwk(&even, &exponent).err(), Some(UnusableKey::Numbers));
}
