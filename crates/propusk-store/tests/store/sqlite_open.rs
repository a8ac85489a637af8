//! Opening files: those that are there, those that are not, and those that are something else.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use propusk::TokenVerifier;
use propusk_store::{NewToken, StoreError, StoreUrl, TokenStore};
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, SqliteConnection, sqlite::SqliteConnectOptions,
};

use crate::support::{Place, is_valid, issue, within};

async fn open(path: &Path) -> Result<TokenStore, StoreError> {
    let url = StoreUrl::parse(&format!("sqlite:{}", path.display())).expect("a URL");
    TokenStore::open(&url).await
}

async fn connect(path: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true);
    options.connect().await.expect("SQLite opens it")
}

async fn sql(path: &Path, statements: &str) {
    let mut connection = connect(path).await;
    sqlx::raw_sql(AssertSqlSafe(statements))
        .execute(&mut connection)
        .await
        .expect("executed");
    connection.close().await.expect("closed");
}

/// What opening that path says.
async fn refusal(path: &Path) -> StoreError {
    let error = open(path).await.expect_err("it must not open");
    assert!(
        error.to_string().contains(&*path.to_string_lossy()),
        "it names the path: {error}"
    );
    error
}

#[tokio::test]
async fn paths_where_no_store_can_be() {
    let place = Place::sqlite();
    let folder = place.path().with_file_name("folder.db");
    fs::create_dir(&folder).expect("created");
    assert!(matches!(
        refusal(&folder).await,
        StoreError::IsFolder { .. }
    ));
    let nowhere = folder.join("missing/propusk.db");
    assert!(matches!(
        refusal(&nowhere).await,
        StoreError::NoFolder { .. }
    ));
    assert!(!folder.join("missing").exists(), "folders are not made up");
    let text = folder.join("text");
    fs::write(&text, "shopping list").expect("written");
    assert!(matches!(
        refusal(&text.join("propusk.db")).await,
        StoreError::NoFolder { .. }
    ));
}

#[tokio::test]
async fn files_of_other_programs_are_left_alone() {
    let place = Place::sqlite();
    let path = |name| place.path().with_file_name(name);
    fs::write(path("short"), "shopping list").expect("written");
    fs::write(path("long"), "shopping list\n".repeat(1000)).expect("written");
    sql(&path("sqlite"), "CREATE TABLE shopping (item TEXT)").await;
    sql(
        &path("named"),
        "PRAGMA application_id = 7; CREATE TABLE shopping (item TEXT)",
    )
    .await;
    sql(&path("versioned"), "PRAGMA user_version = 1").await;
    for name in ["short", "long", "sqlite", "named", "versioned"] {
        let before = fs::read(path(name)).expect("read");
        let error = refusal(&path(name)).await;
        assert!(
            error.is_not_a_store() && error.is_bad_path(),
            "{name}: {error:?}"
        );
        assert_eq!(fs::read(path(name)).expect("read"), before, "{name}");
    }
}

#[tokio::test]
async fn an_empty_file_becomes_a_store() {
    let place = Place::sqlite();
    fs::write(place.path(), "").expect("written");
    assert!(place.open().await.created());
}

#[tokio::test]
async fn a_newer_schema_is_not_touched() {
    let place = Place::sqlite();
    place.open().await.close().await.expect("closed");
    sql(&place.path(), "PRAGMA user_version = 99").await;
    let error = refusal(&place.path()).await;
    assert!(error.is_newer_schema());
    assert!(
        error.to_string().contains("99") && error.to_string().contains("update"),
        "{error}"
    );
}

#[tokio::test]
async fn a_damaged_row_is_not_a_missing_one() {
    let place = Place::sqlite();
    let store = place.open().await;
    let issued = issue(&store, "alice").await;
    sql(&place.path(), "UPDATE tokens SET audience = 'x'").await;
    assert!(
        store
            .verify_token(issued.token.expose_secret())
            .await
            .is_err()
    );
    let error = store.list().await.expect_err("damaged");
    assert!(
        matches!(error, StoreError::Damaged { .. }) && error.to_string().contains("`audience`")
    );
}

#[cfg(unix)]
#[tokio::test]
async fn the_files_are_for_the_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::sqlite();
    let store = place.open().await;
    issue(&store, "alice").await;
    for suffix in ["", "-wal", "-shm"] {
        let file = PathBuf::from(format!("{}{suffix}", place.path().display()));
        let mode = fs::metadata(&file)
            .expect("it exists while open")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{}", file.display());
    }
    store.close().await.expect("closed");
    let left = fs::read_dir(place.path().parent().expect("a folder"))
        .expect("read")
        .count();
    assert_eq!(left, 1, "the log is moved into the file");
}

#[cfg(unix)]
#[tokio::test]
async fn a_folder_without_permission() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::sqlite();
    let folder = place.path().with_file_name("read-only");
    fs::create_dir(&folder).expect("created");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o555)).expect("set");
    // Permissions do not stop root; the kernel's own folder does.
    let root = fs::write(folder.join("probe"), "").is_ok();
    let folder = if root { PathBuf::from("/sys") } else { folder };
    let error = refusal(&folder.join("propusk.db")).await;
    assert!(
        error.is_permission_denied() && error.is_bad_path(),
        "{error:?}"
    );
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_that_was_taken_away_is_noticed() {
    for replace in [false, true] {
        let place = Place::sqlite();
        let store = place.open().await;
        let issued = issue(&store, "alice").await;
        assert!(is_valid(&store, &issued).await);
        fs::remove_file(place.path()).expect("removed");
        if replace {
            fs::write(place.path(), "").expect("written");
        }
        within(Duration::from_secs(1), "cannot tell", async || {
            store
                .verify_token(issued.token.expose_secret())
                .await
                .is_err()
        })
        .await;
        let error = store
            .issue(NewToken::new("bob"))
            .await
            .expect_err("it would be lost");
        assert!(matches!(error, StoreError::Gone { .. }), "{error:?}");
    }
}

/// What a crash leaves: the files as they are while the store is open.
#[tokio::test]
async fn the_files_of_a_crashed_process_are_complete() {
    let (place, copy) = (Place::sqlite(), Place::sqlite());
    let store = place.open().await;
    let (kept, revoked) = (issue(&store, "alice").await, issue(&store, "bob").await);
    store.revoke(&revoked.record.id).await.expect("revoked");
    for suffix in ["", "-wal"] {
        let of = |place: &Place| format!("{}{suffix}", place.path().display());
        fs::copy(of(&place), of(&copy)).expect("copied");
    }
    let store = copy.open().await;
    assert!(!store.created());
    assert!(is_valid(&store, &kept).await);
    assert!(!is_valid(&store, &revoked).await);
}

#[tokio::test]
async fn a_writer_waits_for_another_process_and_not_forever() {
    let place = Place::sqlite();
    let store = place.open().await;
    let issued = issue(&store, "alice").await;
    let mut other = connect(&place.path()).await;
    let transaction = other.begin_with("BEGIN IMMEDIATE").await.expect("begun");
    let error = store.issue(NewToken::new("bob")).await.expect_err("locked");
    assert!(error.is_busy(), "{error:?}");
    assert!(is_valid(&store, &issued).await, "reading goes on");
    let waiting = tokio::spawn({
        let store = store.clone();
        async move { issue(&store, "carol").await }
    });
    tokio::task::yield_now().await;
    transaction.rollback().await.expect("released");
    waiting.await.expect("issued");
}

#[tokio::test]
async fn in_memory() {
    let url = StoreUrl::parse("sqlite::memory:").expect("a URL");
    let (store, other) = (TokenStore::open(&url).await, TokenStore::open(&url).await);
    let (store, other) = (store.expect("it opens"), other.expect("it opens"));
    assert!(store.created());
    let issued = issue(&store, "alice").await;
    assert!(is_valid(&store, &issued).await);
    assert!(!is_valid(&other, &issued).await);
    store.rotate(&issued.record.id).await.expect("rotated");
    assert!(!is_valid(&store, &issued).await);
    store.close().await.expect("closed");
}
