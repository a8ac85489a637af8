//! New keys, withdrawn keys, and keys that never were.

use super::*;

#[tokio::test]
async fn a_withdrawn_key_is_noticed_in_the_background_and_moves_the_revision() {
    let site = Site::start().await;
    let (old, new) = (Named::new("old"), Named::new("new"));
    site.publish(&[&old]);
    let token = site.token(&old);
    assert_eq!(site.verdict(&token).await, "valid");
    site.publish(&[&new]);
    site.hands.advance(300);
    // Whoever remembers answers only asks for the revision.
    while site.verifier.revision().await.expect("available") == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(site.verdict(&token).await, "invalid");
    assert_eq!(site.verdict(&site.token(&new)).await, "valid");
    assert_eq!(site.fetches(), 2);
}

#[tokio::test]
async fn after_a_quiet_night_the_keys_are_asked_for_before_they_are_used() {
    let site = Site::start().await;
    let (old, new) = (Named::new("old"), Named::new("new"));
    site.publish(&[&old]);
    let token = site.token(&old);
    assert_eq!(site.verdict(&token).await, "valid");
    site.publish(&[&new]);
    site.hands.advance(8 * 3600);
    assert_eq!(site.verdict(&token).await, "invalid");
    assert_eq!(site.verifier.revision().await.expect("available"), 1);
}

#[tokio::test]
async fn rotation_never_makes_a_client_throw_a_good_token_away() {
    let site = Site::start().await;
    let (one, two, three) = (Named::new("1"), Named::new("2"), Named::new("3"));
    site.publish(&[&one]);
    assert_eq!(site.verdict(&site.token(&one)).await, "valid");
    // Within the cool-down after the first fetch: come back, do not sign in again.
    site.publish(&[&one, &two]);
    site.hands.advance(4);
    assert_eq!(site.verdict(&site.token(&two)).await, "retry in 6");
    site.hands.advance(6);
    assert_eq!(site.verdict(&site.token(&two)).await, "valid");
    assert_eq!(site.verdict(&site.token(&one)).await, "valid");
    assert_eq!(site.fetches(), 2);
    // The issuer is down while a token with a newer key comes.
    site.issuer.answer("/keys", Answer::Nothing);
    site.hands.advance(10);
    assert_eq!(site.verdict(&site.token(&three)).await, "retry in 2");
    assert_eq!(site.verdict(&site.token(&two)).await, "valid");
    site.publish(&[&two, &three]);
    site.hands.advance(2);
    assert_eq!(site.verdict(&site.token(&three)).await, "valid");
    assert_eq!(
        site.verdict(&site.token(&one)).await.as_str(),
        "retry in 10",
        "as fresh as the keys"
    );
    assert_eq!(site.verdict(&site.token_issued(&one, 31)).await, "invalid");
    assert_eq!(site.verifier.revision().await.expect("available"), 1);
}

#[tokio::test]
async fn an_unknown_key_is_invalid_once_the_issuer_was_asked_for_it() {
    let site = Site::start().await;
    let (known, made_up) = (Named::new("1"), Named::new("made-up"));
    site.publish(&[&known]);
    // The first request of all reads the keys itself.
    assert_eq!(site.verdict(&site.token(&made_up)).await, "invalid");
    assert_eq!(site.fetches(), 1);
    site.hands.advance(10);
    assert_eq!(site.verdict(&site.token(&made_up)).await, "invalid");
    assert_eq!(site.fetches(), 2);
    // Not again so soon; what was issued before the keys were read is bad all the same.
    assert_eq!(site.verdict(&site.token(&made_up)).await, "retry in 10");
    assert_eq!(
        site.verdict(&site.token_issued(&made_up, 30)).await,
        "retry in 10"
    );
    assert_eq!(
        site.verdict(&site.token_issued(&made_up, 31)).await,
        "invalid"
    );
    let claims = json!({
        "iss": site.issuer.url, "aud": RESOURCE, "sub": "a", "exp": site.hands.seconds() + 9,
    });
    let undated = made_up
        .1
        .token(&json!({"alg": "EdDSA", "kid": "made-up"}), &claims);
    assert_eq!(site.verdict(&undated).await, "retry in 10");
    assert_eq!(site.fetches(), 2);
    // A wrong signature under a known name asks nobody.
    site.hands.advance(10);
    let forged = Named("1", made_up.1);
    assert_eq!(site.verdict(&site.token(&forged)).await, "invalid");
    assert_eq!(site.fetches(), 2);
}

#[tokio::test]
async fn a_flood_of_made_up_keys_costs_a_handful_of_fetches() {
    let site = Site::start().await;
    let (known, stranger) = (Named::new("1"), Named::new(""));
    site.publish(&[&known]);
    let mut verdicts = std::collections::BTreeMap::<String, usize>::new();
    for number in 0..10_000 {
        if number % 1000 == 999 {
            site.hands.advance(1);
        }
        let claims = json!({
            "iss": site.issuer.url, "aud": RESOURCE, "sub": "a",
            "iat": site.hands.seconds() - 3600, "exp": site.hands.seconds() + 9,
        });
        let header = json!({"alg": "EdDSA", "kid": format!("made-up-{number}")});
        let verdict = site.verdict(&stranger.1.token(&header, &claims)).await;
        *verdicts.entry(verdict).or_default() += 1;
    }
    assert_eq!(verdicts, [("invalid".to_owned(), 10_000)].into());
    assert_eq!(site.fetches(), 2);
    assert_eq!(site.verdict(&site.token(&known)).await, "valid");
}

#[tokio::test]
async fn a_rotation_without_names_is_no_reason_to_sign_in_again_either() {
    let site = Site::start().await;
    let (one, two) = (Signer::generate(EdDsa), Signer::generate(EdDsa));
    let publish = |signer: &Signer| {
        let set = json!({"keys": [signer.jwk()]}).to_string();
        site.issuer.answer("/keys", Answer::Json(set));
    };
    let token = |signer: &Signer| {
        let now = site.hands.seconds();
        let claims = json!({"iss": site.issuer.url, "aud": RESOURCE, "sub": "a", "iat": now, "exp": now + 60});
        signer.token(&json!({"alg": "EdDSA"}), &claims)
    };
    publish(&one);
    assert_eq!(site.verdict(&token(&one)).await, "valid");
    publish(&two);
    assert_eq!(site.verdict(&token(&two)).await, "retry in 10");
    site.hands.advance(10);
    assert_eq!(site.verdict(&token(&two)).await, "valid");
    assert_eq!(site.fetches(), 2);
}

#[tokio::test]
async fn a_key_set_that_is_gone_is_looked_for_at_once() {
    let site = Site::start().await;
    let (one, two) = (Named::new("1"), Named::new("2"));
    site.publish(&[&one]);
    assert_eq!(site.verdict(&site.token(&one)).await, "valid");
    site.issuer.metadata("/new-keys");
    site.issuer.answer("/keys", Answer::Status(404));
    site.issuer
        .answer("/new-keys", Answer::Json(key_set(&[&two])));
    site.hands.advance(10);
    assert_eq!(site.verdict(&site.token(&two)).await, "valid");
    assert_eq!(site.issuer.asked(METADATA), 2);
}

/// The old place still answers, with what it had.
#[tokio::test]
async fn a_key_set_that_has_moved_is_found_within_a_minute() {
    let site = Site::start().await;
    let (one, two) = (Named::new("1"), Named::new("2"));
    site.publish(&[&one]);
    assert_eq!(site.verdict(&site.token(&one)).await, "valid");
    site.issuer.metadata("/new-keys");
    site.issuer
        .answer("/new-keys", Answer::Json(key_set(&[&two])));
    site.hands.advance(59);
    assert_eq!(site.verdict(&site.token(&two)).await, "invalid");
    assert_eq!(site.issuer.asked(METADATA), 1);
    site.hands.advance(10);
    assert_eq!(site.verdict(&site.token(&two)).await, "valid");
    // And one whose old place does not answer any more.
    site.issuer.metadata("/newest-keys");
    site.issuer.answer("/new-keys", Answer::Nothing);
    site.issuer
        .answer("/newest-keys", Answer::Json(key_set(&[&one])));
    site.hands.advance(60);
    assert_eq!(site.verdict(&site.token(&one)).await, "valid");
    assert_eq!((site.fetches(), site.issuer.asked("/new-keys")), (2, 1));
    assert_eq!(site.issuer.asked(METADATA), 3);
}

#[tokio::test]
async fn without_metadata_the_place_known_last_serves() {
    let site = Site::start().await;
    let (one, two) = (Named::new("1"), Named::new("2"));
    site.publish(&[&one]);
    assert_eq!(site.verdict(&site.token(&one)).await, "valid");
    site.publish(&[&two]);
    let never = Arc::new(Semaphore::new(0));
    let hanging = Answer::When(never, Box::new(Answer::Nothing));
    for (answer, key) in [(Answer::Status(500), &two), (hanging, &one)] {
        site.issuer.answer(METADATA, answer);
        site.publish(&[key]);
        site.hands.advance(60);
        assert_eq!(site.verdict(&site.token(key)).await, "valid");
    }
    // Nor are they asked for with every reading then.
    site.hands.advance(10);
    assert_eq!(site.verdict(&site.token(&two)).await, "invalid");
    assert_eq!((site.issuer.asked(METADATA), site.fetches()), (3, 4));
}

#[tokio::test]
async fn a_long_flood_of_made_up_keys_does_not_become_one_of_metadata() {
    let site = Site::start().await;
    let (known, made_up) = (Named::new("1"), Named::new("made-up"));
    site.publish(&[&known]);
    for _ in 0..600 {
        site.verdict(&site.token(&made_up)).await;
        site.hands.advance(1);
    }
    assert_eq!((site.fetches(), site.issuer.asked(METADATA)), (60, 10));
}

#[tokio::test]
async fn a_set_without_usable_keys_does_not_end_those_that_are_known() {
    let site = Site::start().await;
    let (one, two) = (Named::new("1"), Named::new("2"));
    site.publish(&[&one]);
    assert_eq!(site.verdict(&site.token(&one)).await, "valid");
    let broken = r#"{"keys":[{"kty":"oct","k":"AA"}]}"#;
    for empty in [r#"{"keys":[]}"#, broken] {
        site.issuer.answer("/keys", Answer::Json(empty.to_owned()));
        site.hands.advance(30);
        // A new key is asked for, and not called bad.
        assert_ne!(site.verdict(&site.token(&two)).await, "invalid");
        assert_eq!(site.verdict(&site.token(&one)).await, "valid");
    }
    site.publish(&[&two]);
    site.hands.advance(30);
    assert_eq!(site.verdict(&site.token(&two)).await, "valid");
    assert_eq!(site.verdict(&site.token_issued(&one, 60)).await, "invalid");
    assert_eq!(site.verifier.revision().await.expect("available"), 1);
}

/// It may be how an issuer withdraws keys that were stolen.
#[tokio::test]
async fn an_issuer_that_has_no_keys_for_ten_minutes_is_believed() {
    let site = Site::start().await;
    let key = Named::new("1");
    site.publish(&[&key]);
    assert_eq!(site.verdict(&site.token(&key)).await, "valid");
    site.publish(&[]);
    site.hands.advance(300);
    assert_eq!(site.verdict(&site.token(&key)).await, "valid");
    site.until_fetched(2).await;
    site.source().settled().await;
    site.hands.advance(599);
    assert_eq!(site.verdict(&site.token(&key)).await, "valid");
    site.source().settled().await;
    site.hands.advance(1);
    let verdict = site.verdict(&site.token(&key)).await;
    assert!(verdict.starts_with("retry"), "{verdict}");
    assert!(site.verifier.revision().await.is_err());
    site.publish(&[&key]);
    site.hands.advance(30);
    assert_eq!(site.verdict(&site.token(&key)).await, "valid");
}

#[tokio::test]
async fn a_hundred_tokens_with_a_new_key_cost_one_fetch() {
    let site = Site::start().await;
    let (one, two) = (Named::new("1"), Named::new("2"));
    site.publish(&[&one]);
    assert_eq!(site.verdict(&site.token(&one)).await, "valid");
    let permits = Arc::new(Semaphore::new(0));
    let keys = Box::new(Answer::Json(key_set(&[&one, &two])));
    let slow = Answer::When(Arc::clone(&permits), keys);
    site.issuer.answer("/keys", slow);
    site.hands.advance(10);
    let ask = || {
        let (verifier, token) = (Arc::clone(&site.verifier), site.token(&two));
        tokio::spawn(async move { verdict(verifier.verify_token(&token).await) })
    };
    let asking: Vec<_> = (0..100).map(|_| ask()).collect();
    site.until_fetched(2).await;
    permits.add_permits(100);
    for asked in asking {
        assert_eq!(asked.await.expect("no panic"), "valid");
    }
    assert_eq!(site.fetches(), 2);
}
