//! Whoever is refused again and again does not fill the log; the audit has every one of them.

use std::{
    io,
    sync::{Arc, Mutex},
};

use propusk::TokenVerifier;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::fmt::MakeWriter;

use crate::{
    support::{MOUNTS, Site, call},
    verifiers::identity_server::{IdentityServer, Reply, active},
};

const MANY: usize = 100;

/// The log of this thread, on which everything of a test runs.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn kept() -> (Self, DefaultGuard) {
        crate::secrets::listen();
        let log = Self::default();
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_max_level(tracing::Level::INFO)
            .with_writer(log.clone())
            .finish();
        (log, tracing::subscriber::set_default(subscriber))
    }

    /// The lines with all of these words.
    fn count(&self, words: &[&str]) -> usize {
        let text = self.0.lock().unwrap();
        let text = String::from_utf8_lossy(&text);
        let lines = text.lines();
        let lines = lines.filter(|line| words.iter().all(|word| line.contains(word)));
        lines.count()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn refusals_without_end_are_few_lines_and_all_of_them_events() {
    for mount in MOUNTS {
        let (log, _kept) = Log::kept();
        let site = Site::plain(mount).await;
        for _ in 0..MANY {
            // In turn, so that no kind is the one of before.
            site.verifier_works(false);
            assert_eq!(site.send(&call("whoami").bearer("alice")).await.status, 503);
            site.verifier_works(true);
            let forged = call("whoami").bearer("forged");
            assert_eq!(site.send(&forged).await.status, 401);
            assert_eq!(site.send(&call("whoami")).await.status, 401);
            let foreign = call("whoami").set("Host", "foreign.example");
            assert_eq!(site.send(&foreign).await.status, 421);
        }
        let events = site.watch.take();
        for (reason, level, most) in [
            ("unavailable", "WARN", 1),
            ("foreign_host", "WARN", 1),
            ("invalid_token", "INFO", 10),
            ("no_token", "INFO", 10),
        ] {
            let told = events.iter().filter(|event| event.reason == reason);
            assert_eq!(told.count(), MANY, "{mount:?} {reason}");
            let lines = log.count(&[&format!("reason=\"{reason}\"")]);
            assert!(
                (1..=2 * most).contains(&lines),
                "{mount:?} {reason} {lines}"
            );
            assert_eq!(lines, log.count(&[level, "refused", reason]), "{reason}");
        }
    }
}

/// One that is down, healthy, and broken in another way in turn.
#[tokio::test]
async fn an_identity_server_that_fails_in_turns_is_told_of_once() {
    let (log, _kept) = Log::kept();
    let server = IdentityServer::start().await;
    let (verifier, _) = server.verifier();
    for _ in 0..MANY {
        for reply in [
            Reply::Status(500),
            Reply::Json(active()),
            Reply::Text("[]"),
            Reply::Json(active()),
        ] {
            server.reply(reply);
            let _ = verifier.verify_token("t").await;
        }
    }
    assert_eq!(server.asked(), 4 * MANY);
    assert_eq!(log.count(&["WARN", "HTTP 500"]), 1);
    assert_eq!(log.count(&["WARN", "is not a JSON object"]), 1);
    assert_eq!(log.count(&["introspected again"]), 2);
}
