//! Requests that are no proper MCP requests, and requests that are too large.

use propusk::ScopePolicy;
use serde_json::json;

use crate::support::{MOUNTS, Mount, Request, Site, Wire, call, called, initialize, modern};

#[tokio::test]
async fn what_is_no_mcp_request_is_refused_by_its_headers() {
    for mount in MOUNTS {
        let site = Site::plain(mount).await;
        for good in [call("whoami"), initialize()] {
            let good = good.bearer("alice");
            for (request, expected) in [
                // A page can send these without a preflight (CVE-2026-33252).
                (good.clone().set("Content-Type", "text/plain"), 415),
                (
                    good.clone()
                        .set("Content-Type", "application/x-www-form-urlencoded"),
                    415,
                ),
                (
                    good.clone()
                        .set("Content-Type", "multipart/form-data; boundary=x"),
                    415,
                ),
                (
                    good.clone()
                        .set("Content-Type", "text/plain; application/json"),
                    415,
                ),
                (good.clone().without("Content-Type"), 415),
                (
                    good.clone()
                        .set("Content-Type", "application/json; charset=utf-8"),
                    200,
                ),
                (good.clone().without("Accept"), 406),
                (good.clone().set("Accept", "application/json"), 406),
                (good.clone().set("Accept", "text/event-stream"), 406),
                (good.clone().set("Accept", "text/html"), 406),
                (good.clone().line("PUT /mcp"), 405),
                (good.clone().line("PATCH /mcp"), 405),
            ] {
                let reply = site.send(&request).await;
                assert_eq!(reply.status, expected, "{mount:?}: {reply:?}");
            }
        }
    }
}

/// CVE-2026-27896, GHSA-q382-vc8q-7jhj: one value decides and is acted on, or none.
#[tokio::test]
async fn odd_json_is_refused_and_costs_nothing() {
    for mount in MOUNTS {
        let site = Site::plain(mount).await;
        let good = String::from_utf8_lossy(&call("whoami").bytes()).into_owned();
        let (_, good) = good.split_once("\r\n\r\n").expect("a body");
        let then = |text: &str, more: &str| good.replacen(text, &format!("{text},{more}"), 1);
        let (method, name, id) = (
            r#""method":"tools/call""#,
            r#""name":"whoami""#,
            r#""id":1"#,
        );
        let other = r#""params":{"name":"scopes"}"#;
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        #[rustfmt::skip]
        let table = [
            ("no JSON", "{".to_owned(), "415"),
            ("nothing", String::new(), "415"),
            ("a batch", format!("[{good},{good}]"), "415"),
            ("a batch of one", format!("[{good}]"), "415"),
            ("an empty batch", "[]".to_owned(), "415"),
            ("a bare text", "\"tools/call\"".to_owned(), "415"),
            ("deep nesting", deep, "415"),
            ("a control character", good.replace("whoami", "who\0ami"), "415"),
            ("an escaped control character", good.replace("whoami", r"who\u0000ami"), "400"),
            ("two methods", then(method, r#""method":"tools/list""#), "415"),
            ("two ids", then(id, r#""id":2"#), "415"),
            ("two params", then(method, other), "415"),
            ("two names", then(name, r#""name":"scopes""#), "400"),
            ("a name in capitals", then(name, r#""Name":"scopes","NAME":"scopes""#), "alice"),
            ("params in capitals", then(method, &other.to_uppercase()), "alice"),
        ];
        for (case, body, expected) in table {
            let reply = site.send(&call("whoami").bearer("alice").body(body)).await;
            // The server decides about bodies, and so refuses what can be read in two ways itself.
            let expected = match (mount, expected) {
                // And what only some parsers can, since others do not look at case.
                (Mount::Server, "415" | "alice") => "400",
                _ => expected,
            };
            assert_eq!(called(&reply), expected, "{mount:?} {case}: {reply:?}");
        }
        // Two names are no call of either tool, whichever the header says.
        let two = call("scopes")
            .bearer("alice")
            .body(then(name, r#""name":"scopes""#));
        let (twice, garbled) = match mount {
            Mount::Server => ("400", 400),
            Mount::Layer => ("404", 415),
        };
        assert_eq!(called(&site.send(&two).await), twice, "{mount:?}");
        let bytes = good.replace("whoami", "X").into_bytes();
        let bytes: Vec<u8> = bytes
            .into_iter()
            .map(|b| if b == b'X' { 0xff } else { b })
            .collect();
        let reply = site.send(&call("whoami").bearer("alice").body(bytes)).await;
        assert_eq!(reply.status, garbled, "{mount:?}: no UTF-8: {reply:?}");
    }
}

/// SEP-2243: what a proxy may have decided by is what the handler gets.
#[tokio::test]
async fn headers_that_contradict_the_body_are_refused() {
    for mount in MOUNTS {
        let site = Site::plain(mount).await;
        let good = call("whoami").bearer("alice");
        for bad in [
            good.clone().set("Mcp-Name", "maybe"),
            good.clone().set("Mcp-Method", "tools/list"),
            good.clone().without("Mcp-Name"),
            good.clone().without("Mcp-Method"),
            good.clone().set("MCP-Protocol-Version", "2025-11-25"),
            good.clone().header("Mcp-Name", "maybe"),
        ] {
            let reply = site.send(&bad).await;
            assert_eq!(reply.status, 400, "{mount:?}: {reply:?}");
            assert_eq!(
                reply.json()["error"]["code"],
                -32020,
                "{mount:?}: {reply:?}"
            );
        }
        let unknown = modern("no/such", json!({})).bearer("alice");
        assert_eq!(site.send(&unknown).await.status, 404, "{mount:?}");
    }
}

#[tokio::test]
async fn a_body_that_is_too_large_is_413() {
    const LIMIT: usize = 4096;
    let site = Site::start_with(Mount::Server, |s| s, |server| server.max_body_bytes(LIMIT)).await;
    let body = |length: usize| {
        let call = modern(
            "tools/call",
            json!({"name": "whoami", "arguments": {"x": ""}}),
        );
        let text = String::from_utf8(call.bytes()).expect("text");
        let (_, body) = text.split_once("\r\n\r\n").expect("a body");
        let fill = "x".repeat(length - body.len());
        body.replace(r#""x":"""#, &format!(r#""x":"{fill}""#))
    };
    let good = call("whoami").bearer("alice");
    for (length, expected) in [(LIMIT, 200), (LIMIT + 1, 413)] {
        let whole = good.clone().body(body(length));
        assert_eq!(
            site.send(&whole).await.status,
            expected,
            "{length} in one piece"
        );
        let chunked = good
            .clone()
            .without("Content-Length")
            .header("Transfer-Encoding", "chunked");
        let mut wire = Wire::connect(site.address).await;
        let head =
            String::from_utf8(chunked.body("").without("Content-Length").bytes()).expect("text");
        wire.send(head.as_bytes()).await;
        for piece in body(length).as_bytes().chunks(1024) {
            wire.send(format!("{:x}\r\n", piece.len()).as_bytes()).await;
            wire.send(piece).await;
            wire.send(b"\r\n").await;
        }
        wire.send(b"0\r\n\r\n").await;
        assert_eq!(wire.reply().await.status, expected, "{length} in chunks");
    }
    // The length is believed before the body comes: nobody waits for four gigabytes.
    let mut wire = Wire::connect(site.address).await;
    wire.send(
        &good
            .clone()
            .body("x")
            .set("Content-Length", "4000000000")
            .bytes(),
    )
    .await;
    wire.send(&vec![b'x'; LIMIT]).await;
    assert_eq!(wire.head().await.status, 413);
    assert_eq!(
        called(&site.send(&good).await),
        "alice",
        "the server lives on"
    );
}

/// A client that writes all before it reads: the answer is not lost with the connection.
#[tokio::test]
async fn a_client_that_still_writes_gets_its_413() {
    const LIMIT: usize = 64 * 1024;
    const SENT: usize = 15 * LIMIT;
    let policy = ScopePolicy::new().tool("*", "mcp").expect("scopes");
    let site = Site::start_with(
        Mount::Server,
        |settings| settings.policy(policy),
        |server| server.max_body_bytes(LIMIT),
    )
    .await;
    let good = call("whoami").bearer("alice");
    for announced in [true, false] {
        // A lost answer is lost now and then only.
        for _ in 0..5 {
            let mut wire = Wire::connect(site.address).await;
            let head = match announced {
                true => good
                    .clone()
                    .body("")
                    .set("Content-Length", SENT.to_string()),
                false => good
                    .clone()
                    .body("")
                    .without("Content-Length")
                    .header("Transfer-Encoding", "chunked"),
            };
            wire.send(&head.bytes()).await;
            let piece = "x".repeat(LIMIT);
            for _ in 0..SENT / LIMIT {
                let piece = match announced {
                    true => piece.clone(),
                    false => format!("{LIMIT:x}\r\n{piece}\r\n"),
                };
                assert!(
                    wire.takes(piece.as_bytes()).await,
                    "{announced}: it is taken"
                );
                // A slow client: the server has its turn between two pieces.
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            }
            if !announced {
                wire.send(b"0\r\n\r\n").await;
            }
            let reply = wire.reply().await;
            assert_eq!(reply.status, 413, "{announced}: {reply:?}");
            assert!(reply.text().contains(&LIMIT.to_string()), "{announced}");
        }
    }
}

#[tokio::test]
async fn headers_that_are_too_large_are_431_and_the_server_lives_on() {
    let site = Site::plain(Mount::Server).await;
    for request in [
        Request::new("POST /mcp").header("X-Fill", "x".repeat(256 * 1024)),
        Request::new("POST /mcp").bearer(&"x".repeat(256 * 1024)),
        (0..400).fold(Request::new("POST /mcp"), |request, n| {
            request.header(&format!("X-{n}"), "x")
        }),
    ] {
        let mut wire = Wire::connect(site.address).await;
        wire.send(&request.bytes()).await;
        assert_eq!(wire.head().await.status, 431);
    }
    assert_eq!(site.verified(), 0);
    assert_eq!(
        called(&site.send(&call("whoami").bearer("alice")).await),
        "alice"
    );
}

/// Two ways to tell where a request ends are how one is smuggled behind another (RFC 9112 §6.1).
#[tokio::test]
async fn a_request_cannot_be_smuggled() {
    for mount in MOUNTS {
        let site = Site::plain(mount).await;
        let body = "0\r\n\r\nGET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
        for request in [
            call("whoami")
                .bearer("alice")
                .body(body)
                .header("Content-Length", "1"),
            call("whoami")
                .bearer("alice")
                .body(body)
                .header("Transfer-Encoding", "chunked, identity"),
        ] {
            let mut wire = Wire::connect(site.address).await;
            wire.send(&request.bytes()).await;
            assert_eq!(wire.head().await.status, 400, "{mount:?}");
        }
    }
}
