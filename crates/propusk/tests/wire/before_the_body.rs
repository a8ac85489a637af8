//! A request is judged by its head: nobody reads a body that is not welcome.

use crate::support::{MOUNTS, Request, Site, Wire, call};

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
            let end = request
                .windows(4)
                .position(|bytes| bytes == b"\r\n\r\n")
                .unwrap()
                + 4;
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
