//! What the store says for a human.

use std::time::Duration;

use propusk::{TokenVerifier, Verdict};
use propusk_store::{Lifetime, NewToken, TokenStore};

use crate::support::{Place, forged, issue};

on_every_database! {
    why_a_token_is_not_valid,
    an_explanation_is_no_use,
}

async fn explained(store: &TokenStore, token: &str) -> String {
    let explanation = store.explain_token(token).await;
    assert!(
        explanation.verifier.starts_with("token store "),
        "{}",
        explanation.verifier
    );
    let shown = format!("{explanation:?}");
    assert!(
        token.len() < 40 || !shown.contains(&token[21..40]),
        "{shown}"
    );
    match explanation.verdict {
        Verdict::Valid(token) => format!("valid: {}", token.subject()),
        Verdict::Invalid(why) => format!("invalid: {why}"),
        Verdict::NotMine(why) => format!("not mine: {why}"),
        Verdict::Unavailable(why) => format!("unavailable: {why}"),
        _ => unreachable!("no other verdict"),
    }
}

async fn why_a_token_is_not_valid(place: Place) {
    let store = place.open().await;
    let other_place = place.another();
    let (valid, revoked) = (issue(&store, "alice").await, issue(&store, "bob").await);
    let minute = NewToken::new("carol").expires(Lifetime::For(Duration::from_secs(60)));
    let expired = store.issue(minute).await.expect("issued");
    let elsewhere = issue(&other_place.open().await, "dave").await;
    store.revoke(&revoked.record.id).await.expect("revoked");
    place.clock.set_millis_after_now(60_000);
    let valid = valid.token.expose_secret();
    for (token, expected) in [
        (valid, "valid: alice"),
        (
            revoked.token.expose_secret(),
            "invalid: it was revoked at 2026-11-23T08:43:41Z",
        ),
        (
            expired.token.expose_secret(),
            "invalid: it expired at 2026-11-23T08:44:41Z",
        ),
        (
            elsewhere.token.expose_secret(),
            "invalid: there is no token",
        ),
        (
            &forged(valid),
            "invalid: the secret is not that of the token",
        ),
        (&valid[..60], "invalid: this is not a whole propusk token"),
        (
            "eyJhbGciOiJub25lIn0.e30.",
            "not mine: this token was not issued by propusk",
        ),
    ] {
        let explained = explained(&store, token).await;
        assert!(explained.starts_with(expected), "{explained}");
    }
    store.close().await.expect("closed");
    let closed = explained(&store, valid).await;
    assert_eq!(closed, "unavailable: the token store is closed");
}

async fn an_explanation_is_no_use(place: Place) {
    let store = place.open().await;
    let issued = issue(&store, "alice").await;
    explained(&store, issued.token.expose_secret()).await;
    store.close().await.expect("closed");
    let record = place.open().await.show(&issued.record.id).await;
    assert_eq!(record.expect("shown").expect("there").last_used_at, None);
}
