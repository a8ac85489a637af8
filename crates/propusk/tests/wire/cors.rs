//! Browser pages of an allowed origin may call and read (CORS); others may not.

use crate::support::{MOUNTS, Mount, Request, Site, call, called};

const PAGE: &str = "https://app.example";

async fn site(mount: Mount) -> Site {
    Site::start(mount, |settings| settings.allow_origin(PAGE).unwrap()).await
}

fn preflight(origin: &str) -> Request {
    Request::new("OPTIONS /mcp")
        .header("Origin", origin)
        .header("Access-Control-Request-Method", "POST")
        .header(
            "Access-Control-Request-Headers",
            "authorization, content-type, mcp-method, mcp-name, mcp-param-x, mcp-protocol-version, mcp-session-id",
        )
}

/// Whether a comma-separated header has all of these, in any case.
fn has(list: Option<&str>, names: &[&str]) -> bool {
    let list = list.unwrap_or_default().to_ascii_lowercase();
    let listed: Vec<_> = list.split(',').map(str::trim).collect();
    names.iter().all(|name| listed.contains(name))
}

#[tokio::test]
async fn a_preflight_of_an_allowed_page_needs_no_token() {
    for mount in MOUNTS {
        let site = site(mount).await;
        let reply = site.send(&preflight(PAGE)).await;
        assert!((200..300).contains(&reply.status), "{mount:?}: {reply:?}");
        assert_eq!(
            reply.header("access-control-allow-origin"),
            Some(PAGE),
            "{reply:?}"
        );
        assert_eq!(
            reply.header("access-control-allow-credentials"),
            None,
            "no cookies: {reply:?}"
        );
        let headers = reply.header("access-control-allow-headers");
        for name in [
            "authorization",
            "mcp-session-id",
            "mcp-param-x",
            "mcp-protocol-version",
            "content-type",
        ] {
            assert!(has(headers, &[name]), "{mount:?} {name}: {reply:?}");
        }
        assert!(
            has(
                reply.header("access-control-allow-methods"),
                &["get", "post", "delete"]
            ),
            "{reply:?}"
        );
        assert_eq!(site.verified(), 0, "{mount:?}");
    }
}

#[tokio::test]
async fn a_preflight_of_a_foreign_page_is_refused() {
    for mount in MOUNTS {
        let site = site(mount).await;
        for request in [
            preflight("https://evil.example"),
            preflight("null"),
            preflight("https://evil.example").bearer("alice"),
        ] {
            let reply = site.send(&request).await;
            assert_eq!(reply.status, 403, "{mount:?}: {reply:?}");
            assert_eq!(
                reply.header("access-control-allow-origin"),
                None,
                "{reply:?}"
            );
        }
        let reply = site
            .send(&preflight(PAGE).set("Host", "evil.example"))
            .await;
        assert_eq!(reply.status, 421, "{mount:?}: {reply:?}");
        assert_eq!(site.verified(), 0, "{mount:?}");
    }
}

#[tokio::test]
async fn an_allowed_page_can_read_why_it_was_refused() {
    for mount in MOUNTS {
        let site = site(mount).await;
        for (request, expected) in [
            (call("whoami"), 401),
            (call("whoami").bearer("a b"), 400),
            (call("whoami").bearer("outage"), 503),
            (call("whoami").bearer("alice"), 200),
            (call("whoami").line("GET /mcp"), 401),
            (call("whoami").line("DELETE /mcp"), 401),
        ] {
            let reply = site.send(&request.header("Origin", PAGE)).await;
            assert_eq!(reply.status, expected, "{mount:?}: {reply:?}");
            assert_eq!(
                reply.header("access-control-allow-origin"),
                Some(PAGE),
                "{reply:?}"
            );
            let exposed = reply.header("access-control-expose-headers");
            assert!(
                has(
                    exposed,
                    &["www-authenticate", "retry-after", "mcp-session-id"]
                ),
                "{reply:?}"
            );
            // A cache must not hand one origin's answer to another.
            assert!(
                has(reply.header("vary"), &["origin"]),
                "{mount:?}: {reply:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_request_that_is_no_pages_has_no_cors_headers() {
    for mount in MOUNTS {
        let site = site(mount).await;
        for request in [
            call("whoami"),
            call("whoami").bearer("alice"),
            Request::new("OPTIONS /mcp"),
        ] {
            let reply = site.send(&request).await;
            let cors = reply
                .headers
                .iter()
                .find(|(name, _)| name.starts_with("access-control"));
            assert_eq!(cors, None, "{mount:?}: {reply:?}");
        }
        assert_eq!(
            called(&site.send(&call("whoami").bearer("alice")).await),
            "alice"
        );
    }
}
