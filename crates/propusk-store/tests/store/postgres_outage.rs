//! The database stops, its network fails, and both come back.

use std::{net::TcpListener, time::Duration};

use propusk::{AccessToken, TokenVerifier, Unavailable};
use propusk_store::{IssuedToken, NewToken, TokenStore};
use propusk_testing::postgres::Postgres;
use sqlx::{Connection, PgConnection};

use crate::{
    proxy::Proxy,
    support::{Place, forged, is_valid, issue, within},
};

/// Longer than the store waits for anything; getting here is a hang.
const PATIENCE: Duration = Duration::from_secs(30);

async fn ask(store: &TokenStore, issued: &IssuedToken) -> Result<Option<AccessToken>, Unavailable> {
    let asking = store.verify_token(issued.token.expose_secret());
    let answer = tokio::time::timeout(PATIENCE, asking).await;
    answer.expect("no request waits without end")
}

async fn becomes_unavailable(store: &TokenStore, issued: &IssuedToken) {
    within(PATIENCE, "unavailable", async || {
        ask(store, issued).await.is_err()
    })
    .await;
}

async fn use_several_connections(store: &TokenStore) {
    let listing: Vec<_> = (0..6)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.list().await.expect("listed") })
        })
        .collect();
    for task in listing {
        task.await.expect("no panic");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_of_the_server_and_its_return() {
    let server = Postgres::start().expect("it starts");
    let place = Place::at(&server.database().expect("created"));
    let store = place.open().await;
    let (known, unknown) = (issue(&store, "alice").await, issue(&store, "bob").await);
    assert!(is_valid(&store, &known).await);

    server.stop().expect("it stops");
    becomes_unavailable(&store, &known).await;
    // Neither valid nor invalid, whether it was in memory or not, and garbage is garbage still.
    for _ in 0..3 {
        assert!(ask(&store, &known).await.is_err() && ask(&store, &unknown).await.is_err());
    }
    assert!(matches!(store.verify_token("garbage").await, Ok(None)));
    let error = store.issue(NewToken::new("carol")).await.expect_err("down");
    assert!(error.is_unreachable(), "{error:?}");
    let error = store.revoke(&known.record.id).await.expect_err("down");
    assert!(error.is_unreachable(), "{error:?}");
    let error = TokenStore::open(&place.url()).await.expect_err("down");
    assert!(error.is_unreachable(), "{error:?}");

    server.resume().expect("it starts again");
    for issued in [&known, &unknown] {
        assert!(is_valid(&store, issued).await, "at once, by itself");
    }
    assert_eq!(store.list().await.expect("listed").len(), 2);
    store.close().await.expect("closed");
    let records = place.open().await.list().await.expect("listed");
    assert!(
        records.iter().all(|record| record.last_used_at.is_some()),
        "uses were kept and written"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_down_at_the_start_and_comes_later() {
    let server = Postgres::start().expect("it starts");
    let (new, used) = [(); 2]
        .map(|()| Place::at(&server.database().expect("created")))
        .into();
    let issued = issue(&used.open().await, "alice").await;
    server.stop().expect("it stops");
    let open = async |place: &Place| TokenStore::open_lazily(&place.url()).await.expect("later");
    let (created, store) = (open(&new).await, open(&used).await);
    for _ in 0..3 {
        assert!(ask(&store, &issued).await.is_err());
        assert!(matches!(store.verify_token("garbage").await, Ok(None)));
    }
    for error in [
        store.set_up().await.expect_err("down"),
        store.issue(NewToken::new("bob")).await.expect_err("down"),
        store.list().await.map(|_| ()).expect_err("down"),
    ] {
        assert!(error.is_unreachable(), "{error:?}");
    }
    server.resume().expect("it starts again");
    assert!(is_valid(&store, &issued).await, "at once, by itself");
    assert!(!store.created(), "it was there");
    // The first call of all, whichever it is, makes what is not there.
    assert!(!created.created(), "not known yet");
    let bob = issue(&created, "bob").await;
    assert!(created.created() && is_valid(&created, &bob).await);
    created.set_up().await.expect("done before");
    for store in [created, store] {
        store.close().await.expect("closed");
        assert!(store.list().await.expect_err("closed").is_closed());
    }
    server.stop().expect("it stops");
    let store = open(&used).await;
    store.close().await.expect("nothing to close");
    let error = store.set_up().await.expect_err("closed");
    assert!(error.is_closed(), "{error:?}");
}

/// Look-ups that hang, here by a lock, leave connections for the look at the revision, without which
/// no remembered token is valid.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_made_up_tokens_keeps_nobody_out_who_is_known() {
    let url = Postgres::shared().database().expect("created");
    let place = Place::at(&url);
    let store = place.open().await;
    let known = issue(&store, "alice").await;
    assert!(is_valid(&store, &known).await);
    let mut other = PgConnection::connect(&url).await.expect("it connects");
    sqlx::raw_sql("BEGIN; LOCK TABLE propusk.tokens IN ACCESS EXCLUSIVE MODE")
        .execute(&mut other)
        .await
        .expect("locked");
    let flood: Vec<_> = (0..40)
        .map(|_| {
            let made_up = forged(known.token.expose_secret());
            let store = store.clone();
            tokio::spawn(async move { store.verify_token(&made_up).await.is_err() })
        })
        .collect();
    let mut asked = 0;
    while !flood.iter().all(tokio::task::JoinHandle::is_finished) {
        store.revision().await.expect("it is answered");
        asked += 1;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(asked > 10, "longer than its answer is trusted: {asked}");
    for made_up in flood {
        assert!(made_up.await.expect("no panic"), "it cannot tell");
    }
}

/// What no waiting mends is said at once.
#[tokio::test]
async fn a_lazily_opened_store_with_a_bad_place() {
    let server = Postgres::shared();
    let good = server.database().expect("created");
    let wrong_password = good.replace(Postgres::PASSWORD_IN_URL, "hunter22");
    for url in [wrong_password, server.url("missing")] {
        let place = Place::at(&url);
        let error = TokenStore::open_lazily(&place.url()).await;
        let error = error.expect_err("it must not open");
        assert!(error.is_bad_place(), "{error:?}");
    }
}

/// All kept connections are dead, and nobody notices.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_between_two_calls_is_no_failure() {
    let server = Postgres::start().expect("it starts");
    let place = Place::at(&server.database().expect("created"));
    let store = place.open().await;
    let issued = issue(&store, "alice").await;
    use_several_connections(&store).await;
    let restart = || {
        server.stop().expect("it stops");
        server.resume().expect("it starts again");
    };
    restart();
    assert!(is_valid(&store, &issued).await);
    restart();
    issue(&store, "bob").await;
    restart();
    assert_eq!(store.list().await.expect("listed").len(), 2);
    restart();
    store.rotate(&issued.record.id).await.expect("rotated");
    assert!(!is_valid(&store, &issued).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revocation_that_a_cut_off_server_does_not_see() {
    let server = Postgres::shared();
    let url = server.database().expect("created");
    let proxy = Proxy::to(server.port()).await;
    let (near, far) = (Place::at(&url), Place::at(&proxy.url(&url, server.port())));
    let (command, cut_off) = (near.open().await, far.open().await);
    let (revoked, kept) = (issue(&command, "alice").await, issue(&command, "bob").await);
    assert!(is_valid(&cut_off, &revoked).await && is_valid(&cut_off, &kept).await);

    proxy.cut();
    becomes_unavailable(&cut_off, &revoked).await;
    command.revoke(&revoked.record.id).await.expect("revoked");
    assert!(ask(&cut_off, &revoked).await.is_err());
    proxy.open();
    assert!(!is_valid(&cut_off, &revoked).await, "at once, by itself");
    assert!(is_valid(&cut_off, &kept).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_network_that_loses_everything() {
    let server = Postgres::shared();
    let url = server.database().expect("created");
    let proxy = Proxy::to(server.port()).await;
    let (near, far) = (Place::at(&url), Place::at(&proxy.url(&url, server.port())));
    let (command, store) = (near.open().await, far.open().await);
    let (known, unknown) = (issue(&store, "alice").await, issue(&store, "bob").await);
    assert!(is_valid(&store, &known).await);
    use_several_connections(&store).await;

    proxy.freeze();
    becomes_unavailable(&store, &known).await;
    let crowd: Vec<_> = (0..30)
        .map(|n| {
            let (store, token) = (store.clone(), if n % 2 == 0 { &known } else { &unknown });
            let token = token.token.expose_secret().to_owned();
            tokio::spawn(async move { store.verify_token(&token).await.is_err() })
        })
        .collect();
    for task in crowd {
        let answer = tokio::time::timeout(PATIENCE, task).await;
        assert!(answer.expect("none waits without end").expect("no panic"));
    }
    let writing = tokio::time::timeout(PATIENCE, store.issue(NewToken::new("carol")));
    let error = writing.await.expect("nor does a change").expect_err("lost");
    assert!(error.is_unreachable(), "{error:?}");
    command.revoke(&known.record.id).await.expect("revoked");

    proxy.open();
    assert!(is_valid(&store, &unknown).await, "at once, by itself");
    assert!(!is_valid(&store, &known).await);
    let subjects = store.list().await.expect("listed").into_iter();
    let subjects = subjects.map(|record| record.subject).collect::<Vec<_>>();
    let subjects = subjects.join(" ");
    assert!(
        ["alice bob", "alice bob carol"].contains(&&*subjects),
        "done or not, never half: {subjects:?}"
    );
}

/// A server that takes connections and never says a word stands in for the real one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_takes_connections_and_never_answers() {
    let server = Postgres::start().expect("it starts");
    let place = Place::at(&server.database().expect("created"));
    let store = place.open().await;
    let issued = issue(&store, "alice").await;
    server.stop().expect("it stops");
    let silent = TcpListener::bind(("127.0.0.1", server.port())).expect("the port is free");
    becomes_unavailable(&store, &issued).await;
    for _ in 0..2 {
        assert!(ask(&store, &issued).await.is_err());
    }
    // Nor does one that is opened now wait without end, or keep a crowd waiting.
    let url = place.url();
    let opening = tokio::time::timeout(PATIENCE, TokenStore::open_lazily(&url));
    let opened = opening.await.expect("in time").expect("later");
    let crowd: Vec<_> = (0..30)
        .map(|_| {
            let (store, token) = (opened.clone(), issued.token.expose_secret().to_owned());
            tokio::spawn(async move { store.verify_token(&token).await.is_err() })
        })
        .collect();
    for task in crowd {
        let answer = tokio::time::timeout(PATIENCE, task).await;
        assert!(answer.expect("none waits without end").expect("no panic"));
    }
    drop(silent);
    server.resume().expect("it starts again");
    assert!(is_valid(&store, &issued).await, "at once, by itself");
    within(PATIENCE, "it is set up", async || {
        ask(&opened, &issued).await.is_ok()
    })
    .await;
    assert!(is_valid(&opened, &issued).await);
}
