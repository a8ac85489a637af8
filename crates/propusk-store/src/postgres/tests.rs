//! What cannot be seen from outside: that a withdrawal is announced, and how lookups are done.

use std::{
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
    time::{Instant, UNIX_EPOCH},
};

use propusk_testing::postgres::Postgres;
use sqlx::{Connection, PgConnection};

use super::*;
use crate::{NewToken, digest::TokenDigest, token_text};

async fn open(url: &PostgresUrl) -> PostgresBackend {
    PostgresBackend::open(url).await.expect("it opens")
}

fn database() -> PostgresUrl {
    let url = Postgres::shared().database().expect("created");
    PostgresUrl::parse(&url).expect("a URL")
}

fn token() -> StoredToken {
    let (id, text) = token_text::generate().expect("random");
    StoredToken {
        record: NewToken::new("alice")
            .into_record(id, UNIX_EPOCH)
            .expect("it can be issued"),
        digest: TokenDigest::of(text.expose_secret()),
    }
}

async fn until(what: &str, state: impl Fn() -> bool) {
    let began = Instant::now();
    while !state() {
        assert!(began.elapsed() < Duration::from_secs(30), "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The revision is looked at once; what comes later comes by itself.
#[tokio::test]
async fn a_withdrawal_is_announced_to_those_who_listen() {
    let url = database();
    let (server, command) = (open(&url).await, open(&url).await);
    let calls = Arc::new(AtomicUsize::new(0));
    server.on_withdrawal({
        let calls = Arc::clone(&calls);
        Arc::new(move || {
            calls.fetch_add(1, SeqCst);
        })
    });
    server.revision().await.expect("answered");
    until("it listens", || calls.load(SeqCst) == 1).await;
    let (one, other) = (token(), token());
    command.insert(&one).await.expect("inserted");
    assert_eq!(calls.load(SeqCst), 1, "a new token withdraws nothing");
    let id = one.record.id;
    assert!(command.replace(id, UNIX_EPOCH, &other).await.expect("done"));
    until("it hears of a rotation", || calls.load(SeqCst) == 2).await;
    let id = other.record.id;
    command.revoke(id, UNIX_EPOCH).await.expect("revoked");
    until("it hears of a revocation", || calls.load(SeqCst) == 3).await;
    assert_eq!(server.revision().await.expect("answered"), 2);
}

#[tokio::test]
async fn a_token_is_found_by_an_index() {
    let url = database();
    let backend = open(&url).await;
    backend.insert(&token()).await.expect("inserted");
    let mut connection = PgConnection::connect_with(url.options())
        .await
        .expect("it connects");
    // A table of one row is read as a whole unless that is forbidden.
    sqlx::raw_sql("SET enable_seqscan = off")
        .execute(&mut connection)
        .await
        .expect("set");
    let explain = "EXPLAIN SELECT digest FROM propusk.tokens WHERE id = '0123456789AB'";
    let plan: Vec<String> = sqlx::query_scalar(explain)
        .fetch_all(&mut connection)
        .await
        .expect("a plan");
    let plan = plan.join("\n");
    assert!(plan.contains("Index Scan using tokens_id_key"), "{plan}");
}
