//! Which `Host` is accepted (DNS rebinding; MCP 2026-07-28, Streamable HTTP, security).

use crate::support::{MOUNTS, Request, Site, call, called};

#[tokio::test]
async fn the_host_matrix() {
    for mount in MOUNTS {
        let site = Site::start(mount, |settings| {
            settings.allow_host("proxy.internal:8443").unwrap()
        })
        .await;
        let port = site.address.port();
        for good in [
            "127.0.0.1".to_owned(),
            format!("127.0.0.1:{port}"),
            "127.0.0.1:1".to_owned(),
            format!("localhost:{port}"),
            "LocalHost".to_owned(),
            "[::1]".to_owned(),
            format!("[::1]:{port}"),
            "proxy.internal:8443".to_owned(),
            "Proxy.Internal:8443".to_owned(),
        ] {
            let reply = site
                .send(&call("whoami").bearer("alice").set("Host", &good))
                .await;
            assert_eq!(called(&reply), "alice", "{mount:?} {good}");
        }
        let judged = site.verified();
        #[rustfmt::skip]
        let table: [(&[u8], u16); 21] = [
            (b"evil.example", 421), (b"evil.example:8000", 421), (b"127.0.0.1.evil.example", 421),
            (b"localhost.evil", 421), (b"localhost.", 421), (b"127.0.0.2", 421), (b"0.0.0.0", 421),
            (b"[::ffff:127.0.0.1]", 421), (b"[::2]", 421), (b"proxy.internal", 421), (b"proxy.internal:8444", 421),
            (b"", 400), (b"a b", 400), (b"127.0.0.1:", 400), (b"127.0.0.1:99999", 400), (b"127.0.0.1@evil.example", 400),
            (b"evil.example@127.0.0.1", 400), (b"http://127.0.0.1", 400), (b"127.0.0.1/x", 400),
            (b"127.0.0.1, evil.example", 400), (b"127.0.0.1\xff", 400),
        ];
        for (bad, expected) in table {
            for line in [
                "POST /mcp",
                "GET /mcp",
                "DELETE /mcp",
                "GET /.well-known/oauth-protected-resource",
            ] {
                let request = call("whoami").line(line).bearer("alice").set("Host", bad);
                let reply = site.send(&request).await;
                let case = format!(
                    "{mount:?} {line} {:?}: {reply:?}",
                    String::from_utf8_lossy(bad)
                );
                assert_eq!(reply.status, expected, "{case}");
                assert!(!reply.text().contains("evil"), "{case}");
            }
        }
        assert_eq!(
            site.verified(),
            judged,
            "{mount:?}: none of these was judged"
        );
    }
}

#[tokio::test]
async fn a_missing_host_and_a_second_one_are_refused() {
    for mount in MOUNTS {
        let site = Site::plain(mount).await;
        let good = call("whoami").bearer("alice");
        let old = good.clone().line("POST /mcp HTTP/1.0");
        for (request, expected) in [
            (good.clone().without("Host"), "400"),
            (old.clone().without("Host"), "400"),
            (old, "alice"),
            (good.clone().header("Host", "127.0.0.1"), "400"),
            (good.header("Host", "evil.example"), "400"),
        ] {
            assert_eq!(called(&site.send(&request).await), expected, "{mount:?}");
        }
    }
}

/// Identity and routing headers from outside mean nothing (GHSA-g53w-w6mj-hrpp).
#[tokio::test]
async fn forwarded_headers_neither_open_nor_close_the_gate() {
    for mount in MOUNTS {
        let site = Site::plain(mount).await;
        let claims = [
            ("X-Forwarded-Host", "evil.example"),
            ("Forwarded", "host=evil.example"),
            ("X-Forwarded-User", "admin"),
            ("X-User", "admin"),
            ("Proxy-Authorization", "Bearer bob"),
        ];
        let request = call("whoami").headers(&claims);
        assert_eq!(site.send(&request).await.status, 401, "{mount:?}");
        let evil = request.clone().bearer("alice").set("Host", "evil.example");
        let evil = evil.set("X-Forwarded-Host", "127.0.0.1");
        assert_eq!(site.send(&evil).await.status, 421, "{mount:?}");
        assert_eq!(
            called(&site.send(&request.bearer("alice")).await),
            "alice",
            "{mount:?}"
        );
    }
}

#[tokio::test]
async fn an_absolute_target_with_a_foreign_host_header_is_refused() {
    for mount in MOUNTS {
        let site = Site::plain(mount).await;
        let request: Request = call("whoami")
            .bearer("alice")
            .line("POST http://127.0.0.1/mcp");
        assert_eq!(called(&site.send(&request).await), "alice", "{mount:?}");
        let reply = site.send(&request.set("Host", "evil.example")).await;
        assert_eq!(reply.status, 421, "{mount:?}: {reply:?}");
    }
}
