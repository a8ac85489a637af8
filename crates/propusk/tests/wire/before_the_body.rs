//! A request is judged by its head: nobody reads a body that is not welcome.

use serde_json::json;

use crate::support::{MOUNTS, Request, Site, Wire, call, soon};

fn endless(length: (&str, &str)) -> Request {
    Request::new("POST /mcp")
        .header("Content-Type", "application/json")
        .header("Accept", "application/json, text/event-stream")
        .headers(&[length])
}

#[tokio::test]
async fn a_refusal_does_not_wait_for_the_body() {
    for mount in MOUNTS {
        let site = Site::plain(mount).await;
        for length in [
            ("Content-Length", "4000000000"),
            ("Transfer-Encoding", "chunked"),
        ] {
            let request = endless(length);
            for (request, expected) in [
                (request.clone(), 401),
                (request.clone().bearer("unknown"), 401),
                (request.clone().bearer("a b"), 400),
                (request.clone().bearer("outage"), 503),
                (request.clone().bearer("alice").bearer("alice"), 400),
                (
                    request
                        .clone()
                        .bearer("alice")
                        .header("Mcp-Session-Id", "unknown"),
                    404,
                ),
                (
                    request.clone().bearer("alice").set("Host", "evil.example"),
                    421,
                ),
                (
                    request
                        .clone()
                        .bearer("alice")
                        .header("Origin", "https://evil.example"),
                    403,
                ),
            ] {
                let mut wire = Wire::connect(site.address).await;
                wire.send(&request.bytes()).await;
                let reply = wire.head().await;
                assert_eq!(reply.status, expected, "{mount:?} {length:?}: {reply:?}");
            }
        }
    }
}

/// RFC 9110 §10.1.1: who expects `100 Continue` gets a final status instead, and keeps the body.
#[tokio::test]
async fn a_client_that_asks_first_is_not_told_to_go_on() {
    for mount in MOUNTS {
        let site = Site::plain(mount).await;
        let request = call("whoami").header("Expect", "100-continue");
        for (token, expected) in [("unknown", 401), ("alice", 100)] {
            let request = request.clone().bearer(token).bytes();
            let end = end_of_head(&request);
            let mut wire = Wire::connect(site.address).await;
            wire.send(&request[..end]).await;
            assert_eq!(wire.head().await.status, expected, "{mount:?} {token}");
            if expected == 100 {
                wire.send(&request[end..]).await;
                assert_eq!(wire.reply().await.status, 200, "{mount:?} {token}");
            }
        }
    }
}

/// Where the body may tell what else is lacking it is waited for, but not from who asks first, and
/// not for ever.
#[tokio::test]
async fn who_lacks_a_server_wide_scope_is_refused_without_the_body_in_the_end() {
    for mount in MOUNTS {
        let site = Site::start(mount, |settings| settings.require_scopes("mcp").unwrap()).await;
        let refused = call("whoami").bearer("poor");
        for request in [refused.clone().header("Expect", "100-continue"), refused] {
            let request = request.bytes();
            let mut wire = Wire::connect(site.address).await;
            wire.send(&request[..end_of_head(&request)]).await;
            assert_eq!(wire.head().await.status, 403, "{mount:?}");
            assert_eq!(site.watch.only().reason, "insufficient_scope", "{mount:?}");
        }
    }
}

/// The answer to a request has the id of that, wherever it is known.
#[tokio::test]
async fn who_lacks_a_server_wide_scope_is_told_for_which_request() {
    for mount in MOUNTS {
        let site = Site::start(mount, |settings| settings.require_scopes("mcp").unwrap()).await;
        let unclear = r#"{"jsonrpc":"2.0","id":"x","method":"tools/call","params":{"name":5}}"#;
        for (request, id) in [
            (call("whoami"), json!(1)),
            (call("whoami").body(unclear), json!("x")),
            (call("whoami").body("{"), json!(null)),
        ] {
            let reply = site.send(&request.bearer("poor")).await;
            assert_eq!(reply.status, 403, "{mount:?}");
            assert_eq!(reply.json()["id"], id, "{mount:?}");
        }
    }
}

/// The refusal is certain by then.
#[tokio::test]
async fn who_hangs_up_in_the_body_is_refused_in_the_audit_log() {
    for mount in MOUNTS {
        let site = Site::start(mount, |settings| settings.require_scopes("mcp").unwrap()).await;
        let request = call("whoami").bearer("poor").bytes();
        let mut wire = Wire::connect(site.address).await;
        wire.send(&request[..end_of_head(&request)]).await;
        drop(wire);
        let seen = soon(async {
            loop {
                if let Some(seen) = site.watch.take().pop() {
                    break seen;
                }
                tokio::task::yield_now().await;
            }
        })
        .await;
        assert!(!seen.allowed);
        assert_eq!(
            (seen.reason, seen.subject()),
            ("insufficient_scope", "poor")
        );
    }
}

/// Clients send head and body one after the other. A refusal in between closed the connection without
/// a word, and the next request of the official Python client met its end.
#[tokio::test]
async fn a_refusal_leaves_the_connection_as_it_was() {
    for mount in MOUNTS {
        let site = Site::plain(mount).await;
        let good = call("whoami").bearer("alice");
        for (request, expected) in [
            (good.clone().without("Authorization"), 401),
            (call("whoami").bearer("a b"), 400),
            (call("whoami").bearer("outage"), 503),
            (
                good.clone()
                    .header("Mcp-Session-Id", "unknown")
                    .header("MCP-Protocol-Version", "2025-11-25"),
                404,
            ),
            (good.clone().set("Host", "evil.example"), 421),
            (good.clone().header("Origin", "https://evil.example"), 403),
        ] {
            let request = request.bytes();
            let (head, body) = request.split_at(end_of_head(&request));
            assert!(!body.is_empty());
            let mut wire = Wire::connect(site.address).await;
            wire.send(head).await;
            assert_eq!(wire.reply().await.status, expected, "{mount:?}");
            wire.send(body).await;
            wire.send(&good.bytes()).await;
            assert_eq!(wire.reply().await.status, 200, "{mount:?} after {expected}");
        }
    }
}

/// What is thrown away is bounded.
#[tokio::test]
async fn nobody_is_listened_to_for_ever() {
    for mount in MOUNTS {
        let site = Site::plain(mount).await;
        for length in [
            ("Content-Length", "4000000000"),
            ("Transfer-Encoding", "chunked"),
        ] {
            let mut wire = Wire::connect(site.address).await;
            wire.send(&endless(length).bytes()).await;
            assert_eq!(wire.reply().await.status, 401, "{mount:?} {length:?}");
            let chunk = [b"10000\r\n", &[b'x'; 0x10000][..], b"\r\n"].concat();
            // 64 MiB, of which the limit and some buffers of the system are taken.
            let mut taken = 0;
            while taken < 1024 && wire.takes(&chunk).await {
                taken += 1;
            }
            assert!(taken < 1024, "{mount:?} {length:?}");
        }
    }
}

fn end_of_head(request: &[u8]) -> usize {
    let end = request.windows(4).position(|bytes| bytes == b"\r\n\r\n");
    end.unwrap() + 4
}

/// Also GHSA-89vp-x53w-74fx and its sisters (DNS rebinding).
#[tokio::test]
async fn the_verifier_is_asked_only_about_requests_that_may_come_here() {
    for mount in MOUNTS {
        let site = Site::plain(mount).await;
        let good = call("whoami").bearer("alice");
        for line in ["POST /mcp", "GET /mcp", "DELETE /mcp"] {
            let good = good.clone().line(line);
            for (request, expected) in [
                (good.clone().set("Host", "evil.example"), 421),
                (good.clone().header("Host", "127.0.0.1"), 400),
                (good.clone().without("Host"), 400),
                (good.clone().header("Origin", "https://evil.example"), 403),
                (good.clone().header("Origin", "null"), 403),
                (good.clone().bearer("alice"), 400),
                (good.clone().without("Authorization").bearer("a b"), 400),
                (good.clone().without("Authorization"), 401),
            ] {
                let reply = site.send(&request).await;
                assert_eq!(reply.status, expected, "{mount:?} {line}: {reply:?}");
            }
        }
        assert_eq!(site.verified(), 0, "{mount:?}");
        assert_eq!(site.send(&good).await.status, 200);
        assert_eq!(site.verified(), 1, "{mount:?}: once for each request");
    }
}
