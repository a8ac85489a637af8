//! How one server process learns what another one withdraws.

use std::time::Duration;

use propusk_testing::postgres::Postgres;
use sqlx::{Connection, PgConnection};

use crate::support::{Place, is_valid, issue, within};

const PATIENCE: Duration = Duration::from_secs(30);
const ONE_SECOND: Duration = Duration::from_secs(1);

/// The processes of the server that listen in this database.
async fn listening(connection: &mut PgConnection) -> Vec<i32> {
    const LISTENING: &str = "SELECT pid FROM pg_stat_activity WHERE query LIKE 'LISTEN %' \
                             AND datname = current_database() AND state = 'idle'";
    let found = sqlx::query_scalar(LISTENING).fetch_all(connection).await;
    found.expect("answered")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revocation_arrives_also_where_the_listener_was_killed() {
    let url = Postgres::shared().database().expect("created");
    let place = Place::at(&url);
    let (server, command) = (place.open().await, place.open().await);
    let mut admin = PgConnection::connect(&url).await.expect("it connects");
    let mut killed = Vec::new();
    for round in 0..3 {
        let issued = issue(&command, "alice").await;
        assert!(is_valid(&server, &issued).await);
        within(PATIENCE, "somebody listens, and somebody new", async || {
            let now = listening(&mut admin).await;
            !now.is_empty() && now.iter().all(|pid| !killed.contains(pid))
        })
        .await;
        for pid in listening(&mut admin).await {
            let kill = sqlx::query("SELECT pg_terminate_backend($1)").bind(pid);
            kill.execute(&mut admin).await.expect("killed");
            killed.push(pid);
        }
        command.revoke(&issued.record.id).await.expect("revoked");
        within(ONE_SECOND, "refused", async || {
            !is_valid(&server, &issued).await
        })
        .await;
        assert!(!is_valid(&server, &issued).await, "in round {round}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_who_verifies_listens_and_not_after_its_end() {
    let url = Postgres::shared().database().expect("created");
    let place = Place::at(&url);
    let mut admin = PgConnection::connect(&url).await.expect("it connects");
    let (server, command) = (place.open().await, place.open().await);
    let issued = issue(&command, "alice").await;
    command.list().await.expect("listed");
    assert_eq!(listening(&mut admin).await, [0i32; 0]);
    assert!(is_valid(&server, &issued).await);
    within(PATIENCE, "one listens", async || {
        listening(&mut admin).await.len() == 1
    })
    .await;
    server.close().await.expect("closed");
    within(PATIENCE, "nobody listens", async || {
        listening(&mut admin).await.is_empty()
    })
    .await;
}
