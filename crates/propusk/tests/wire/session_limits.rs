//! Sessions of 2025-11-25 are bounded, per principal and in all, and those that end leave nothing.

use std::{sync::Arc, time::Duration};

use propusk::{Admission::Optional, SessionLimits};
use tokio::runtime::Handle;

use crate::support::{MOUNTS, Mount, Site, Wire, called, initialize, legacy, soon};

const ALICE: [(&str, &str); 1] = [("Authorization", "Bearer alice")];
const BOB: [(&str, &str); 1] = [("Authorization", "Bearer bob")];

async fn site(mount: Mount, limits: SessionLimits) -> Site {
    Site::start(mount, |s| s.sessions(limits).admission(Optional)).await
}

async fn status(site: &Site, session: &str, token: Option<&str>) -> u16 {
    let request = legacy(session, "maybe");
    let request = match token {
        Some(token) => request.bearer(token),
        None => request,
    };
    site.send(&request).await.status
}

#[tokio::test]
async fn one_session_too_many_ends_the_idlest_of_the_same_principal() {
    for mount in MOUNTS {
        let site = site(mount, SessionLimits::default().per_principal(2)).await;
        let bobs = site.open(&BOB).await.expect("a session");
        let nobodys = site.open(&[]).await.expect("a session");
        let first = site.open(&ALICE).await.expect("a session");
        let second = site.open(&ALICE).await.expect("a session");
        assert_eq!(status(&site, &first, Some("alice")).await, 200, "{mount:?}");
        // A refreshed token is the same principal, so that a new token opens no new allowance.
        let third = site
            .open(&[("Authorization", "Bearer alice-refreshed")])
            .await
            .expect("a session");
        for (session, token, expected) in [
            (&first, Some("alice"), 200),
            (&second, Some("alice"), 404),
            (&third, Some("alice"), 200),
            (&bobs, Some("bob"), 200),
            (&nobodys, None, 200),
        ] {
            assert_eq!(
                status(&site, session, token).await,
                expected,
                "{mount:?} {session}"
            );
        }
        // For anonymous callers only the number in all holds.
        for _ in 0..4 {
            site.open(&[]).await.expect("a session");
        }
        assert_eq!(status(&site, &nobodys, None).await, 200, "{mount:?}");
        if let Some(layer) = site.layer() {
            assert_eq!(layer.open_sessions(), 8);
        }
    }
}

#[tokio::test]
async fn a_session_that_a_limit_ends_also_ends_its_streams() {
    for mount in MOUNTS {
        let site = site(mount, SessionLimits::default().per_principal(1)).await;
        let first = site.open(&ALICE).await.expect("a session");
        let mut stream = Wire::connect(site.address).await;
        stream
            .send(&legacy(&first, "").line("GET /mcp").bearer("alice").bytes())
            .await;
        assert_eq!(stream.head().await.status, 200, "{mount:?}");
        let second = site.open(&ALICE).await.expect("a session");
        soon(async { while stream.chunk().await.is_some() {} }).await;
        assert_eq!(status(&site, &first, Some("alice")).await, 404, "{mount:?}");
        assert_eq!(
            status(&site, &second, Some("alice")).await,
            200,
            "{mount:?}"
        );
    }
}

/// Whoever opens most loses most: a crowd does not end a quiet caller's only session.
#[tokio::test]
async fn too_many_sessions_in_all_are_those_of_the_greediest() {
    for mount in MOUNTS {
        let site = site(mount, SessionLimits::default().in_all(4)).await;
        let quiet = site.open(&ALICE).await.expect("a session");
        let mut crowd = Vec::new();
        for _ in 0..10 {
            crowd.push(site.open(&[]).await.expect("a session"));
        }
        let bobs = site.open(&BOB).await.expect("a session");
        assert_eq!(status(&site, &quiet, Some("alice")).await, 200, "{mount:?}");
        assert_eq!(status(&site, &bobs, Some("bob")).await, 200, "{mount:?}");
        let mut living = 0;
        for session in &crowd {
            living += usize::from(status(&site, session, None).await == 200);
        }
        assert_eq!(living, 2, "{mount:?}");
    }
}

#[tokio::test]
async fn an_idle_session_ends_and_one_with_a_stream_does_not() {
    for mount in MOUNTS {
        let site = site(mount, SessionLimits::default().idle(Duration::ZERO)).await;
        // Idle at once, so that only the very request which opens it sees it alive.
        let reply = site.send(&initialize().bearer("alice")).await;
        let session = reply
            .header("mcp-session-id")
            .expect("a session")
            .to_owned();
        let used = legacy(&session, "whoami").bearer("alice");
        for line in ["POST /mcp", "GET /mcp", "DELETE /mcp"] {
            let reply = site.send(&used.clone().line(line)).await;
            assert_eq!(reply.status, 404, "{mount:?} {line}");
        }
        if let Some(layer) = site.layer() {
            assert_eq!(layer.open_sessions(), 0);
            soon(async {
                while site.rmcp_sessions().await > 0 {
                    tokio::task::yield_now().await;
                }
            })
            .await;
        }
    }
}

/// rmcp PR#934: what is opened and left alone does not pile up, neither here nor in rmcp.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_openings_leak_nothing() {
    const OPENINGS: usize = 10_000;
    const CONNECTIONS: usize = 4;
    const LIMIT: usize = 8;
    for mount in MOUNTS {
        let site = Arc::new(site(mount, SessionLimits::default().per_principal(LIMIT)).await);
        let mut openers = Vec::new();
        for n in 0..CONNECTIONS {
            let site = Arc::clone(&site);
            let token = if n % 2 == 0 { "alice" } else { "bob" };
            openers.push(tokio::spawn(async move {
                let mut wire = Wire::connect(site.address).await;
                let mut last = String::new();
                for _ in 0..OPENINGS / CONNECTIONS / 2 {
                    wire.send(&initialize().bearer(token).bytes()).await;
                    let reply = wire.reply().await;
                    last = reply
                        .header("mcp-session-id")
                        .expect("a session")
                        .to_owned();
                }
                (token, last)
            }));
        }
        for opener in openers {
            let (token, last) = opener.await.expect("no panic");
            // The four are alive, or have been pushed out by their own kind just now.
            let reply = site.send(&legacy(&last, "whoami").bearer(token)).await;
            let seen = called(&reply);
            assert!(seen == token || seen == "404", "{mount:?}: {seen}");
        }
        // Each session in rmcp is two tasks at least; the few that are left and the connections'.
        soon(async {
            while Handle::current().metrics().num_alive_tasks() > 8 * LIMIT {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await;
        if let Some(layer) = site.layer() {
            assert_eq!(layer.open_sessions(), 2 * LIMIT);
            assert_eq!(site.rmcp_sessions().await, 2 * LIMIT);
        }
    }
}
