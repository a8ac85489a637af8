//! CVE-2026-25536 and its kin: under load no answer crosses to another caller.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::support::{Era, MOUNTS, Mount, Site, Wire, in_session, modern};

const CALLS: usize = 10_000;
const CONNECTIONS: usize = 16;

/// Two principals, both eras, several connections and sessions, all at once, and the same JSON-RPC
/// id on every call. Each answer carries its own caller and its own payload.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_interleaved_calls_each_get_their_own_answer() {
    for mount in MOUNTS {
        let site = Arc::new(Site::plain(mount).await);
        let mut callers = Vec::new();
        for n in 0..CONNECTIONS {
            let (site, token) = (Arc::clone(&site), if n % 2 == 0 { "alice" } else { "bob" });
            let era = Era::BOTH[n / 2 % 2];
            callers.push(tokio::spawn(async move {
                calls(&site, mount, era, token, n).await
            }));
        }
        let mut answered = 0;
        for caller in callers {
            answered += caller.await.expect("every answer was its own");
        }
        assert_eq!(answered, CALLS / 2);
    }
}

/// One connection, and in the older era one session.
async fn calls(site: &Site, mount: Mount, era: Era, token: &str, n: usize) -> usize {
    let headers = [("Authorization", &*format!("Bearer {token}"))];
    let session = site.open(&headers).await.expect("a session");
    let mut wire = Wire::connect(site.address).await;
    let calls = CALLS / 2 / CONNECTIONS + usize::from(n < CALLS / 2 % CONNECTIONS);
    for call in 0..calls {
        let payload = format!("{token} {era:?} {n} {call}");
        let params = json!({"name": "echo", "arguments": {"text": payload}});
        let request = match era {
            Era::Modern => modern("tools/call", params),
            Era::Legacy => in_session(&session, "tools/call", &params),
        };
        wire.send(&request.bearer(token).bytes()).await;
        let reply = wire.reply().await;
        assert_eq!(reply.status, 200, "{mount:?} {payload}: {reply:?}");
        let json = reply.json();
        let seen: &Value = &json["result"]["content"][0]["text"];
        assert_eq!(seen, &format!("{token}: {payload}"), "{mount:?}: {json}");
        assert_eq!(json["id"], 1);
    }
    calls
}
