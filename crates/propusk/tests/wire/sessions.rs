//! A session of 2025-11-25 belongs to the principal that opened it.

use std::sync::Arc;

use propusk::{
    Admission::{Optional, Permissive},
    Client,
    client::Era as ClientEra,
};
use serde_json::json;

use crate::support::{MOUNTS, Request, Site, Wire, call, called, initialize, legacy};

const ALICE: [(&str, &str); 1] = [("Authorization", "Bearer alice")];

/// The three ways to use a session.
fn uses(session: &str) -> [Request; 3] {
    let post = legacy(session, "whoami");
    [
        post.clone(),
        post.clone().line("GET /mcp"),
        post.line("DELETE /mcp"),
    ]
}

/// CVE-2026-52869: the stranger cannot even tell that there is such a session.
#[tokio::test]
async fn a_session_of_another_principal_looks_like_one_that_does_not_exist() {
    for mount in MOUNTS {
        let site = Site::plain(mount).await;
        let session = site.open(&ALICE).await.expect("a session");
        let never = "00000000-0000-4000-8000-000000000000";
        for stranger in ["bob", "alice-elsewhere", "alice-of-b", "poor"] {
            for (stolen, invented) in uses(&session).into_iter().zip(uses(never)) {
                let stolen = site.send(&stolen.bearer(stranger)).await.without_date();
                let invented = site.send(&invented.bearer(stranger)).await.without_date();
                assert_eq!(stolen.status, 404, "{mount:?} {stranger}: {stolen:?}");
                assert_eq!(stolen, invented, "{mount:?} {stranger}");
            }
        }
        let reply = site.send(&legacy(&session, "whoami").bearer("alice")).await;
        assert_eq!(called(&reply), "alice", "{mount:?}: still hers");
    }
}

#[tokio::test]
async fn a_session_survives_the_refresh_of_a_token_and_ends_by_delete() {
    for mount in MOUNTS {
        let site = Site::plain(mount).await;
        let session = site.open(&ALICE).await.expect("a session");
        let [post, get, delete] = uses(&session).map(|request| request.bearer("alice-refreshed"));
        assert_eq!(called(&site.send(&post).await), "alice", "{mount:?}");
        let mut stream = Wire::connect(site.address).await;
        stream.send(&get.bytes()).await;
        assert_eq!(stream.head().await.status, 200, "{mount:?}");
        let ended = site.send(&delete).await.status;
        assert!((200..300).contains(&ended), "{mount:?}: {ended}");
        while stream.chunk().await.is_some() {}
        for request in uses(&session) {
            let reply = site.send(&request.bearer("alice")).await;
            assert_eq!(reply.status, 404, "{mount:?}: it has ended: {reply:?}");
        }
    }
}

#[tokio::test]
async fn an_anonymous_session_and_a_users_are_not_each_others() {
    for mount in MOUNTS {
        for admission in [Optional, Permissive] {
            let site = Site::start(mount, |settings| settings.admission(admission)).await;
            let hers = site.open(&ALICE).await.expect("a session");
            let nobodys = site.open(&[]).await.expect("a session");
            for (session, token, expected) in [
                (&hers, None, "404"),
                (&nobodys, Some("alice"), "404"),
                (&nobodys, Some("bob"), "404"),
                (
                    &hers,
                    Some("unknown"),
                    if admission == Optional { "401" } else { "404" },
                ),
                (
                    &nobodys,
                    Some("unknown"),
                    if admission == Optional {
                        "401"
                    } else {
                        "nobody"
                    },
                ),
                (&hers, Some("alice"), "alice"),
                (&nobodys, None, "nobody"),
            ] {
                for line in ["POST /mcp", "GET /mcp", "DELETE /mcp"] {
                    let admitted = !expected.starts_with('4');
                    if admitted && line != "POST /mcp" {
                        continue;
                    }
                    let request = legacy(session, "maybe").line(line);
                    let request = match token {
                        Some(token) => request.bearer(token),
                        None => request,
                    };
                    let reply = site.send(&request).await;
                    assert_eq!(
                        called(&reply),
                        expected,
                        "{mount:?} {admission:?} {line} {token:?}"
                    );
                }
            }
        }
    }
}

/// MCP 2026-07-28, Streamable HTTP: `Mcp-Session-Id` is ignored, and none is made.
#[tokio::test]
async fn in_the_newer_era_a_session_id_means_nothing() {
    for mount in MOUNTS {
        let site = Site::plain(mount).await;
        let session = site.open(&ALICE).await.expect("a session");
        for id in [session.as_str(), "unknown"] {
            let reply = site
                .send(&call("whoami").bearer("bob").header("Mcp-Session-Id", id))
                .await;
            assert_eq!(called(&reply), "bob", "{mount:?} {id}");
            assert_eq!(reply.header("mcp-session-id"), None, "{mount:?} {id}");
        }
        let reply = site
            .send(
                &call("headers")
                    .bearer("bob")
                    .header("Mcp-Session-Id", &session),
            )
            .await;
        assert!(
            !called(&reply).contains("mcp-session-id"),
            "{mount:?}: no tool sees it"
        );
    }
}

/// The newer version's header does not carry a request of the older era past the check.
#[tokio::test]
async fn the_version_header_is_no_way_around_the_owner() {
    for mount in MOUNTS {
        let site = Site::plain(mount).await;
        let session = site.open(&ALICE).await.expect("a session");
        for versions in [
            &["2026-07-28"][..],
            &["2026-07-28", "2025-11-25"],
            &["2025-11-25", "2026-07-28"],
            &["9999-99-99"],
            &["zzz"],
            &[""],
            &[],
        ] {
            for request in uses(&session) {
                let mut request = request.without("MCP-Protocol-Version").bearer("bob");
                for version in versions {
                    request = request.header("MCP-Protocol-Version", version);
                }
                let reply = site.send(&request).await;
                assert!(
                    (400..500).contains(&reply.status),
                    "{mount:?} {versions:?}: {reply:?}"
                );
            }
        }
        let reply = site.send(&legacy(&session, "whoami").bearer("alice")).await;
        assert_eq!(called(&reply), "alice", "{mount:?}: nobody has ended it");
    }
}

#[tokio::test]
async fn session_ids_that_are_none() {
    for mount in MOUNTS {
        let site = Site::plain(mount).await;
        let session = site.open(&ALICE).await.expect("a session");
        let good = legacy(&session, "whoami").bearer("alice");
        for (request, expected) in [
            (good.clone().header("Mcp-Session-Id", &session), 404),
            (good.clone().header("Mcp-Session-Id", "other"), 404),
            (good.clone().set("Mcp-Session-Id", b"\xff\xfe"), 404),
            (good.clone().set("Mcp-Session-Id", ""), 404),
            (
                good.clone()
                    .set("Mcp-Session-Id", session.to_ascii_uppercase() + "x"),
                404,
            ),
            // byterover#329: no id is not "the only session there is".
            (good.clone().without("Mcp-Session-Id"), 400),
            (good.clone().without("Mcp-Session-Id").line("GET /mcp"), 400),
            (good.without("Mcp-Session-Id").line("DELETE /mcp"), 400),
        ] {
            let reply = site.send(&request).await;
            assert_eq!(reply.status, expected, "{mount:?}: {reply:?}");
        }
    }
}

/// A client cannot name the session that it opens.
#[tokio::test]
async fn an_id_of_the_clients_making_opens_nothing() {
    for mount in MOUNTS {
        let site = Site::plain(mount).await;
        let request = initialize()
            .bearer("alice")
            .header("Mcp-Session-Id", "mine");
        assert_eq!(site.send(&request).await.status, 404, "{mount:?}");
        assert_eq!(
            site.send(&legacy("mine", "whoami").bearer("alice"))
                .await
                .status,
            404
        );
    }
}

/// CVE-2026-25536: answers do not cross between clients of one server.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn interleaved_clients_each_see_themselves() {
    const CALLS: usize = 50;
    for mount in MOUNTS {
        let site = Site::plain(mount).await;
        let mut running = Vec::new();
        for token in ["alice", "bob"] {
            for era in [ClientEra::Modern, ClientEra::Legacy] {
                let client = Client::new(site.url()).bearer(token).era(era);
                let session = Arc::new(client.connect().await.expect("admitted"));
                for _ in 0..CALLS {
                    let session = Arc::clone(&session);
                    running.push(tokio::spawn(async move {
                        let reply = session
                            .call_tool("whoami", json!({}))
                            .await
                            .expect("answered");
                        let seen = reply.content[0].as_text().expect("a text").text.clone();
                        assert_eq!(seen, token, "{era:?}");
                    }));
                }
            }
        }
        assert_eq!(running.len(), 200);
        for call in running {
            call.await.expect("its own caller");
        }
    }
}
