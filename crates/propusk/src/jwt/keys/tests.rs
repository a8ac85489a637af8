//! Sources over a real socket: outages, rotation, floods.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::SystemTime,
};

use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::*;
use crate::{
    AccessToken, JwtVerifier,
    SignatureAlgorithm::EdDsa,
    TokenVerifier,
    jose::signer::Signer,
    jwt::fake_issuer::{Answer, FakeIssuer, METADATA},
};

const RESOURCE: &str = "https://mcp.example/mcp";
const START: u64 = 1_800_000_000;

/// A clock that a test moves.
#[derive(Clone)]
struct Hands(Arc<AtomicU64>);

impl Hands {
    fn new() -> Self {
        Self(Arc::new(AtomicU64::new(START)))
    }

    fn advance(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }

    fn seconds(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

impl Clock for Hands {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(self.seconds())
    }
}

/// A key of the issuer, with its name.
struct Named(&'static str, Signer);

impl Named {
    fn new(id: &'static str) -> Self {
        Self(id, Signer::generate(EdDsa))
    }
}

fn key_set(keys: &[&Named]) -> String {
    let jwk = |key: &&Named| {
        let mut jwk = key.1.jwk();
        jwk["kid"] = key.0.into();
        jwk
    };
    json!({"keys": keys.iter().map(jwk).collect::<Vec<Value>>()}).to_string()
}

struct Site {
    issuer: FakeIssuer,
    verifier: Arc<JwtVerifier>,
    hands: Hands,
}

impl Site {
    /// A verifier that knows the issuer only.
    async fn start() -> Self {
        let issuer = FakeIssuer::start().await;
        let verifier = JwtVerifier::from_issuer(&issuer.url, RESOURCE).expect("valid");
        let hands = Hands::new();
        let verifier = Arc::new(verifier.with_clock(hands.clone()));
        Self {
            issuer,
            verifier,
            hands,
        }
    }

    fn publish(&self, keys: &[&Named]) {
        self.issuer.answer("/keys", Answer::Json(key_set(keys)));
    }

    /// A token that was issued so many seconds ago and lives for two days.
    fn token_issued(&self, key: &Named, seconds_ago: u64) -> String {
        let now = self.hands.seconds();
        let claims = json!({
            "iss": self.issuer.url, "aud": RESOURCE, "sub": "alice",
            "iat": now - seconds_ago, "exp": now + 200_000,
        });
        key.1.token(&json!({"alg": "EdDSA", "kid": key.0}), &claims)
    }

    fn token(&self, key: &Named) -> String {
        self.token_issued(key, 0)
    }

    async fn verdict(&self, token: &str) -> String {
        verdict(self.verifier.verify_token(token).await)
    }

    fn fetches(&self) -> usize {
        self.issuer.asked("/keys")
    }

    /// Waits for a reading in the background.
    async fn until_fetched(&self, times: usize) {
        let fetched = async {
            while self.fetches() < times {
                tokio::task::yield_now().await;
            }
        };
        let limit = Duration::from_secs(30);
        tokio::time::timeout(limit, fetched).await.expect("a fetch");
    }
}

fn verdict(answer: Result<Option<AccessToken>, Unavailable>) -> String {
    match answer {
        Ok(Some(_)) => "valid".to_owned(),
        Ok(None) => "invalid".to_owned(),
        Err(unavailable) => format!("retry in {}", unavailable.retry_after().as_secs()),
    }
}

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
        let Keys::Source(source) = &site.verifier.keys else {
            unreachable!()
        };
        source.settled().await;
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
async fn a_key_set_that_has_moved_is_found_again() {
    let site = Site::start().await;
    let (one, two) = (Named::new("1"), Named::new("2"));
    site.publish(&[&one]);
    assert_eq!(site.verdict(&site.token(&one)).await, "valid");
    // The old place is gone.
    site.issuer.metadata("/new-keys");
    site.issuer.answer("/keys", Answer::Status(404));
    site.issuer
        .answer("/new-keys", Answer::Json(key_set(&[&two])));
    site.hands.advance(10);
    assert_eq!(site.verdict(&site.token(&two)).await, "valid");
    assert_eq!(site.issuer.asked(METADATA), 2);
    // The old place still answers, with what it had: the metadata are read again in time.
    site.issuer.metadata("/newest-keys");
    site.issuer
        .answer("/newest-keys", Answer::Json(key_set(&[&one])));
    site.hands.advance(3600);
    assert_eq!(site.verdict(&site.token(&one)).await, "valid");
    // Without metadata, the place known last serves.
    site.issuer.answer(METADATA, Answer::Status(500));
    site.issuer
        .answer("/newest-keys", Answer::Json(key_set(&[&two])));
    site.hands.advance(3600);
    assert_eq!(site.verdict(&site.token(&two)).await, "valid");
}

#[tokio::test]
async fn a_set_that_lost_all_its_keys_is_an_outage_and_withdraws_them() {
    let site = Site::start().await;
    let key = Named::new("1");
    site.publish(&[&key]);
    assert_eq!(site.verdict(&site.token(&key)).await, "valid");
    site.publish(&[]);
    site.hands.advance(600);
    assert_eq!(site.verdict(&site.token(&key)).await, "retry in 10");
    assert!(site.verifier.revision().await.is_err());
    site.publish(&[&key]);
    site.hands.advance(10);
    assert_eq!(site.verdict(&site.token(&key)).await, "valid");
    assert_eq!(site.verifier.revision().await.expect("available"), 1);
}

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
        let claims =
            json!({"iss": "me", "aud": RESOURCE, "sub": "a", "iat": START - 60, "exp": START + 9});
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
    assert_eq!(ask(&one).await, "valid");
    let Keys::Source(source) = &verifier.keys else {
        unreachable!()
    };
    source.settled().await;
    write(&key_set(&[&two]));
    hands.advance(5);
    // After a failure nobody waits for the file: the next one to come sees it.
    ask(&two).await;
    source.settled().await;
    assert_eq!(ask(&one).await, "invalid");
    assert_eq!(verifier.revision().await.expect("available"), 1);
    std::fs::remove_dir_all(&folder).expect("removed");
}
