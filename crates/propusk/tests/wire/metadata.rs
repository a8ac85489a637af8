//! OAuth 2.0 Protected Resource Metadata over the wire (RFC 9728).

use serde_json::json;

use crate::support::{MOUNTS, Request, Site};

const ROOT: &str = "/.well-known/oauth-protected-resource";
const INSERTED: &str = "/.well-known/oauth-protected-resource/mcp";

#[tokio::test]
async fn rfc9728_3_both_urls_serve_the_document_without_a_token() {
    for mount in MOUNTS {
        let settings = |settings: propusk::AuthSettings| {
            let settings = settings.authorization_server("https://login.example/");
            let settings = settings.authorization_server("https://login2.example");
            settings
                .require_scopes("mcp a")
                .unwrap()
                .resource_name("Notes")
        };
        let site = Site::start(mount, settings).await;
        for path in [ROOT, INSERTED] {
            let get = Request::new(&format!("GET {path}"));
            for get in [get.clone(), get.bearer("unknown")] {
                let reply = site.send(&get).await;
                assert_eq!(reply.status, 200, "{mount:?} {path}: {reply:?}");
                assert_eq!(
                    reply.header("content-type"),
                    Some("application/json"),
                    "{reply:?}"
                );
                let expected = json!({
                    "resource": site.url(),
                    "authorization_servers": ["https://login.example/", "https://login2.example"],
                    "scopes_supported": ["a", "mcp"],
                    "bearer_methods_supported": ["header"],
                    "resource_name": "Notes",
                    "dpop_signing_alg_values_supported": [
                        "ES256", "EdDSA", "ES384", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512",
                    ],
                });
                assert_eq!(reply.json(), expected, "{mount:?} {path}");
            }
            for line in ["POST", "DELETE", "PUT"] {
                let reply = site.send(&Request::new(&format!("{line} {path}"))).await;
                assert_eq!(reply.status, 401, "{mount:?} {line} {path}: {reply:?}");
            }
        }
        assert_eq!(site.verified(), 0, "{mount:?}");
        for other in [
            "/.well-known/oauth-protected-resource/other",
            "/.well-known/oauth-protected-resourcex",
            "/.well-known/oauth-protected-resource/mcp/x",
        ] {
            let reply = site.send(&Request::new(&format!("GET {other}"))).await;
            assert!(
                matches!(reply.status, 401 | 404),
                "{mount:?} {other}: {reply:?}"
            );
        }
    }
}

/// The URL in a challenge is one that works.
#[tokio::test]
async fn rfc9728_5_1_the_challenge_leads_to_the_document() {
    for mount in MOUNTS {
        let site = Site::start(mount, |s| s.authorization_server("https://login.example")).await;
        let reply = site.send(&Request::new("POST /mcp")).await;
        let challenge = reply
            .header("www-authenticate")
            .and_then(propusk::Challenge::parse_bearer);
        let challenge = challenge.expect("a challenge");
        let url = challenge.parameter("resource_metadata").expect("a URL");
        let path = url
            .strip_prefix(&format!("http://{}", site.address))
            .expect("on this server");
        let reply = site.send(&Request::new(&format!("GET {path}"))).await;
        assert_eq!(reply.json()["resource"], site.url(), "{mount:?}");
    }
}

#[tokio::test]
async fn without_an_authorization_server_there_is_no_document() {
    for mount in MOUNTS {
        let site = Site::plain(mount).await;
        for path in [ROOT, INSERTED] {
            let reply = site.send(&Request::new(&format!("GET {path}"))).await;
            assert_eq!(reply.status, 404, "{mount:?} {path}: {reply:?}");
        }
    }
}
