//! Tokens that were made to be taken for others.

use super::*;

#[tokio::test]
async fn rfc8725_2_1_algorithm_confusion_in_both_directions() {
    let rsa = Signer::generate(Rs256);
    let verifier = verifier(&rsa);
    let jwk = rsa.jwk();
    let modulus = URL_SAFE_NO_PAD
        .decode(jwk["n"].as_str().expect("text"))
        .expect("base64url");
    let Signer::Rsa(pair) = &rsa else {
        unreachable!()
    };
    let der = aws_lc_rs::signature::KeyPair::public_key(pair)
        .as_ref()
        .to_vec();
    let pem = format!(
        "-----BEGIN RSA PUBLIC KEY-----\n{}\n-----END RSA PUBLIC KEY-----\n",
        base64::engine::general_purpose::STANDARD.encode(&der)
    );
    // The public key as the secret of an HMAC, in every form that a library may have kept it in.
    for secret in [
        modulus,
        der,
        pem.trim_end().as_bytes().to_vec(),
        pem.into_bytes(),
        jwk.to_string().into_bytes(),
        key_set(&rsa).to_string().into_bytes(),
    ] {
        for alg in ["HS256", "HS384", "HS512"] {
            for header in [json!({"alg": alg, "kid": "1"}), json!({"alg": alg})] {
                let token = Signer::Secret(secret.clone()).token(&header, &claims());
                assert_eq!(
                    reason(&verifier, &token).await,
                    Refused::Algorithm.to_string()
                );
                assert!(!accepts(&verifier, &token).await);
            }
        }
    }
    // A verifier with a secret takes no signature of anybody.
    let secret = b"a secret of just about thirty-two bytes".to_vec();
    let symmetric = JwtVerifier::from_secret(ISSUER, RESOURCE, MacAlgorithm::Hs256, &secret);
    let symmetric = symmetric.expect("valid").with_clock(now);
    let token = rsa.token(&json!({"alg": "RS256", "kid": "1"}), &claims());
    assert!(!accepts(&symmetric, &token).await);
    let secret = Signer::Secret(secret);
    assert!(
        accepts(
            &symmetric,
            &secret.token(&json!({"alg": "HS256"}), &claims())
        )
        .await
    );
    for alg in ["HS384", "HS512", "none", "hs256"] {
        let token = secret.token(&json!({"alg": alg}), &claims());
        assert!(!accepts(&symmetric, &token).await, "{alg}");
    }
    let other = Signer::Secret(vec![7; 32]);
    assert!(
        !accepts(
            &symmetric,
            &other.token(&json!({"alg": "HS256"}), &claims())
        )
        .await
    );
}

#[tokio::test]
async fn rfc8725_3_1_spellings_of_none_and_of_known_algorithms() {
    let signer = Signer::generate(Rs256);
    let verifier = verifier(&signer);
    for alg in [
        "none", "None", "NONE", "nOnE", "", "rs256", "RS256 ", "Rs256", "ES256K", "\0",
    ] {
        let header = json!({"alg": alg, "kid": "1"});
        let signed = signer.token(&header, &claims());
        let (input, _) = signed.rsplit_once('.').expect("three parts");
        for token in [&signed, &format!("{input}."), input, &format!("{input}.AA")] {
            assert!(!accepts(&verifier, token).await, "{alg:?}");
        }
    }
}

#[tokio::test]
async fn signatures_that_are_none() {
    for algorithm in [Es256, Rs256, EdDsa] {
        let signer = Signer::generate(algorithm);
        let verifier = verifier(&signer);
        let header = json!({"alg": algorithm.name(), "kid": "1"});
        let token = signer.token(&header, &claims());
        assert!(accepts(&verifier, &token).await, "{algorithm}");
        let (input, signature) = token.rsplit_once('.').expect("three parts");
        let good = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
        let mut flipped = good.clone();
        flipped[0] ^= 1;
        for (bad, what) in [
            (vec![0; good.len()], "zeros"),
            (vec![0], "one zero"),
            (good[..good.len() - 1].to_vec(), "truncated"),
            ([&good[..], &[0]].concat(), "extended"),
            (flipped, "one bit"),
        ] {
            let token = format!("{input}.{}", URL_SAFE_NO_PAD.encode(bad));
            assert_eq!(
                reason(&verifier, &token).await,
                "its signature is wrong",
                "{algorithm} {what}"
            );
            assert!(!accepts(&verifier, &token).await);
        }
        // RFC 8725 §3.3 and the form: what is signed is exactly what is read.
        for token in [
            format!("{input}.{signature}="),
            format!("{input}.{signature}\n"),
            format!(" {token}"),
            format!("{token}.{signature}"),
            format!("{input}.{signature}.."),
            token.replacen('.', "..", 1),
        ] {
            assert!(!accepts(&verifier, &token).await, "{algorithm} {token}");
        }
        let (head, payload) = input.split_once('.').expect("two parts");
        let mut other = claims();
        other["sub"] = "mallory".into();
        let other = URL_SAFE_NO_PAD.encode(other.to_string());
        assert!(!accepts(&verifier, &format!("{head}.{other}.{signature}")).await);
        assert!(!accepts(&verifier, &format!("{payload}.{head}.{signature}")).await);
    }
}

#[tokio::test]
async fn rfc8725_3_8_another_issuer_configured_here_does_not_vouch() {
    let (ours, theirs) = (Signer::generate(Es256), Signer::generate(Es256));
    let both = crate::AnyOf::new().with(verifier(&ours)).with({
        let set = key_set(&theirs).to_string();
        let other = JwtVerifier::from_keys("https://other.example", RESOURCE, &set);
        other.expect("valid").with_clock(now)
    });
    let header = json!({"alg": "ES256", "kid": "1"});
    let mut of_other = claims();
    of_other["iss"] = "https://other.example".into();
    for (signer, claims, valid) in [
        (&ours, claims(), true),
        (&theirs, of_other.clone(), true),
        (&theirs, claims(), false),
        (&ours, of_other, false),
    ] {
        let token = signer.token(&header, &claims);
        let verified = both.verify_token(&token).await.expect("available");
        assert_eq!(verified.is_some(), valid, "{claims}");
    }
}

#[tokio::test]
async fn rfc8725_3_10_a_token_does_not_choose_its_key() {
    let (ours, attacker) = (Signer::generate(Es256), Signer::generate(Es256));
    let verifier = verifier(&ours);
    for (name, value) in [
        ("jwk", attacker.jwk()),
        ("jku", json!("https://evil.example/keys")),
        ("x5u", json!("https://evil.example/cert")),
        ("x5c", json!(["MII"])),
        ("jwk", ours.jwk()),
        ("jku", json!(null)),
    ] {
        for signer in [&attacker, &ours] {
            let mut header = json!({"alg": "ES256", "kid": "1"});
            header[name] = value.clone();
            let token = signer.token(&header, &claims());
            let why = reason(&verifier, &token).await;
            assert!(why.contains(name), "{header}: {why}");
            assert!(!accepts(&verifier, &token).await, "{header}");
        }
    }
    let forged = attacker.token(&json!({"alg": "ES256", "kid": "1"}), &claims());
    assert_eq!(reason(&verifier, &forged).await, "its signature is wrong");
}
