//! Several processes with one database. Each opened store has connections and a memory of its own,
//! as another process has.

use std::time::Duration;

use crate::support::{Place, is_valid, issue, within};

on_every_database! {
    another_process_revokes_or_rotates,
    all_open_a_new_store_at_once_and_one_has_created_it,
    what_was_reported_is_there_after_a_drop_without_close,
    two_write_the_same_times_of_last_use_at_once,
}

async fn another_process_revokes_or_rotates(place: Place) {
    let (server, command) = (place.open().await, place.open().await);
    for rotate in [false, true] {
        let issued = issue(&command, "alice").await;
        assert!(is_valid(&server, &issued).await, "valid at once");
        let id = &issued.record.id;
        if rotate {
            let fresh = command.rotate(id).await.expect("rotated");
            assert!(is_valid(&server, &fresh).await, "valid at once");
        } else {
            command.revoke(id).await.expect("revoked");
        }
        within(Duration::from_secs(1), "refused", async || {
            !is_valid(&server, &issued).await
        })
        .await;
    }
}

async fn all_open_a_new_store_at_once_and_one_has_created_it(place: Place) {
    let opening = (0..8).map(|_| {
        let (url, clock) = (place.url(), place.clock.clone());
        tokio::spawn(async move { propusk_store::TokenStore::open_with_clock(&url, clock).await })
    });
    let mut created = 0;
    for task in opening.collect::<Vec<_>>() {
        let store = task.await.expect("no panic").expect("it opens");
        created += usize::from(store.created());
        issue(&store, "alice").await;
    }
    assert_eq!(created, 1);
    let store = place.open().await;
    assert!(!store.created());
    assert_eq!(store.list().await.expect("listed").len(), 8);
}

async fn what_was_reported_is_there_after_a_drop_without_close(place: Place) {
    let store = place.open().await;
    let (kept, revoked) = (issue(&store, "alice").await, issue(&store, "bob").await);
    store.revoke(&revoked.record.id).await.expect("revoked");
    drop(store);
    let store = place.open().await;
    assert!(is_valid(&store, &kept).await);
    assert!(!is_valid(&store, &revoked).await);
}

async fn two_write_the_same_times_of_last_use_at_once(place: Place) {
    let (one, other) = (place.open().await, place.open().await);
    let mut tokens = Vec::new();
    for number in 0..40 {
        tokens.push(issue(&one, &format!("user {number}")).await);
    }
    for store in [&one, &other] {
        for token in &tokens {
            assert!(is_valid(store, token).await);
        }
    }
    let (closed, other_closed) = tokio::join!(one.close(), other.close());
    closed.and(other_closed).expect("neither got in the way");
    let records = place.open().await.list().await.expect("listed");
    assert_eq!(records.len(), 40);
    assert!(records.iter().all(|record| record.last_used_at.is_some()));
}
