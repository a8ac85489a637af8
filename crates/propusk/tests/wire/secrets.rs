//! A token or a proof appears in no log line and in no `Debug`.

use std::{
    io,
    sync::{Arc, LazyLock, Mutex},
    time::Duration,
};

use propusk::{
    AccessToken, AuthLayer, AuthSettings, Client, FixedTokens, Server,
    client::{Era as ClientEra, HttpSettings},
};
use serde_json::json;
use tracing_subscriber::{
    filter::Targets, fmt::MakeWriter, layer::SubscriberExt, util::SubscriberInitExt,
};

use crate::support::{Era, Holder, MOUNTS, Request, Site, call, called, legacy};

/// Part of every token of these tests, and of nothing else.
const MARKER: &str = "marker-7f3a";
const ALICE: &str = "alice-marker-7f3a";

#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// All of it so far.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
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

/// The log of the whole process; there is one subscriber for all of it. Whoever looks at a log of a
/// thread installs it too: a line of the program that is met before anybody listens may otherwise be
/// taken for one that nobody wants.
pub(crate) fn listen() -> Log {
    static LOG: LazyLock<Log> = LazyLock::new(|| {
        let log = Log::default();
        let lines = tracing_subscriber::fmt::layer()
            .with_ansi(false)
            .with_writer(log.clone());
        let shown: Targets = "propusk=trace,rmcp=trace".parse().expect("a filter");
        tracing_subscriber::registry()
            .with(lines)
            .with(shown)
            .init();
        log
    });
    LOG.clone()
}

#[tokio::test]
async fn no_log_line_shows_a_token() {
    let log = listen();
    let mut secrets = vec![MARKER.to_owned()];
    for mount in MOUNTS {
        let site = Site::plain(mount).await;
        good_and_bad_requests(&site).await;
        library_clients(&site).await;
        secrets.extend(bound_tokens(&site).await);
    }
    let log = log.text();
    // Otherwise there would be nothing to see, whatever was written.
    for expected in [
        "propusk",
        "refused: The access token is not valid.",
        "reason=\"foreign_host\"",
        "reason=\"authorized\"",
        "hunter2",
        "unknown or foreign session",
        "reason=\"invalid_proof\"",
    ] {
        assert!(log.contains(expected), "the log has {expected}");
    }
    let tells = |line: &&str| secrets.iter().any(|secret| line.contains(secret));
    let shown: Vec<_> = log.lines().filter(tells).collect();
    assert!(
        shown.is_empty(),
        "{} lines, such as {}",
        shown.len(),
        shown[0]
    );
}

async fn good_and_bad_requests(site: &Site) {
    let good = call("whoami").bearer(ALICE);
    assert_eq!(called(&site.send(&good).await), "alice");
    let headers = [("Authorization", "Bearer alice-marker-7f3a")];
    assert_eq!(
        called(&site.tool(Era::Legacy, &headers, "whoami").await),
        "alice"
    );
    for (request, expected) in [
        (call("whoami").bearer("unknown-marker-7f3a"), 401),
        (call("whoami").bearer("outage-marker-7f3a"), 503),
        (call("whoami").bearer("marker-7f3a marker-7f3a"), 400),
        (
            call("whoami").header("Authorization", "Basic marker-7f3a"),
            401,
        ),
        (
            call("whoami").header("Authorization", b"Bearer marker-7f3a\xff"),
            400,
        ),
        (good.clone().bearer(ALICE), 400),
        (
            Request::new("POST /mcp?access_token=alice-marker-7f3a"),
            401,
        ),
        (
            good.clone()
                .line("POST /mcp?access_token=alice-marker-7f3a"),
            400,
        ),
        (good.clone().set("Host", "evil.example"), 421),
        (good.clone().header("Origin", "https://evil.example"), 403),
        (good.clone().set("Content-Type", "text/plain"), 415),
        (good.body("{"), 415),
        (legacy("unknown", "whoami").bearer(ALICE), 404),
    ] {
        assert_eq!(site.send(&request).await.status, expected);
    }
}

/// Returns the parts of tokens and proofs that were sent, which may not be shown either.
async fn bound_tokens(site: &Site) -> Vec<String> {
    let holder = Holder::new(site, "alice");
    let proof = holder.signer.proof(&holder.claims("POST"));
    let good = holder.with_proof(call("whoami"), &proof);
    let late = holder.signer.proof(&holder.claims_but("iat", 0));
    for (request, expected) in [
        (good.clone(), "alice"),
        (good.clone(), "401"),
        (good.clone().header("DPoP", &proof), "401"),
        (good.bearer(ALICE), "400"),
        (holder.with_proof(call("whoami"), &late), "401"),
        (holder.with_proof(call("whoami"), "marker-7f3a"), "401"),
        (call("whoami").bearer(&holder.token), "401"),
    ] {
        assert_eq!(called(&site.send(&request).await), expected);
    }
    // The header of a proof is the same for everybody with that key, which is public.
    let parts = [&proof, &late].map(|proof| proof.split('.').skip(1).map(str::to_owned));
    parts.into_iter().flatten().chain([holder.token]).collect()
}

async fn library_clients(site: &Site) {
    for era in [ClientEra::Auto, ClientEra::Modern, ClientEra::Legacy] {
        // What is unavailable here stays so.
        let at_once = HttpSettings::default().retry_unavailable(0, Duration::ZERO);
        let client = || Client::new(site.url()).era(era).http(at_once.clone());
        let session = client().bearer(ALICE).connect().await.expect("admitted");
        session
            .call_tool("whoami", json!({}))
            .await
            .expect("answered");
        session.close().await;
        for bad in [
            "unknown-marker-7f3a",
            "outage-marker-7f3a",
            "marker-7f3a ключ",
        ] {
            let error = client().bearer(bad).connect().await.expect_err("refused");
            assert!(!format!("{error} {error:?}").contains(MARKER), "{error:?}");
        }
    }
}

#[tokio::test]
async fn no_debug_shows_a_token() {
    let settings = || AuthSettings::new("http://127.0.0.1:8000/mcp").expect("a URL");
    let tokens = || FixedTokens::new().with(ALICE, AccessToken::new("alice"));
    let server = Server::new(crate::support::Tools::default()).auth(settings(), tokens());
    let layer = AuthLayer::new(settings(), tokens());
    let client = Client::new("http://127.0.0.1:8000/mcp").bearer(ALICE);
    let unusable = Client::new("http://192.0.2.1/mcp")
        .bearer(ALICE)
        .connect()
        .await
        .expect_err("http");
    let malformed = Client::new("http://127.0.0.1:1/mcp")
        .bearer("marker-7f3a!")
        .connect()
        .await;
    let malformed = malformed.expect_err("no token");
    for shown in [
        format!("{server:?} {layer:?} {client:?} {:?}", tokens()),
        format!("{unusable} {unusable:?}"),
        format!("{malformed} {malformed:?}"),
    ] {
        assert!(!shown.contains(MARKER), "{shown}");
    }
}
