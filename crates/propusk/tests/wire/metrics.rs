//! Numbers for Prometheus.

use std::collections::BTreeMap;

use propusk::{metrics::Metrics, server::serve_metrics};
use tokio::net::TcpListener;

use crate::support::{MOUNTS, Mount, Request, Site, Wire, call, legacy};

/// Reads the text format 0.0.4: every sample with its labels. Fails on anything that is not in it.
fn samples(text: &str) -> BTreeMap<String, f64> {
    let mut found = BTreeMap::new();
    let mut family = "";
    assert!(text.ends_with('\n'));
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').expect("a name and a type");
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            family = name;
            continue;
        }
        if line.starts_with("# HELP ") {
            continue;
        }
        let (name, value) = line.rsplit_once(' ').expect("a name and a value");
        assert!(name.starts_with(family), "{line} below {family}");
        let labels = name.split_once('{').map(|(_, labels)| labels);
        assert!(
            labels.is_none_or(|labels| labels.ends_with("\"}")),
            "{line}"
        );
        let value = value.parse().expect("a number");
        assert!(
            found.insert(name.to_owned(), value).is_none(),
            "twice: {name}"
        );
    }
    found
}

const DECISIONS: [(&str, &str, f64); 6] = [
    ("allowed", "authorized", 2.0),
    ("refused", "no_token", 1.0),
    ("refused", "invalid_token", 2.0),
    ("refused", "unavailable", 1.0),
    ("refused", "foreign_host", 1.0),
    ("refused", "unknown_session", 1.0),
];

#[tokio::test]
async fn decisions_are_counted_by_their_reason() {
    for mount in MOUNTS {
        let site = Site::plain(mount).await;
        let before = samples(&site.metrics.render());
        assert!(before.values().all(|value| *value == 0.0), "{before:?}");
        for request in [
            call("whoami").bearer("alice"),
            call("whoami").bearer("bob"),
            call("whoami"),
            call("whoami").bearer("unknown"),
            call("whoami").bearer("unknown-too"),
            call("whoami").bearer("outage"),
            call("whoami").bearer("alice").set("Host", "evil.example"),
            legacy("unknown", "whoami").bearer("alice"),
        ] {
            site.send(&request).await;
        }
        let after = samples(&site.metrics.render());
        assert_eq!(
            after.len(),
            before.len(),
            "nothing that comes in makes series"
        );
        let mut rest = after.clone();
        rest.retain(|name, value| name.starts_with("propusk_decisions") && *value > 0.0);
        for (decision, reason, count) in DECISIONS {
            let name =
                format!("propusk_decisions_total{{decision=\"{decision}\",reason=\"{reason}\"}}");
            assert_eq!(rest.remove(&name), Some(count), "{mount:?} {name}");
        }
        assert!(rest.is_empty(), "{rest:?}");
        for (outcome, count) in [("valid", 3.0), ("invalid", 2.0), ("unavailable", 1.0)] {
            let name = |part: &str, more: &str| {
                format!("propusk_verifier_duration_seconds_{part}{{outcome=\"{outcome}\"{more}}}")
            };
            assert_eq!(after[&name("count", "")], count, "{mount:?} {outcome}");
            assert_eq!(after[&name("bucket", ",le=\"+Inf\"")], count);
            assert!(after[&name("sum", "")] > 0.0);
        }
    }
}

#[tokio::test]
async fn open_sessions_are_counted() {
    for mount in MOUNTS {
        let site = Site::plain(mount).await;
        let open = || samples(&site.metrics.render())["propusk_sessions_open"];
        let alice = [("Authorization", "Bearer alice")];
        let session = site.open(&alice).await.expect("a session");
        site.open(&alice).await.expect("a session");
        assert_eq!(open(), 2.0, "{mount:?}");
        let end = legacy(&session, "").line("DELETE /mcp").bearer("alice");
        site.send(&end).await;
        assert_eq!(open(), 1.0, "{mount:?}");
    }
}

#[tokio::test]
async fn beside_the_endpoint_without_a_token_but_not_for_strangers() {
    let site = Site::plain(Mount::Server).await;
    let get = Request::new("GET /metrics");
    let reply = site.send(&get).await;
    assert_eq!(reply.status, 200);
    assert_eq!(
        reply.header("content-type"),
        Some("text/plain; version=0.0.4; charset=utf-8")
    );
    assert_eq!(reply.text(), site.metrics.render());
    assert!(site.watch.take().is_empty());
    for (request, status, reason) in [
        (get.clone().set("Host", "evil.example"), 421, "foreign_host"),
        (
            get.clone().header("Origin", "https://evil.example"),
            403,
            "foreign_origin",
        ),
    ] {
        let reply = site.send(&request).await;
        assert_eq!(reply.status, status);
        assert!(!reply.text().contains("propusk_"));
        assert_eq!(site.watch.only().reason, reason);
    }
    for (line, status) in [
        ("POST /metrics", 405),
        ("DELETE /metrics", 405),
        ("HEAD /metrics", 200),
        ("GET /metrics/", 404),
        ("GET /metrics/x", 404),
    ] {
        let mut wire = Wire::connect(site.address).await;
        wire.send(&get.clone().line(line).bytes()).await;
        assert_eq!(wire.head().await.status, status, "{line}");
    }
}

#[tokio::test]
async fn on_a_listener_of_their_own() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let metrics = Metrics::new();
    metrics.counter("x_total", "X.", &[]).add(5);
    let serving = tokio::spawn(serve_metrics(listener, metrics));
    let get = Request::new("GET /metrics");
    for (request, status) in [
        (get.clone(), 200),
        (get.clone().set("Host", address.to_string()), 200),
        (get.clone().set("Host", "localhost:9100"), 200),
        (get.clone().line("GET /"), 404),
        (get.clone().line("GET /mcp"), 404),
        (get.clone().line("POST /metrics"), 405),
        (get.clone().set("Host", "evil.example"), 421),
        (get.clone().without("Host"), 421),
        (get.clone().header("Origin", "https://evil.example"), 421),
    ] {
        let mut wire = Wire::connect(address).await;
        wire.send(&request.bytes()).await;
        let reply = wire.reply().await;
        assert_eq!(reply.status, status, "{reply:?}");
        assert_eq!(reply.text().contains("\nx_total 5\n"), status == 200);
    }
    // A connection does not outlive the service.
    let mut open = Wire::connect(address).await;
    open.send(&get.bytes()).await;
    assert_eq!(open.reply().await.status, 200);
    serving.abort();
    assert!(open.rest().await.is_empty());
}
