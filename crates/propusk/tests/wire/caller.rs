//! The caller inside a tool is that of this very request.

use crate::support::{Era, MOUNTS, Mount, Site, call, called, legacy};

const ALICE: [(&str, &str); 1] = [("Authorization", "Bearer alice")];

#[tokio::test]
async fn a_tool_sees_the_token_of_its_request_and_not_that_of_the_session() {
    for mount in MOUNTS {
        let site = Site::plain(mount).await;
        let session = site.open(&ALICE).await.expect("a session");
        for request in [legacy(&session, "scopes"), call("scopes")] {
            for (token, scopes) in [
                ("alice", "mcp"),
                ("alice-refreshed", "mcp notes:write"),
                ("alice", "mcp"),
            ] {
                let reply = site.send(&request.clone().bearer(token)).await;
                assert_eq!(called(&reply), scopes, "{mount:?} {token}");
            }
        }
    }
}

#[tokio::test]
async fn a_tool_sees_every_header_but_the_credential() {
    for mount in MOUNTS {
        let site = Site::plain(mount).await;
        for era in Era::BOTH {
            let headers = [ALICE[0], ("X-Trace", "1")];
            let seen = called(&site.tool(era, &headers, "headers").await);
            assert!(
                seen.contains("x-trace") && seen.contains("host"),
                "{mount:?} {era:?}: {seen}"
            );
            assert!(!seen.contains("authorization"), "{mount:?} {era:?}: {seen}");
        }
    }
}

#[tokio::test]
async fn a_tool_that_refuses_says_which_scopes_would_do() {
    for mount in MOUNTS {
        let site = Site::plain(mount).await;
        for era in Era::BOTH {
            let reply = site.tool(era, &ALICE, "refuse").await;
            let case = format!("{mount:?} {era:?}: {reply:?}");
            let json = reply.json();
            let message = "The access token does not permit this operation. It needs: x:y.";
            assert_eq!(json["error"]["message"], message, "{case}");
            let data = serde_json::json!({ "error": "insufficient_scope", "scope": "x:y" });
            assert_eq!(json["error"]["data"], data, "{case}");
            // Where the answer has not begun, and there is a guard to tell the layer.
            let guarded = mount == Mount::Server && era == Era::Modern;
            assert_eq!(reply.status, if guarded { 403 } else { 200 }, "{case}");
            let challenge = reply.header("www-authenticate").unwrap_or_default();
            assert_eq!(challenge.contains("scope=\"x:y\""), guarded, "{case}");
        }
    }
}
