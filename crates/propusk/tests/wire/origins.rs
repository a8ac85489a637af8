//! Pages of which origin may call (MCP 2026-07-28, Streamable HTTP, security).

use crate::support::{MOUNTS, Site, call, called};

#[tokio::test]
async fn the_origin_matrix() {
    for mount in MOUNTS {
        let settings = |settings: propusk::AuthSettings| {
            let settings = settings.allow_origin("https://app.example").unwrap();
            settings.allow_origin("http://dev.example:*").unwrap()
        };
        let site = Site::start(mount, settings).await;
        let port = site.address.port();
        for good in [
            format!("http://127.0.0.1:{port}"),
            format!("http://localhost:{port}"),
            format!("http://[::1]:{port}"),
            "https://app.example".to_owned(),
            "https://APP.example:443".to_owned(),
            "http://dev.example".to_owned(),
            "http://dev.example:3000".to_owned(),
        ] {
            let reply = site
                .send(&call("whoami").bearer("alice").header("Origin", &good))
                .await;
            assert_eq!(called(&reply), "alice", "{mount:?} {good}");
        }
        let judged = site.verified();
        let elsewhere = format!("https://127.0.0.1:{port}");
        let path = format!("http://127.0.0.1:{port}/");
        #[rustfmt::skip]
        let table: [&[u8]; 19] = [
            b"null", b"NULL", b"https://evil.example", b"http://app.example", b"https://app.example:8443",
            b"https://app.example.evil", b"https://evil.example#https://app.example",
            b"https://app.example@evil.example", b"http://127.0.0.1", b"http://127.0.0.1:1", b"http://[::1]",
            b"https://dev.example:3000", elsewhere.as_bytes(), path.as_bytes(), b"", b"*", b"file://",
            b"https://app.example, https://evil.example", b"https://app.example\xff",
        ];
        for bad in table {
            for line in [
                "POST /mcp",
                "GET /mcp",
                "DELETE /mcp",
                "OPTIONS /mcp",
                "GET /.well-known/oauth-protected-resource",
            ] {
                let request = call("whoami")
                    .line(line)
                    .bearer("alice")
                    .header("Origin", bad);
                let reply = site.send(&request).await;
                let case = format!(
                    "{mount:?} {line} {:?}: {reply:?}",
                    String::from_utf8_lossy(bad)
                );
                assert_eq!(reply.status, 403, "{case}");
                assert_eq!(reply.header("access-control-allow-origin"), None, "{case}");
                assert!(!reply.text().contains("evil"), "{case}");
            }
        }
        let twice = call("whoami")
            .bearer("alice")
            .header("Origin", "https://app.example");
        let reply = site
            .send(&twice.header("Origin", "https://app.example"))
            .await;
        assert_eq!(reply.status, 403, "{mount:?}: two origins");
        assert_eq!(
            site.verified(),
            judged,
            "{mount:?}: none of these was judged"
        );
    }
}

#[tokio::test]
async fn a_sandboxed_page_is_let_in_only_by_name() {
    for mount in MOUNTS {
        let site = Site::start(mount, |settings| settings.allow_origin("null").unwrap()).await;
        let reply = site
            .send(&call("whoami").bearer("alice").header("Origin", "null"))
            .await;
        assert_eq!(called(&reply), "alice", "{mount:?}");
        assert_eq!(
            reply.header("access-control-allow-origin"),
            Some("null"),
            "{mount:?}"
        );
    }
}
