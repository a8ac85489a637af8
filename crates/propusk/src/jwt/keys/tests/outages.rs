//! An issuer that is down, slow or broken.

use tracing_subscriber::{filter::Targets, layer::SubscriberExt};

use super::*;

#[tokio::test]
async fn nothing_is_fetched_before_the_first_token_and_then_once() {
    let site = Site::start().await;
    let key = Named::new("1");
    site.publish(&[&key]);
    assert_eq!(
        site.verifier.revision().await.expect("no keys, no answers"),
        0
    );
    for nonsense in ["", "a.b.c", "pk_x"] {
        assert_eq!(site.verdict(nonsense).await, "invalid");
    }
    assert_eq!((site.issuer.asked(METADATA), site.fetches()), (0, 0));
    for _ in 0..10 {
        assert_eq!(site.verdict(&site.token(&key)).await, "valid");
    }
    assert_eq!((site.issuer.asked(METADATA), site.fetches()), (1, 1));
}

#[tokio::test]
async fn a_token_that_would_be_refused_anyway_costs_no_fetch() {
    let site = Site::start().await;
    let key = Named::new("1");
    site.publish(&[&key]);
    let now = site.hands.seconds();
    for (claims, header) in [
        (
            json!({"iss": "https://other.example", "aud": RESOURCE, "sub": "a", "exp": now + 9}),
            json!({"alg": "EdDSA"}),
        ),
        (
            json!({"iss": site.issuer.url, "aud": "https://x.example", "sub": "a", "exp": now + 9}),
            json!({"alg": "EdDSA"}),
        ),
        (
            json!({"iss": site.issuer.url, "aud": RESOURCE, "sub": "a", "exp": now - 99}),
            json!({"alg": "EdDSA"}),
        ),
        (
            json!({"iss": site.issuer.url, "aud": RESOURCE, "sub": "a", "exp": now + 9}),
            json!({"alg": "HS256"}),
        ),
        (
            json!({"iss": site.issuer.url, "aud": RESOURCE, "sub": "a", "exp": now + 9}),
            json!({"alg": "EdDSA", "jku": "x"}),
        ),
    ] {
        assert_eq!(
            site.verdict(&key.1.token(&header, &claims)).await,
            "invalid"
        );
    }
    assert_eq!(site.fetches() + site.issuer.asked(METADATA), 0);
}

#[tokio::test]
async fn down_at_the_start_and_healthy_by_itself() {
    let site = Site::start().await;
    let key = Named::new("1");
    site.issuer.answer(METADATA, Answer::Nothing);
    assert_eq!(site.verdict(&site.token(&key)).await, "retry in 2");
    // An outage does not mean one attempt per request.
    for _ in 0..20 {
        assert_eq!(site.verdict(&site.token(&key)).await, "retry in 2");
    }
    assert_eq!(site.issuer.asked(METADATA), 1);
    for (advance, retry) in [(2, 4), (4, 8), (8, 16), (16, 30), (30, 30)] {
        site.hands.advance(advance);
        assert_eq!(
            site.verdict(&site.token(&key)).await,
            format!("retry in {retry}")
        );
    }
    site.issuer.metadata("/keys");
    site.publish(&[&key]);
    site.hands.advance(29);
    assert_eq!(site.verdict(&site.token(&key)).await, "retry in 1");
    site.hands.advance(1);
    assert_eq!(site.verdict(&site.token(&key)).await, "valid");
}

#[tokio::test]
async fn nobody_listens() {
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let url = format!("http://{}/keys", gone.local_addr().expect("an address"));
    drop(gone);
    let key = Named::new("1");
    let hands = Hands::new();
    let verifier = JwtVerifier::from_key_set_url("me", RESOURCE, &url).expect("valid");
    let verifier = verifier.with_clock(hands.clone());
    let claims = json!({"iss": "me", "aud": RESOURCE, "sub": "a", "exp": hands.seconds() + 9});
    let token = key.1.token(&json!({"alg": "EdDSA", "kid": "1"}), &claims);
    assert_eq!(verdict(verifier.verify_token(&token).await), "retry in 2");
}

#[tokio::test]
async fn answers_that_are_no_key_set() {
    let key = Named::new("1");
    let enough = 513 * 1024;
    for (answer, cause) in [
        (Answer::Html, "not a JSON object"),
        (Answer::Json("[]".to_owned()), "not a JSON object"),
        (
            Answer::Json(format!("{}{{}}", key_set(&[&key]))),
            "not a JSON object",
        ),
        (
            Answer::Json(r#"{"keys":[],"keys":[]}"#.to_owned()),
            "has a name twice",
        ),
        (Answer::Json(r#"{"keys":[]}"#.to_owned()), "no keys at all"),
        (
            Answer::Json(r#"{"keys":[{"kty":"oct","k":"AA"}]}"#.to_owned()),
            "private or secret",
        ),
        (Answer::Status(500), "HTTP 500"),
        (Answer::Status(404), "HTTP 404"),
        (Answer::Huge(10 * 1024 * 1024, true), "larger than"),
        (Answer::Huge(enough, false), "larger than"),
        (
            Answer::Redirect("http://localhost:1/keys".to_owned()),
            "redirects",
        ),
        (Answer::Redirect("/keys".to_owned()), "redirects"),
        (Answer::Nothing, "failed"),
    ] {
        let site = Site::start().await;
        site.issuer.answer("/keys", answer);
        let error = site.verifier.verify_token(&site.token(&key)).await;
        let error = error.expect_err(cause).cause().to_string();
        assert!(error.contains(cause), "{error}, not {cause}");
    }
}

#[tokio::test]
async fn keys_are_found_where_a_redirect_within_the_origin_leads() {
    let site = Site::start().await;
    let key = Named::new("1");
    site.issuer
        .answer("/keys", Answer::Redirect("/moved".to_owned()));
    site.issuer.answer("/moved", Answer::Json(key_set(&[&key])));
    assert_eq!(site.verdict(&site.token(&key)).await, "valid");
}

#[tokio::test]
async fn metadata_of_another_issuer_or_with_an_inside_address_are_not_used() {
    let key = Named::new("1");
    let other = FakeIssuer::start().await;
    other.answer("/keys", Answer::Json(key_set(&[&key])));
    let inside = other.url.replace("127.0.0.1", "127.0.0.2");
    for document in [
        json!({"issuer": other.url, "jwks_uri": format!("{}/keys", other.url)}),
        json!({"issuer": "ours", "jwks_uri": format!("{inside}/keys")}),
        json!({"issuer": "ours", "jwks_uri": "http://169.254.169.254/keys"}),
        json!({"issuer": "ours", "jwks_uri": "file:///etc/passwd"}),
        json!({"issuer": "ours"}),
    ] {
        let site = Site::start().await;
        let document = document.to_string().replace("ours", &site.issuer.url);
        site.issuer.answer(METADATA, Answer::Json(document.clone()));
        assert_eq!(
            site.verdict(&site.token(&key)).await,
            "retry in 2",
            "{document}"
        );
    }
    assert_eq!(other.asked("/keys"), 0);
}

#[tokio::test]
async fn a_hundred_first_requests_cost_one_fetch_and_survive_their_leader() {
    let site = Site::start().await;
    let key = Named::new("1");
    let permits = Arc::new(Semaphore::new(0));
    let slow = Answer::When(
        Arc::clone(&permits),
        Box::new(Answer::Json(key_set(&[&key]))),
    );
    site.issuer.answer("/keys", slow);
    let ask = || {
        let (verifier, token) = (Arc::clone(&site.verifier), site.token(&key));
        tokio::spawn(async move { verdict(verifier.verify_token(&token).await) })
    };
    let leader = ask();
    site.until_fetched(1).await;
    let followers: Vec<_> = (0..99).map(|_| ask()).collect();
    tokio::task::yield_now().await;
    leader.abort();
    assert!(leader.await.expect_err("aborted").is_cancelled());
    permits.add_permits(1);
    for follower in followers {
        assert_eq!(follower.await.expect("no panic"), "valid");
    }
    assert_eq!(site.fetches(), 1);
}

#[tokio::test]
async fn known_keys_serve_while_the_issuer_is_down_up_to_a_ceiling() {
    let site = Site::start().await;
    let key = Named::new("1");
    site.publish(&[&key]);
    assert_eq!(site.verdict(&site.token(&key)).await, "valid");
    site.issuer.answer("/keys", Answer::Status(500));
    for (advance, fetches) in [(299, 1), (1, 2), (1, 2), (10, 3)] {
        site.hands.advance(advance);
        assert_eq!(site.verdict(&site.token(&key)).await, "valid");
        site.until_fetched(fetches).await;
        assert_eq!(site.fetches(), fetches, "after {advance} more seconds");
        // The failure must be noted before the clock moves on.
        site.source().settled().await;
    }
    site.hands.advance(86_000);
    assert_eq!(site.verdict(&site.token(&key)).await, "valid");
    assert!(site.verifier.revision().await.is_ok());
    site.hands.advance(100);
    assert_eq!(
        site.verdict(&site.token(&key)).await.split(' ').next(),
        Some("retry")
    );
    assert!(
        site.verifier.revision().await.is_err(),
        "earlier answers are in doubt too"
    );
    site.publish(&[&key]);
    site.hands.advance(30);
    assert_eq!(site.verdict(&site.token(&key)).await, "valid");
    assert_eq!(
        site.verifier.revision().await.expect("available"),
        0,
        "nothing was withdrawn"
    );
}

#[tokio::test]
async fn a_slow_issuer_holds_nobody_up_whose_key_is_known() {
    let site = Site::start().await;
    let key = Named::new("1");
    site.publish(&[&key]);
    assert_eq!(site.verdict(&site.token(&key)).await, "valid");
    let never = Arc::new(Semaphore::new(0));
    site.issuer
        .answer("/keys", Answer::When(never, Box::new(Answer::Nothing)));
    site.hands.advance(300);
    for _ in 0..50 {
        assert_eq!(site.verdict(&site.token(&key)).await, "valid");
    }
    site.until_fetched(2).await;
    assert_eq!(site.verdict(&site.token(&key)).await, "valid");
    assert_eq!(site.fetches(), 2, "one in the background");
}

#[tokio::test]
async fn an_outage_that_hangs_holds_nobody_up_either() {
    let site = Site::start().await;
    let key = Named::new("1");
    site.publish(&[&key]);
    assert_eq!(site.verdict(&site.token(&key)).await, "valid");
    site.issuer.answer("/keys", Answer::Nothing);
    site.hands.advance(300);
    assert_eq!(site.verdict(&site.token(&key)).await, "valid");
    let source = site.source();
    source.settled().await;
    let never = Arc::new(Semaphore::new(0));
    site.issuer
        .answer("/keys", Answer::When(never, Box::new(Answer::Nothing)));
    site.hands.advance(8 * 3600);
    assert_eq!(site.verdict(&site.token(&key)).await, "valid");
    assert!(source.is_reading(), "nobody waits for it");
}

/// The only unit test that installs a subscriber: there is one for the whole process.
#[tokio::test]
async fn neither_tokens_nor_claims_nor_answers_are_logged() {
    let log = Log::default();
    let writer = log.clone();
    let lines = tracing_subscriber::fmt::layer().with_writer(move || writer.clone());
    let ours = Targets::new().with_target("propusk", tracing::Level::TRACE);
    let subscriber = tracing_subscriber::registry().with(lines).with(ours);
    tracing::subscriber::set_global_default(subscriber).expect("the only one");
    let site = Site::start().await;
    let (key, other) = (Named::new("1"), Named::new("made-up"));
    site.issuer.answer("/keys", Answer::Html);
    let mut tokens = vec![site.token(&key)];
    assert_eq!(site.verdict(&tokens[0]).await, "retry in 2");
    site.publish(&[&key]);
    site.hands.advance(2);
    tokens.extend([site.token(&key), site.token(&other), site.token(&other)]);
    tokens.push(site.token_issued(&key, 200_000));
    for token in &tokens {
        site.verdict(token).await;
        site.verifier.explain_token(token).await;
        site.verdict(&format!("{token}A")).await;
    }
    let log = log.text();
    for expected in [
        "not a JSON object",
        "the key set was read",
        "a token is refused",
    ] {
        assert!(log.contains(expected), "{log}");
    }
    let parts = tokens.iter().flat_map(|token| token.split('.').skip(1));
    for secret in parts.chain(["alice", "made-up", "Please log in"]) {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}
