//! A key set in a file.

use super::*;

#[tokio::test]
async fn a_file_is_read_again_when_it_changes() {
    let folder = std::env::temp_dir().join(format!("propusk-keys-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let path = folder.join("keys.json");
    let (one, two) = (Named::new("1"), Named::new("2"));
    let hands = Hands::new();
    let verifier = JwtVerifier::from_key_set_file("me", RESOURCE, &path).expect("valid");
    let verifier = verifier.with_clock(hands.clone());
    let ask = async |key: &Named| {
        let claims = json!({"iss": "me", "aud": RESOURCE, "sub": "a", "iat": START - 60, "exp": START + 900});
        let token = key.1.token(&json!({"alg": "EdDSA", "kid": key.0}), &claims);
        verdict(verifier.verify_token(&token).await)
    };
    assert_eq!(ask(&one).await, "retry in 1", "there is no file");
    let write = |text: &str| std::fs::write(&path, text).expect("written");
    write(&key_set(&[&one]));
    hands.advance(1);
    assert_eq!(ask(&one).await, "valid");
    assert_eq!(ask(&two).await, "invalid");
    write(&key_set(&[&one, &two]));
    hands.advance(1);
    assert_eq!(ask(&two).await, "valid");
    assert_eq!(verifier.revision().await.expect("available"), 0);
    // A broken file changes nothing, nor does one that is too large or gone.
    let large = " ".repeat(513 * 1024);
    for broken in ["{", "", r#"{"keys":1}"#, &large] {
        write(broken);
        hands.advance(5);
        assert_eq!(ask(&one).await, "valid", "{broken:.20}");
    }
    std::fs::remove_file(&path).expect("removed");
    hands.advance(5);
    assert_eq!(ask(&one).await, "valid", "gone");
    // One that was emptied says that there are no keys, and goes on to say so.
    write(&key_set(&[&one]));
    hands.advance(5);
    ask(&one).await;
    source(&verifier).settled().await;
    write(r#"{"keys":[]}"#);
    hands.advance(1);
    for _ in 0..3 {
        let verdict = ask(&one).await;
        assert!(verdict.starts_with("retry"), "{verdict}");
        hands.advance(5);
    }
    write(&key_set(&[&one, &two]));
    hands.advance(5);
    assert_eq!(ask(&one).await, "valid");
    let source = source(&verifier);
    source.settled().await;
    write(&key_set(&[&two]));
    hands.advance(5);
    // After a failure nobody waits for the file: the next one to come sees it.
    ask(&two).await;
    source.settled().await;
    assert_eq!(ask(&one).await, "invalid");
    assert_eq!(
        verifier.revision().await.expect("available"),
        2,
        "two keys were withdrawn"
    );
    std::fs::remove_dir_all(&folder).expect("removed");
}
