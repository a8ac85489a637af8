//! Opening databases: those that are there, those that are not, and those that are something else.

use std::{net::TcpListener, time::Duration};

use propusk::TokenVerifier;
use propusk_store::{NewToken, StoreError, StoreUrl, TokenStore};
use propusk_testing::postgres::Postgres;
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};

use crate::support::{Place, is_valid, issue};

/// Longer than the store waits for anything; getting here is a hang.
const PATIENCE: Duration = Duration::from_secs(40);

async fn open(url: &str) -> Result<TokenStore, StoreError> {
    let url = StoreUrl::parse(url).expect("a URL");
    let opening = tokio::time::timeout(PATIENCE, TokenStore::open(&url));
    opening.await.expect("it gives up by itself")
}

/// What opening that database says; never the password.
async fn refusal(url: &str) -> StoreError {
    let error = open(url).await.expect_err("it must not open");
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains("hunter2"), "{shown}");
    let place = StoreUrl::parse(url).expect("a URL").to_string();
    assert!(shown.contains(&place), "it names the place: {shown}");
    error
}

pub(crate) async fn sql(url: &str, statements: &str) {
    let mut connection = PgConnection::connect(url).await.expect("it connects");
    sqlx::raw_sql(AssertSqlSafe(statements))
        .execute(&mut connection)
        .await
        .expect(statements);
    connection.close().await.expect("closed");
}

fn database() -> String {
    Postgres::shared().database().expect("created")
}

#[tokio::test]
async fn servers_that_let_nobody_in() {
    let server = Postgres::shared();
    let good = database();
    let wrong_password = good.replace(Postgres::PASSWORD_IN_URL, "hunter22");
    let nobody = good.replace("//propusk:", "//nobody:");
    for url in [&wrong_password, &nobody] {
        let error = refusal(url).await;
        assert!(
            matches!(error, StoreError::LoginRefused { .. }) && error.is_bad_place(),
            "{error:?}"
        );
    }
    let error = refusal(&server.url("missing")).await;
    assert!(error.is_bad_place(), "{error:?}");
    let command = format!(
        "createdb --host=127.0.0.1 --port={} --username=propusk missing",
        server.port()
    );
    assert!(error.to_string().contains(&command), "{error}");
}

#[tokio::test]
async fn places_where_no_server_answers() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let closed = TcpListener::bind("127.0.0.1:0").expect("a port");
    let ended = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = |listener: &TcpListener| listener.local_addr().expect("an address").port();
    let url = |port| format!("postgres://u:hunter2@127.0.0.1:{port}/d");
    let closed_port = port(&closed);
    drop(closed);
    let ended_port = port(&ended);
    std::thread::spawn(move || {
        for connection in ended.incoming() {
            use std::io::Write;
            let _ = connection.and_then(|mut c| c.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n"));
        }
    });
    for port in [port(&silent), closed_port, ended_port] {
        let error = refusal(&url(port)).await;
        assert!(error.is_unreachable() && !error.is_bad_place(), "{error:?}");
    }
    let error = refusal("postgres://u:hunter2@no-such-host.invalid:5432/d").await;
    assert!(error.is_unreachable(), "{error:?}");
}

#[tokio::test]
async fn connections_with_tls() {
    let server = Postgres::shared();
    let url = database();
    let trusting = format!(
        "{url}?sslmode=verify-full&sslrootcert={}",
        server.certificate().display()
    );
    let store = open(&trusting).await.expect("the certificate is right");
    let issued = issue(&store, "alice").await;
    assert!(is_valid(&store, &issued).await);
    let by_name = trusting.replace("127.0.0.1", "localhost");
    assert!(open(&by_name).await.is_ok());
    // No authority that everybody trusts has signed it.
    let error = refusal(&format!("{url}?sslmode=verify-full")).await;
    assert!(matches!(error, StoreError::Tls { .. }), "{error:?}");
    let only_tls = server.database_named(Postgres::TLS_ONLY).expect("created");
    let error = refusal(&format!("{only_tls}?sslmode=disable")).await;
    assert!(
        matches!(error, StoreError::Tls { .. }) && error.is_bad_place(),
        "{error:?}"
    );
    assert!(error.to_string().contains("sslmode"), "{error}");
    assert!(open(&only_tls).await.is_ok(), "with TLS it does");
}

#[tokio::test]
async fn the_tables_of_others_are_left_alone() {
    let url = database();
    sql(
        &url,
        "CREATE TABLE tokens (shopping TEXT); INSERT INTO tokens VALUES ('milk')",
    )
    .await;
    let store = open(&url).await.expect("other schemas do not matter");
    issue(&store, "alice").await;
    let mut connection = PgConnection::connect(&url).await.expect("it connects");
    let rows = sqlx::query("SELECT shopping FROM public.tokens")
        .fetch_all(&mut connection)
        .await
        .expect("it is there");
    assert_eq!(rows[0].get::<&str, _>(0), "milk");
    assert_eq!(rows.len(), 1);
    for foreign in [
        "CREATE SCHEMA propusk; CREATE TABLE propusk.shopping (item TEXT)",
        "CREATE SCHEMA propusk; CREATE TABLE propusk.store_state (item TEXT)",
        "CREATE SCHEMA propusk; CREATE TABLE propusk.store_state (schema_version BIGINT)",
        "CREATE SCHEMA propusk; CREATE VIEW propusk.tokens AS SELECT 1",
    ] {
        let url = database();
        sql(&url, foreign).await;
        let error = refusal(&url).await;
        assert!(
            error.is_not_a_store() && error.is_bad_place(),
            "{foreign}: {error:?}"
        );
    }
}

#[tokio::test]
async fn a_newer_schema_is_not_touched() {
    let url = database();
    open(&url)
        .await
        .expect("created")
        .close()
        .await
        .expect("closed");
    sql(&url, "UPDATE propusk.store_state SET schema_version = 99").await;
    let error = refusal(&url).await;
    assert!(error.is_newer_schema());
    let text = error.to_string();
    assert!(text.contains("99") && text.contains("update"), "{text}");
}

#[tokio::test]
async fn what_a_role_needs() {
    let url = database();
    let name = url.rsplit('/').next().expect("a name");
    let role = format!("role_{name}");
    sql(
        &url,
        &format!("CREATE ROLE {role} LOGIN PASSWORD 'hunter2'; REVOKE ALL ON DATABASE {name} FROM PUBLIC; GRANT CONNECT ON DATABASE {name} TO {role}"),
    )
    .await;
    let own = url
        .replace("//propusk:", &format!("//{role}:"))
        .replace(Postgres::PASSWORD_IN_URL, "hunter2");
    let error = refusal(&own).await;
    assert!(
        matches!(error, StoreError::NotPermitted { .. }) && error.is_permission_denied(),
        "{error:?}"
    );
    assert!(
        error.is_bad_place() && error.to_string().contains("CREATE"),
        "{error}"
    );
    sql(&url, &format!("CREATE SCHEMA propusk AUTHORIZATION {role}")).await;
    let store = open(&own).await.expect("a schema of its own is enough");
    assert!(store.created());
    let issued = issue(&store, "alice").await;
    assert!(is_valid(&store, &issued).await);
}

/// What a server needs that only verifies.
#[tokio::test]
async fn a_role_that_may_only_verify() {
    let url = database();
    let store = open(&url).await.expect("created");
    let issued = issue(&store, "alice").await;
    let role = format!("reader_{}", url.rsplit('/').next().expect("a name"));
    let grants = format!(
        "CREATE ROLE {role} LOGIN PASSWORD 'hunter2'; \
         GRANT USAGE ON SCHEMA propusk TO {role}; \
         GRANT SELECT ON ALL TABLES IN SCHEMA propusk TO {role}; \
         GRANT UPDATE (last_used_at) ON propusk.tokens TO {role}"
    );
    sql(&url, &grants).await;
    let own = url
        .replace("//propusk:", &format!("//{role}:"))
        .replace(Postgres::PASSWORD_IN_URL, "hunter2");
    let verifier = open(&own).await.expect("it is up to date");
    assert!(is_valid(&verifier, &issued).await);
    let id = &issued.record.id;
    let issuing = verifier.issue(NewToken::new("bob")).await.map(drop);
    for refused in [issuing, verifier.revoke(id).await.map(drop)] {
        let error = refused.expect_err("it may not");
        assert!(error.is_permission_denied(), "{error:?}");
    }
    verifier
        .close()
        .await
        .expect("it may say when a token was used");
    assert!(is_valid(&store, &issued).await);
    let record = store.show(id).await.expect("shown").expect("there");
    assert!(record.last_used_at.is_some());
}

#[tokio::test]
async fn looking_for_a_store_creates_none() {
    let place = Place::postgres();
    let found = TokenStore::open_existing(&place.url())
        .await
        .expect("it looked");
    assert!(found.is_none());
    let store = place.open().await;
    assert!(store.created(), "nothing was created before");
    let found = TokenStore::open_existing(&place.url())
        .await
        .expect("it looked");
    assert!(!found.expect("it is there").created());
}

#[tokio::test]
async fn what_was_damaged_or_removed_by_hand_is_not_missing() {
    let url = database();
    let store = open(&url).await.expect("created");
    let issued = issue(&store, "alice").await;
    sql(&url, "UPDATE propusk.tokens SET audience = 'x'").await;
    assert!(
        store
            .verify_token(issued.token.expose_secret())
            .await
            .is_err()
    );
    let error = store.list().await.expect_err("damaged");
    assert!(
        matches!(error, StoreError::Damaged { .. }) && error.to_string().contains("`audience`"),
        "{error:?}"
    );
    sql(&url, "DROP SCHEMA propusk CASCADE").await;
    let error = store.list().await.expect_err("removed");
    assert!(matches!(error, StoreError::Gone { .. }), "{error:?}");
    let answer = store.verify_token(issued.token.expose_secret()).await;
    assert!(answer.is_err(), "cannot tell, rather than unknown");
}

/// Another program's transaction keeps the row of the revision.
#[tokio::test]
async fn a_writer_waits_for_another_process_and_not_forever() {
    let url = database();
    let store = open(&url).await.expect("created");
    let (issued, other) = (issue(&store, "alice").await, issue(&store, "bob").await);
    let mut locking = PgConnection::connect(&url).await.expect("it connects");
    let mut transaction = locking.begin().await.expect("begun");
    sqlx::query("UPDATE propusk.store_state SET revision = revision")
        .execute(&mut *transaction)
        .await
        .expect("locked");
    let error = store.revoke(&issued.record.id).await.expect_err("locked");
    assert!(error.is_busy(), "{error:?}");
    assert!(
        is_valid(&store, &issued).await,
        "not revoked, and reading goes on"
    );
    issue(&store, "carol").await;
    let waiting = tokio::spawn({
        let (store, id) = (store.clone(), other.record.id);
        async move { store.revoke(&id).await }
    });
    tokio::task::yield_now().await;
    transaction.rollback().await.expect("released");
    waiting.await.expect("no panic").expect("revoked");
    assert!(!is_valid(&store, &other).await);
}
