//! The store as a verifier.

use std::time::Duration;

use propusk::{ResourceUrl, TokenVerifier};
use propusk_store::{Lifetime, NewToken, Status};
use tokio::time::timeout;

use crate::support::{Place, forged, is_valid, issue, scopes, second, verify};

on_every_database! {
    a_valid_token_says_what_it_was_issued_for,
    what_is_not_valid,
    what_is_not_valid_is_looked_up_once_in_a_while,
    a_revoked_token_is_refused_on_the_next_request,
    a_token_expires_at_its_second,
    the_last_use_is_written_when_the_store_is_closed,
    a_closed_store_cannot_tell,
    no_interleaving_brings_a_revoked_token_back,
    callers_who_lose_patience_do_no_harm,
}

async fn a_valid_token_says_what_it_was_issued_for(place: Place) {
    let store = place.open().await;
    let new = NewToken::new("алиса")
        .client_id("laptop")
        .scopes(scopes("notes:read"))
        .audience(&ResourceUrl::parse("https://mcp.example/mcp").expect("a resource"));
    let issued = store.issue(new).await.expect("issued");
    // From the database, then from memory.
    for _ in 0..2 {
        let token = verify(&store, issued.token.expose_secret())
            .await
            .expect("valid");
        assert_eq!(
            (token.subject(), token.client_id()),
            ("алиса", Some("laptop"))
        );
        assert_eq!(token.issuer(), None);
        assert_eq!(*token.scopes(), scopes("notes:read"));
        assert_eq!(token.audience(), ["https://mcp.example/mcp"]);
        assert_eq!(token.expires_at(), issued.record.expires_at);
        assert_eq!(token.token_id(), Some(issued.record.id.as_str()));
        assert!(token.claims().is_empty());
    }
}

async fn what_is_not_valid_is_looked_up_once_in_a_while(place: Place) {
    let store = place.open().await;
    let issued = issue(&store, "alice").await;
    let made_up = forged(issued.token.expose_secret());
    for _ in 0..10 {
        assert!(verify(&store, &made_up).await.is_none());
    }
    let counts = store.cache_counts();
    // More of them where the machine is so slow that it took more than five seconds.
    assert!(counts.hits() >= 5, "{counts:?}");
    assert_eq!(counts.hits() + counts.misses(), 10);
    // It says nothing of others, however many there were, and nothing of what is issued after.
    for _ in 0..10 {
        let next = issue(&store, "bob").await;
        assert!(
            verify(&store, &forged(next.token.expose_secret()))
                .await
                .is_none()
        );
        assert!(is_valid(&store, &next).await && is_valid(&store, &issued).await);
    }
    // Nor does a successor suffer from what was asked before.
    let successor = store.rotate(&issued.record.id).await.expect("rotated");
    assert!(!is_valid(&store, &issued).await && !is_valid(&store, &issued).await);
    assert!(is_valid(&store, &successor).await);
}

async fn what_is_not_valid(place: Place) {
    let store = place.open().await;
    let other_place = place.another();
    let other = other_place.open().await;
    let issued = issue(&store, "alice").await;
    let good = issued.token.expose_secret();
    let elsewhere = issue(&other, "alice").await;
    // Before and after the good one is in memory.
    for _ in 0..2 {
        for (bad, why) in [
            (
                forged(good).as_str(),
                "another secret with a checksum that fits",
            ),
            (elsewhere.token.expose_secret(), "unknown id"),
            (&good[..69], "too short"),
            (&good.to_lowercase(), "another case"),
            (&good.replace("propusk_", "Propusk_"), "another prefix"),
            (issued.record.id.as_str(), "the id alone"),
            ("", "nothing"),
            ("eyJhbGciOiJub25lIn0.e30.", "something else"),
        ] {
            assert!(verify(&store, bad).await.is_none(), "{why}");
        }
        assert!(is_valid(&store, &issued).await);
    }
}

async fn a_revoked_token_is_refused_on_the_next_request(place: Place) {
    let store = place.open().await;
    let (revoked, other) = (issue(&store, "alice").await, issue(&store, "alice").await);
    assert!(is_valid(&store, &revoked).await && is_valid(&store, &other).await);
    store.revoke(&revoked.record.id).await.expect("revoked");
    assert!(!is_valid(&store, &revoked).await);
    assert!(is_valid(&store, &other).await);
}

async fn a_token_expires_at_its_second(place: Place) {
    let store = place.open().await;
    let minute = Lifetime::For(Duration::from_secs(60));
    let short = store
        .issue(NewToken::new("a").expires(minute))
        .await
        .expect("issued");
    let endless = store
        .issue(NewToken::new("a").expires(Lifetime::Never))
        .await
        .expect("issued");
    for (millis, valid) in [(0, true), (59_999, true), (60_000, false), (1 << 40, false)] {
        place.clock.set_millis_after_now(millis);
        let fresh = place.open().await;
        for store in [&store, &fresh] {
            assert_eq!(is_valid(store, &short).await, valid, "after {millis} ms");
            assert!(is_valid(store, &endless).await);
        }
    }
    assert_eq!(short.record.status(second(59)), Status::Active);
    assert_eq!(short.record.status(second(60)), Status::Expired);
    assert_eq!(endless.record.status(second(1 << 30)), Status::Active);
}

async fn the_last_use_is_written_when_the_store_is_closed(place: Place) {
    let store = place.open().await;
    let (used, unused) = (issue(&store, "alice").await, issue(&store, "bob").await);
    for millis in [1_000, 2_000, 7_900] {
        place.clock.set_millis_after_now(millis);
        assert!(is_valid(&store, &used).await);
        assert!(
            verify(&store, &forged(unused.token.expose_secret()))
                .await
                .is_none()
        );
    }
    store.close().await.expect("closed");
    let store = place.open().await;
    for (issued, expected) in [(used, Some(second(7))), (unused, None)] {
        let record = store
            .show(&issued.record.id)
            .await
            .expect("shown")
            .expect("there");
        assert_eq!(record.last_used_at, expected, "{}", record.subject);
    }
}

async fn a_closed_store_cannot_tell(place: Place) {
    let store = place.open().await;
    let issued = issue(&store, "alice").await;
    assert!(is_valid(&store, &issued).await);
    let clone = store.clone();
    store.close().await.expect("closed");
    assert!(
        clone
            .verify_token(issued.token.expose_secret())
            .await
            .is_err()
    );
    assert!(
        clone
            .issue(NewToken::new("bob"))
            .await
            .expect_err("closed")
            .is_closed()
    );
    assert!(
        clone
            .show(&issued.record.id)
            .await
            .expect_err("closed")
            .is_closed()
    );
    let foreign = clone.verify_token("something-else").await;
    assert!(matches!(foreign, Ok(None)), "needs no database");
    clone.close().await.expect("closing twice is no error");
}

/// However verifications and a revocation interleave, none that begins after it says yes.
async fn no_interleaving_brings_a_revoked_token_back(place: Place) {
    let store = place.open().await;
    for round in 0..50 {
        let issued = issue(&store, "alice").await;
        let verifying: Vec<_> = (0..4)
            .map(|_| {
                let (store, token) = (store.clone(), issued.token.expose_secret().to_owned());
                tokio::spawn(async move {
                    for _ in 0..5 {
                        verify(&store, &token).await;
                    }
                })
            })
            .collect();
        store.revoke(&issued.record.id).await.expect("revoked");
        assert!(
            !is_valid(&store, &issued).await,
            "at once, in round {round}"
        );
        for task in verifying {
            task.await.expect("no panic");
        }
        assert!(
            !is_valid(&store, &issued).await,
            "after all, in round {round}"
        );
    }
}

/// A client that goes away drops its request wherever it is.
async fn callers_who_lose_patience_do_no_harm(place: Place) {
    let store = place.open().await;
    let issued = issue(&store, "alice").await;
    let (revoked, other) = (issue(&store, "bob").await, place.open().await);
    for micros in (0..400).step_by(5) {
        let patience = Duration::from_micros(micros);
        // Another revision each time, so that each verification has something to read.
        let rotated = issue(&other, "carol").await;
        other.revoke(&rotated.record.id).await.expect("revoked");
        let _ = timeout(patience, store.verify_token(issued.token.expose_secret())).await;
        let _ = timeout(patience, store.issue(NewToken::new("dave"))).await;
        let _ = timeout(patience, store.revoke(&revoked.record.id)).await;
    }
    store.revoke(&revoked.record.id).await.expect("revoked");
    assert!(is_valid(&store, &issued).await);
    assert!(!is_valid(&store, &revoked).await);
}
