//! The password of the database: nowhere but on its way to the server.

use std::{
    io,
    sync::{Arc, Mutex},
};

use propusk::TokenVerifier;
use propusk_store::{NewToken, StoreUrl, TokenStore};
use propusk_testing::postgres::Postgres;
use tracing::Level;
use tracing_subscriber::fmt::MakeWriter;

use crate::support::{Place, is_valid, issue};

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("not poisoned").extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// On one thread, whose log is ours.
#[tokio::test]
async fn no_password_and_no_token_in_the_log() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(Level::TRACE)
        .with_writer(log.clone())
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let server = Postgres::start().expect("it starts");
    let url = server.database().expect("created");
    let place = Place::at(&url);
    let store = place.open().await;
    let issued = issue(&store, "alice").await;
    assert!(is_valid(&store, &issued).await);
    store.rotate(&issued.record.id).await.expect("rotated");
    let wrong = url.replace(Postgres::PASSWORD_IN_URL, "hunter22");
    let wrong = TokenStore::open(&StoreUrl::parse(&wrong).expect("a URL")).await;
    let mut shown = format!("{store:?} {:?} {wrong:?}", place.url());
    server.stop().expect("it stops");
    let down = store.issue(NewToken::new("bob")).await.expect_err("down");
    let unavailable = store.verify_token(issued.token.expose_secret()).await;
    shown += &format!("{down} {down:?} {unavailable:?} {:?}", store.close().await);
    drop(guard);
    shown += &String::from_utf8_lossy(&log.0.lock().expect("not poisoned"));
    assert!(
        shown.contains("broke; making another one"),
        "this is the log: {shown}"
    );
    let token = issued.token.expose_secret();
    for secret in ["hunter2", Postgres::PASSWORD, &token[21..40], &token[55..]] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}
