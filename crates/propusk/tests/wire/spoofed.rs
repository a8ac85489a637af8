//! What a client says about itself is no identity: only its token is.

use propusk::Admission::{Optional, Permissive};
use serde_json::json;

use crate::support::{Era, MOUNTS, Site, called, initialize, legacy, modern};

/// Headers by which other servers, gateways and proxies have been told who is calling
/// (GHSA-g53w-w6mj-hrpp, GHSA-2v2f-mvfg-ph56 and their kin).
const CLAIMS: [(&str, &str); 16] = [
    ("X-User", "bob"),
    ("X-User-Id", "bob"),
    ("X-Forwarded-User", "bob"),
    ("X-Forwarded-Email", "bob@example.com"),
    ("X-Forwarded-Access-Token", "bob"),
    ("X-Auth-Request-User", "bob"),
    ("X-Authenticated-User", "bob"),
    ("X-Remote-User", "bob"),
    ("Remote-User", "bob"),
    ("X-MCP-User", "bob"),
    ("X-MCP-Authorization", "Bearer bob"),
    ("X-PMCP-User-Id", "bob"),
    ("X-Api-Key", "bob"),
    ("Proxy-Authorization", "Bearer bob"),
    ("X-Original-Authorization", "Bearer bob"),
    ("Cookie", "access_token=bob; Authorization=Bearer%20bob"),
];

#[tokio::test]
async fn a_header_about_the_caller_is_not_the_caller() {
    for mount in MOUNTS {
        for admission in [Optional, Permissive] {
            let site = Site::start(mount, |settings| settings.admission(admission)).await;
            for era in Era::BOTH {
                let seen = called(&site.tool(era, &CLAIMS, "maybe").await);
                assert_eq!(seen, "nobody", "{mount:?} {admission:?} {era:?}");
                let with_token: Vec<_> = [("Authorization", "Bearer alice")]
                    .into_iter()
                    .chain(CLAIMS)
                    .collect();
                for tool in ["maybe", "context", "whoami"] {
                    let seen = called(&site.tool(era, &with_token, tool).await);
                    assert_eq!(seen, "alice", "{mount:?} {admission:?} {era:?} {tool}");
                }
            }
        }
        let site = Site::plain(mount).await;
        for era in Era::BOTH {
            let seen = called(&site.tool(era, &CLAIMS, "maybe").await);
            assert_eq!(
                seen, "401",
                "{mount:?} {era:?}: they are no credentials either"
            );
        }
    }
}

/// Nor what stands in the body: `_meta`, `clientInfo`, arguments.
#[tokio::test]
async fn a_body_about_the_caller_is_not_the_caller() {
    for mount in MOUNTS {
        let site = Site::plain(mount).await;
        let claims = json!({"caller": "bob", "subject": "bob", "token": "bob", "authorization": "Bearer bob"});
        let mut request =
            modern("tools/call", json!({"name": "whoami", "arguments": claims})).bearer("alice");
        let body = String::from_utf8_lossy(&request.bytes()).into_owned();
        let (_, body) = body.split_once("\r\n\r\n").expect("a body");
        let meta =
            r#""_meta":{"propusk/caller":"bob","authInfo":{"subject":"bob"},"principal":"bob","#;
        request = request.body(
            body.replacen(r#""_meta":{"#, meta, 1)
                .replace(r#""name":"test""#, r#""name":"bob""#),
        );
        assert_eq!(called(&site.send(&request).await), "alice", "{mount:?}");
    }
}

#[tokio::test]
async fn two_credentials_are_400_inside_a_session_too() {
    for mount in MOUNTS {
        let site = Site::plain(mount).await;
        let session = site
            .open(&[("Authorization", "Bearer alice")])
            .await
            .expect("a session");
        for request in [
            legacy(&session, "whoami"),
            initialize(),
            modern("tools/list", json!({})),
        ] {
            for (one, other) in [("alice", "bob"), ("bob", "alice"), ("alice", "alice")] {
                let reply = site.send(&request.clone().bearer(one).bearer(other)).await;
                assert_eq!(reply.status, 400, "{mount:?} {one} {other}: {reply:?}");
            }
        }
    }
}
