//! Issue, list, show, rotate, revoke.

use std::time::Duration;

use propusk::ResourceUrl;
use propusk_store::{
    InvalidLifetime, InvalidNewToken, Lifetime, NewToken, Status, StoreError, TokenId,
};

use crate::support::{Place, is_valid, issue, scopes, second};

on_every_database! {
    everything_comes_back_as_it_was_issued,
    what_cannot_be_issued,
    rotating_replaces_a_token,
    of_two_rotations_at_once_one_wins,
    revoking_is_final_and_may_be_repeated,
    an_unknown_id,
    a_hundred_at_once,
    a_record_as_json,
}

async fn everything_comes_back_as_it_was_issued(place: Place) {
    let store = place.open().await;
    let resource = |url| ResourceUrl::parse(url).expect("a resource");
    let full = NewToken::new("алиса@example")
        .client_id("laptop \"'; DROP TABLE tokens; --")
        .scopes(scopes("notes:read notes:write https://example/x"))
        .audience(&resource("https://mcp.example/mcp"))
        .audience(&resource("http://localhost:8000"))
        .name("для демо 🎟")
        .expires(Lifetime::For(Duration::from_secs(60)));
    let bare = NewToken::new("bob").expires(Lifetime::Never);
    let usual = NewToken::new("carol");
    let mut records = Vec::new();
    for new in [full, bare, usual] {
        records.push(store.issue(new).await.expect("issued").record);
    }
    store.close().await.expect("closed");

    let store = place.open().await;
    for record in &records {
        assert_eq!(
            store.show(&record.id).await.expect("shown").as_ref(),
            Some(record)
        );
        assert_eq!((record.created_at, record.last_used_at), (second(0), None));
    }
    assert_eq!(
        store.list().await.expect("listed"),
        records,
        "in the order of issue"
    );
    let ends: Vec<_> = records.iter().map(|record| record.expires_at).collect();
    assert_eq!(
        ends,
        [Some(second(60)), None, Some(second(90 * 24 * 60 * 60))]
    );
    assert_eq!(
        records[0].audience,
        ["https://mcp.example/mcp", "http://localhost:8000"]
    );
    assert_eq!(
        records[0].scopes,
        scopes("https://example/x notes:read notes:write")
    );
    assert_eq!(records[0].name.as_deref(), Some("для демо 🎟"));
}

async fn what_cannot_be_issued(place: Place) {
    let store = place.open().await;
    let living = |duration| NewToken::new("a").expires(Lifetime::For(duration));
    for (new, expected) in [
        (NewToken::new(""), InvalidNewToken::EmptySubject),
        (NewToken::new("a\nb"), InvalidNewToken::ControlCharacter),
        (
            NewToken::new("a").name("\u{1b}[2J"),
            InvalidNewToken::ControlCharacter,
        ),
        (
            NewToken::new("a").client_id("\0"),
            InvalidNewToken::ControlCharacter,
        ),
        (
            living(Duration::ZERO),
            InvalidNewToken::Lifetime(InvalidLifetime::Zero),
        ),
        (
            living(Duration::MAX),
            InvalidNewToken::Lifetime(InvalidLifetime::TooLong),
        ),
    ] {
        let error = store.issue(new).await.expect_err("cannot be issued");
        assert!(error.is_invalid_token());
        assert!(
            matches!(error, StoreError::InvalidToken(e) if e == expected),
            "{expected:?}"
        );
    }
    assert_eq!(store.list().await.expect("listed"), []);
}

async fn rotating_replaces_a_token(place: Place) {
    let store = place.open().await;
    let lifetime = Lifetime::For(Duration::from_secs(100));
    let new = NewToken::new("alice")
        .client_id("c")
        .scopes(scopes("a b"))
        .name("n")
        .expires(lifetime);
    let old = store.issue(new).await.expect("issued");
    assert!(is_valid(&store, &old).await);

    place.clock.set_millis_after_now(60_000);
    let fresh = store.rotate(&old.record.id).await.expect("rotated");
    assert!(!is_valid(&store, &old).await);
    assert!(is_valid(&store, &fresh).await);
    assert_ne!(fresh.record.id, old.record.id);
    assert_eq!(
        (fresh.record.created_at, fresh.record.expires_at),
        (second(60), Some(second(160)))
    );
    let mut like_old = fresh.record.clone();
    (like_old.id, like_old.created_at, like_old.expires_at) =
        (old.record.id, old.record.created_at, old.record.expires_at);
    assert_eq!(like_old, old.record);
    let old = store
        .show(&old.record.id)
        .await
        .expect("shown")
        .expect("still listed");
    assert_eq!(old.revoked_at, Some(second(60)));

    // A revoked one stays dead, an expired one has a successor.
    assert!(
        store
            .rotate(&old.id)
            .await
            .expect_err("revoked")
            .is_revoked()
    );
    place.clock.set_millis_after_now(1_000_000);
    let third = store
        .rotate(&fresh.record.id)
        .await
        .expect("expired, and rotated");
    assert_eq!(third.record.expires_at, Some(second(1_100)));
    assert_eq!(store.list().await.expect("listed").len(), 3);
}

async fn of_two_rotations_at_once_one_wins(place: Place) {
    let store = place.open().await;
    let old = issue(&store, "alice").await;
    let (one, other) = tokio::join!(store.rotate(&old.record.id), store.rotate(&old.record.id));
    let lost = [one, other]
        .into_iter()
        .filter_map(Result::err)
        .collect::<Vec<_>>();
    assert!(matches!(lost[..], [StoreError::Revoked { .. }]), "{lost:?}");
    assert_eq!(store.list().await.expect("listed").len(), 2);
}

async fn revoking_is_final_and_may_be_repeated(place: Place) {
    let store = place.open().await;
    let issued = issue(&store, "alice").await;
    let id = issued.record.id;
    assert_eq!(issued.record.status(second(1)), Status::Active);
    let first = store.revoke(&id).await.expect("revoked");
    assert_eq!(first.revoked_at, Some(second(0)));
    place.clock.set_millis_after_now(5_000);
    let again = store.revoke(&id).await.expect("revoked again");
    assert_eq!(again, first);
    assert_eq!(again.status(second(5)), Status::Revoked);
}

async fn an_unknown_id(place: Place) {
    let store = place.open().await;
    let id = TokenId::parse("0123456789AB").expect("an id");
    assert_eq!(store.show(&id).await.expect("answered"), None);
    for error in [
        store.revoke(&id).await.map(drop),
        store.rotate(&id).await.map(drop),
    ] {
        let error = error.expect_err("unknown");
        assert!(error.is_not_found(), "{error}");
        assert!(error.to_string().contains("0123456789AB"), "{error}");
    }
}

async fn a_hundred_at_once(place: Place) {
    let stores = [place.open().await, place.open().await];
    let issuing: Vec<_> = (0..100)
        .map(|n| {
            let store = stores[n % 2].clone();
            tokio::spawn(async move { issue(&store, &format!("user {n}")).await })
        })
        .collect();
    for task in issuing {
        let issued = task.await.expect("no panic");
        assert!(is_valid(&stores[0], &issued).await);
    }
    assert_eq!(stores[1].list().await.expect("listed").len(), 100);
}

async fn a_record_as_json(place: Place) {
    let store = place.open().await;
    let new = NewToken::new("alice")
        .scopes(scopes("b a"))
        .expires(Lifetime::Never);
    let record = store.issue(new).await.expect("issued").record;
    let expected = serde_json::json!({
        "id": record.id.as_str(),
        "subject": "alice",
        "client_id": null,
        "scopes": ["a", "b"],
        "audience": [],
        "name": null,
        "created_at": "2026-11-23T08:43:41Z",
        "expires_at": null,
        "last_used_at": null,
        "revoked_at": null,
    });
    assert_eq!(serde_json::to_value(&record).expect("JSON"), expected);
}
