//! `Routing`: who gets to see which token.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use propusk::{AccessToken, AnyOf, Cached, FixedTokens, Routing, TokenVerifier, Verdict};

use super::support::{Say, Scripted, said};

/// A JSON Web Token with this payload, and a signature that is none.
fn jwt(payload: &str) -> String {
    let encode = |text| URL_SAFE_NO_PAD.encode(text);
    format!("{}.{}.AA", encode(r#"{"alg":"RS256"}"#), encode(payload))
}

fn of(issuer: &str) -> String {
    jwt(&format!(r#"{{"iss":{issuer:?}}}"#))
}

fn accepting_as(subject: &str) -> Scripted {
    Scripted::saying(Say::Valid(AccessToken::new(subject)))
}

fn routing() -> Routing {
    Routing::new()
        .prefix("pk_", accepting_as("never"))
        .prefix("pk_", accepting_as("short prefix"))
        .prefix("pk_long_", accepting_as("long prefix"))
        .prefix("pk_lon", accepting_as("middle prefix"))
        .issuer("https://a.example", accepting_as("never"))
        .issuer("https://a.example", accepting_as("a"))
        .issuer("https://b.example", accepting_as("b"))
}

#[tokio::test]
async fn who_gets_to_see_which_token() {
    let with_rest = routing().otherwise(accepting_as("rest"));
    let without = routing();
    let unknown = "no";
    for (token, seen_by) in [
        ("pk_1".to_owned(), "short prefix"),
        ("pk_long_1".to_owned(), "long prefix"),
        ("pk_lo_1".to_owned(), "short prefix"),
        ("pk_longer".to_owned(), "middle prefix"),
        ("PK_1".to_owned(), unknown),
        (format!("pk_{}", of("https://a.example")), "short prefix"),
        (of("https://a.example"), "a"),
        (of("https://b.example"), "b"),
        // `iss` is compared exactly (RFC 7519 §4.1.1).
        (of("https://a.example/"), unknown),
        (of("https://A.example"), unknown),
        (of("https://c.example"), unknown),
        (of(""), unknown),
        (jwt("{}"), unknown),
        (jwt(r#"{"iss":["https://a.example"]}"#), unknown),
        // Two issuers are none.
        (
            jwt(r#"{"iss":"https://a.example","iss":"https://b.example"}"#),
            unknown,
        ),
        ("mF_9.B5f-4.1JqM".to_owned(), unknown),
        ("opaque".to_owned(), unknown),
    ] {
        assert_eq!(said(&without, &token).await, seen_by, "{token}");
        let seen_by = if seen_by == unknown { "rest" } else { seen_by };
        assert_eq!(said(&with_rest, &token).await, seen_by, "{token}");
    }
    assert_eq!(said(&Routing::new(), "t").await, "no");
    assert_eq!(said(&Routing::new(), &of("https://a.example")).await, "no");
}

#[tokio::test]
async fn a_token_with_a_verifier_never_falls_through_to_another() {
    for (say, expected) in [(Say::Invalid, "no"), (Say::Unavailable, "cannot tell")] {
        let mine = Scripted::saying(say);
        let others = Scripted::accepting();
        let routing = Routing::new()
            .prefix("pk_", mine.clone())
            .prefix("other_", others.clone())
            .issuer("https://a.example", mine.clone())
            .issuer("https://b.example", others.clone())
            .otherwise(others.clone());
        for (times, token) in ["pk_1".to_owned(), of("https://a.example")]
            .iter()
            .enumerate()
        {
            assert_eq!(said(&routing, token).await, expected);
            assert_eq!(mine.asked(), times + 1);
        }
        assert_eq!(others.asked(), 0);
        for token in ["other_1", &of("https://b.example"), "opaque"] {
            assert_eq!(said(&routing, token).await, "alice", "{token}");
        }
    }
}

#[tokio::test]
async fn an_outage_of_one_leaves_what_is_remembered_of_another_usable() {
    let (store, issuer) = (Scripted::accepting(), Scripted::accepting());
    let token = of("https://a.example");
    issuer.say_of(&of("https://b.example"), Say::Invalid);
    let cached = Cached::new(
        Routing::new()
            .prefix("pk_", store.clone())
            .issuer("https://a.example", issuer.clone())
            .issuer("https://b.example", issuer.clone()),
    );
    assert_eq!(said(&cached, "pk_1").await, "alice");
    assert_eq!(said(&cached, &token).await, "alice");
    store.set_revision(None);
    store.say(Say::Unavailable);
    // What was verified before and during the outage; a "no" too, since one verifier said it.
    for (token, answer) in [(token, "alice"), (of("https://b.example"), "no")] {
        assert_eq!(said(&cached, &token).await, answer);
        let before = issuer.asked();
        assert_eq!(said(&cached, &token).await, answer);
        assert_eq!(issuer.asked(), before, "remembered");
    }
    assert_eq!(said(&cached, "pk_1").await, "cannot tell");
}

#[tokio::test]
async fn a_revocation_reaches_what_is_remembered_of_that_verifier_alone() {
    let (first, second) = (Scripted::accepting(), Scripted::accepting());
    let cached = Cached::new(
        Routing::new()
            .prefix("a_", first.clone())
            .prefix("b_", second.clone()),
    );
    assert_eq!(said(&cached, "a_1").await, "alice");
    assert_eq!(said(&cached, "b_1").await, "alice");
    for verifier in [&first, &second] {
        verifier.say(Say::Invalid);
    }
    first.set_revision(Some(2));
    assert_eq!(cached.revision().await.ok(), Some(3), "of both");
    assert_eq!(said(&cached, "a_1").await, "no");
    assert_eq!(said(&cached, "b_1").await, "alice", "nobody withdrew it");
    second.set_revision(Some(2));
    assert_eq!(said(&cached, "b_1").await, "no");
    // Nobody is responsible, which costs nothing and does not change.
    assert_eq!(said(&cached, "c_1").await, "no");
}

#[tokio::test]
async fn the_responsible_verifier_explains() {
    let routing = routing().prefix("no_", Scripted::saying(Say::Invalid));
    for (token, expected) in [
        ("pk_1".to_owned(), "short prefix"),
        ("no_1".to_owned(), "invalid"),
        ("opaque".to_owned(), "none of the prefixes"),
        (
            of("https://c.example"),
            "\"https://c.example\", which is no issuer",
        ),
    ] {
        let shown = match routing.explain_token(&token).await.verdict {
            Verdict::Valid(token) => token.subject().to_owned(),
            Verdict::Invalid(_) => "invalid".to_owned(),
            Verdict::NotMine(why) => why,
            other => format!("{other:?}"),
        };
        assert!(shown.contains(expected), "{token}: {shown}");
    }
    // What a token says of itself is shown, so that a slip in the configuration is seen.
    let fixed = FixedTokens::new();
    let both = AnyOf::new().with(fixed).with(routing);
    let explained = both.explain_token(&of("https://c.example")).await;
    assert_eq!(explained.claims["iss"], "https://c.example");
}
