//! Nothing secret is in a log line, an error or a `Debug`.

use std::{
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use propusk::{ClientAuthentication, IntrospectionVerifier, Routing, TokenVerifier};
use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;

use super::identity_server::{IdentityServer, RESOURCE, Reply, active};

/// Part of every token and secret of this test, and of nothing else.
const MARKER: &str = "marker-7f3a";

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

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

/// On a runtime of a single thread, whose log is kept.
#[tokio::test]
async fn nothing_secret_is_shown() {
    let log = Log::default();
    // Every crate, also those that the bytes pass through on their way.
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_max_level(tracing::Level::TRACE)
        .with_writer(log.clone())
        .finish();
    crate::secrets::listen();
    let _kept = tracing::subscriber::set_default(subscriber);
    let server = IdentityServer::start().await;
    let token = "token-marker-7f3a";
    let mut shown = Vec::new();
    for client in [
        ClientAuthentication::basic("me", "secret-marker-7f3a"),
        ClientAuthentication::post("me", "secret-marker-7f3a"),
    ] {
        shown.push(format!("{client:?}"));
        let verifier = IntrospectionVerifier::new(&server.endpoint(), RESOURCE, client).unwrap();
        let verifier = verifier.cache(Duration::ZERO, Duration::ZERO);
        shown.push(format!("{verifier:?}"));
        let verifier = Routing::new().otherwise(verifier);
        for reply in [
            Reply::Json(active()),
            Reply::Json(json!({"active": false})),
            Reply::Text("{\"active\":false,\"token-marker-7f3a\":"),
            Reply::Status(401),
            Reply::Status(500),
            Reply::Redirect("http://192.0.2.1/?token-marker-7f3a".to_owned()),
            Reply::Json(active()),
        ] {
            server.reply(reply);
            match verifier.verify_token(token).await {
                Ok(answer) => shown.push(format!("{answer:?}")),
                Err(error) => shown.push(format!("{error} {error:?} {:?}", error.cause())),
            }
            shown.push(format!("{:?}", verifier.explain_token(token).await));
        }
    }
    for shown in shown {
        assert!(!shown.contains(MARKER), "{shown}");
    }
    let log = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    for expected in [
        "refuses the credentials of this server",
        "introspected again",
        "a token is not valid",
    ] {
        assert!(log.contains(expected), "the log has {expected}");
    }
    // As it is written in a header, too.
    let encoded = base64::Engine::encode(
        &base64::engine::general_purpose::STANDARD,
        "me:secret-marker-7f3a",
    );
    for secret in [MARKER, &encoded] {
        let lines: Vec<_> = log.lines().filter(|line| line.contains(secret)).collect();
        assert!(
            lines.is_empty(),
            "{} lines, such as {}",
            lines.len(),
            lines[0]
        );
    }
}
