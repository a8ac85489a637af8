//! One event for every decision.

use propusk::{
    Admission::{Optional, Permissive},
    ScopePolicy,
};

use crate::secrets::{Log, listen};
use crate::support::{Era, MOUNTS, Mount, Request, Site, call, called, initialize, legacy};

/// What a request gives: status, reason, subject, what the verifier said.
type Expected = (u16, &'static str, &'static str, &'static str);

#[tokio::test]
async fn every_refusal_is_one_event_with_its_reason() {
    for mount in MOUNTS {
        let site = Site::start(mount, |settings| settings.require_scopes("mcp").unwrap()).await;
        let good = || call("whoami").bearer("alice");
        let with = |token: &str| call("whoami").bearer(token);
        #[rustfmt::skip]
        let table: [(Request, Expected); 15] = [
            (call("whoami"), (401, "no_token", "", "")),
            (call("whoami").header("Authorization", "Basic eDp5"), (401, "no_token", "", "")),
            (with("unknown"), (401, "invalid_token", "", "invalid")),
            (with("expired"), (401, "expired", "alice", "valid")),
            (with("foreign"), (401, "wrong_audience", "alice", "valid")),
            (with("poor"), (403, "insufficient_scope", "poor", "valid")),
            (with("outage"), (503, "unavailable", "", "unavailable")),
            (good().bearer("alice"), (400, "two_credentials", "", "")),
            (with("a b"), (400, "malformed_token", "", "")),
            (good().set("Host", "evil.example"), (421, "foreign_host", "", "")),
            (good().set("Host", "a b"), (400, "foreign_host", "", "")),
            (good().header("Origin", "https://evil.example"), (403, "foreign_origin", "", "")),
            (legacy("unknown", "whoami").bearer("alice"), (404, "unknown_session", "alice", "valid")),
            (legacy("unknown", "whoami").line("DELETE /mcp").bearer("alice"), (404, "unknown_session", "alice", "valid")),
            (good().line("GET /.well-known/oauth-protected-resource").set("Host", "evil.example"), (421, "foreign_host", "", "")),
        ];
        for (request, expected) in table {
            let reply = site.send(&request).await;
            let seen = site.watch.only();
            let verified = seen.verified.unwrap_or_default();
            let got = (reply.status, seen.reason, seen.subject(), verified);
            assert_eq!(got, expected, "{mount:?} {seen:#?}");
            assert!(!seen.allowed, "{mount:?} {seen:#?}");
        }
    }
}

#[tokio::test]
async fn every_request_that_goes_on_is_one_event() {
    for mount in MOUNTS {
        let site = Site::plain(mount).await;
        for era in Era::BOTH {
            let headers = [("Authorization", "Bearer alice")];
            let reply = site.tool(era, &headers, "whoami").await;
            assert_eq!(called(&reply), "alice");
            // The older era begins with two more.
            let seen = site.watch.take();
            assert_eq!(seen.len(), if era == Era::Modern { 1 } else { 3 });
            for seen in seen {
                assert!(seen.allowed, "{seen:#?}");
                assert_eq!((seen.reason, seen.subject()), ("authorized", "alice"));
                let principal = seen.principal.expect("alice");
                assert_eq!(principal.issuer(), Some("https://a"));
                assert_eq!(principal.client_id(), Some("app"));
            }
        }
        // What the MCP server finds wrong itself was allowed here.
        let odd = call("whoami").bearer("alice").body("{");
        assert!(site.send(&odd).await.status >= 400);
        assert!(site.watch.only().allowed);
    }
}

#[tokio::test]
async fn an_anonymous_caller_is_not_who_the_bad_token_names() {
    for mount in MOUNTS {
        for (admission, token, allowed) in [
            (Optional, None, true),
            (Permissive, None, true),
            (Permissive, Some("unknown"), true),
            (Permissive, Some("expired"), true),
            (Optional, Some("expired"), false),
        ] {
            let site = Site::start(mount, |settings| settings.admission(admission)).await;
            let request = call("maybe");
            let request = match token {
                Some(token) => request.bearer(token),
                None => request,
            };
            site.send(&request).await;
            let seen = site.watch.only();
            let expected = match allowed {
                true => ("anonymous", ""),
                false => ("expired", "alice"),
            };
            assert_eq!(
                (seen.reason, seen.subject()),
                expected,
                "{mount:?} {seen:?}"
            );
            assert_eq!(seen.allowed, allowed);
        }
    }
}

#[tokio::test]
async fn what_is_no_decision_is_no_event() {
    let site = Site::plain(Mount::Server).await;
    let preflight = Request::new("OPTIONS /mcp")
        .header("Origin", format!("http://{}", site.address))
        .header("Access-Control-Request-Method", "POST");
    for request in [
        Request::new("GET /healthz"),
        Request::new("GET /readyz"),
        Request::new("GET /nowhere"),
        Request::new("GET /metrics"),
        Request::new("GET /.well-known/oauth-protected-resource/mcp"),
        preflight,
    ] {
        site.send(&request).await;
    }
    assert!(site.watch.take().is_empty());
}

#[tokio::test]
async fn the_scopes_that_were_missing() {
    for mount in MOUNTS {
        let site = Site::start(mount, |settings| settings.require_scopes("mcp x").unwrap()).await;
        for (request, missing) in [
            (call("whoami").bearer("alice"), Some("x")),
            (call("whoami").bearer("poor"), Some("mcp x")),
            (call("whoami"), Some("mcp x")),
            (call("whoami").bearer("unknown"), None),
        ] {
            site.send(&request).await;
            let seen = site.watch.only().missing.map(|missing| missing.to_string());
            assert_eq!(seen.as_deref(), missing, "{mount:?}");
        }
    }
}

#[tokio::test]
async fn the_request_id_is_the_clients_or_one_of_its_own() {
    let site = Site::plain(Mount::Server).await;
    let id = async |name: &str, value: &str| {
        site.send(&call("whoami").bearer("alice").header(name, value))
            .await;
        site.watch.only().request_id
    };
    assert_eq!(id("X-Request-Id", "r-1").await, "r-1");
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    assert_eq!(id("traceparent", trace).await, trace[3..35]);
    let (one, two) = (
        id("X-Request-Id", "r 1").await,
        id("X-Request-Id", "").await,
    );
    assert_eq!((one.len(), two.len()), (32, 32));
    assert_ne!(one, two);
}

/// An address that the client writes is none.
#[tokio::test]
async fn the_remote_address_is_the_peer_of_the_socket() {
    for (mount, expected) in [(Mount::Server, Some(true)), (Mount::Layer, None)] {
        let site = Site::plain(mount).await;
        let request = call("whoami")
            .bearer("alice")
            .header("X-Forwarded-For", "192.0.2.1")
            .header("Forwarded", "for=192.0.2.1")
            .header("X-Real-IP", "192.0.2.1");
        site.send(&request).await;
        let seen = site.watch.only();
        assert_eq!(seen.remote, expected, "{mount:?}");
        assert!(!seen.debug.contains("192.0.2.1"), "{mount:?}");
        // Also where nothing else is known.
        site.send(&request.set("Host", "evil.example")).await;
        assert_eq!(site.watch.only().remote, expected, "{mount:?}");
    }
}

#[tokio::test]
async fn no_event_shows_a_token() {
    const MARKER: &str = "marker-7f3a";
    for mount in MOUNTS {
        let site = Site::plain(mount).await;
        let good = call("whoami").bearer("alice-marker-7f3a");
        for request in [
            good.clone(),
            good.clone().header("X-Request-Id", "alice-marker-7f3a"),
            good.clone().header("X-Request-Id", "marker-7f3a"),
            good.clone().bearer("alice-marker-7f3a"),
            good.clone().set("Host", "evil.example"),
            good.clone()
                .line("POST /mcp?access_token=alice-marker-7f3a"),
            call("whoami").bearer("unknown-marker-7f3a"),
            call("whoami").bearer("outage-marker-7f3a"),
            call("whoami").bearer("marker-7f3a marker-7f3a"),
            initialize().bearer("alice-marker-7f3a"),
            legacy("unknown", "whoami").bearer("alice-marker-7f3a"),
        ] {
            site.send(&request).await;
            let seen = site.watch.only();
            assert!(!format!("{seen:?}").contains(MARKER), "{mount:?} {seen:#?}");
        }
    }
}

/// A client's own text does not fill the operator's log. On a runtime of a single thread, whose log
/// is kept.
#[tokio::test]
async fn a_long_name_is_shortened_in_the_log() {
    listen();
    let log = Log::default();
    let lines = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(log.clone());
    let _kept = tracing::subscriber::set_default(lines.finish());
    let policy = ScopePolicy::new().tool("*", "x").expect("scopes");
    let site = Site::start(Mount::Server, |settings| settings.policy(policy)).await;
    let session = site.open(&[("Authorization", "Bearer alice")]).await;
    let session = session.expect("a session");
    let long = legacy(&session, &"z".repeat(100_000)).bearer("alice");
    assert_eq!(site.send(&long).await.status, 403);
    let log = log.text();
    let line = log.lines().find(|line| line.contains("tools/call:zzz"));
    let line = line.expect("it is logged");
    assert!(line.contains("insufficient_scope"), "{line}");
    assert!(line.len() < 2_000, "{} bytes", line.len());
    assert!(!log.contains(&"z".repeat(1_000)));
}
