//! MCP servers that would keep a client busy for ever: it gives up, after a number of requests.

use std::sync::atomic::{AtomicUsize, Ordering};

use propusk::{
    Client,
    client::{Era, ErrorKind},
};
use serde_json::{Value, json};

use crate::support::{MOUNTS, Meddler, Site, answer, obliging, soon};

/// Where the next page is, after so many.
type Next = fn(usize) -> Value;

/// A server whose list of tools goes on as `next` says, for the number of pages so far.
async fn listing(next: Next) -> Meddler {
    let site = Site::plain(MOUNTS[0]).await;
    let pages = AtomicUsize::new(0);
    Meddler::new(site.address, move |_, seen| {
        if seen.header("mcp-method") != Some("tools/list") {
            return obliging(seen, &[]);
        }
        let body = json!({"jsonrpc": "2.0", "id": seen.json()["id"], "result": {
            "resultType": "complete", "ttlMs": 0, "cacheScope": "private",
            "tools": [{"name": "a", "inputSchema": {"type": "object"}}],
            "nextCursor": next(pages.fetch_add(1, Ordering::Relaxed) + 1),
        }});
        answer("200 OK", &[], "application/json", &body.to_string())
    })
    .await
}

#[tokio::test]
async fn a_list_that_does_not_end() {
    let rows: &[(Next, usize, &str)] = &[
        (|page| json!(page.to_string()), 1_000, "1000 pages"),
        (|_| json!("again"), 2, "was there before"),
        (|page| json!((page % 3).to_string()), 4, "was there before"),
    ];
    for (next, most, words) in rows {
        let meddler = listing(*next).await;
        let client = Client::new(meddler.url()).era(Era::Modern).bearer("alice");
        let session = soon(client.connect()).await.expect("obliged");
        let error = soon(session.list_tools()).await.expect_err("endless");
        assert_eq!(error.kind(), &ErrorKind::Transport, "{error:?}");
        assert!(error.to_string().contains(words), "{error}");
        let asked = meddler.seen();
        let listed = asked
            .iter()
            .filter(|seen| seen.header("mcp-method") == Some("tools/list"));
        assert_eq!(listed.count(), *most);
    }
}

#[tokio::test]
async fn a_list_of_a_few_pages() {
    let meddler = listing(|page| match page {
        5 => Value::Null,
        page => json!(page.to_string()),
    })
    .await;
    let client = Client::new(meddler.url()).era(Era::Modern).bearer("alice");
    let session = soon(client.connect()).await.expect("obliged");
    let tools = soon(session.list_tools()).await.expect("listed");
    assert_eq!(tools.len(), 5);
}

/// `retry: 0`, nothing, and the end of the stream, again and again; with one id, and with many.
#[tokio::test]
async fn a_stream_that_is_to_be_taken_up_again_for_ever() {
    let patterns: [fn(usize) -> usize; 2] = [|_| 1, |count| count];
    let given_up = patterns.map(|id| {
        tokio::spawn(async move {
            let site = Site::plain(MOUNTS[0]).await;
            let meddler = Meddler::new(site.address, move |count, seen| {
                if !seen.calls("a") && seen.method() == "POST" {
                    return obliging(seen, &[]);
                }
                let event = format!("id: {}\nretry: 0\ndata: \n\n", id(count));
                answer("200 OK", &[], "text/event-stream", &event)
            })
            .await;
            let client = Client::new(meddler.url()).era(Era::Modern).bearer("alice");
            let session = soon(client.connect()).await.expect("obliged");
            let error = soon(session.call_tool("a", json!({}))).await;
            let error = error.expect_err("no answer");
            assert_eq!(error.kind(), &ErrorKind::Transport, "{error:?}");
            assert_eq!(meddler.calls("a"), 1);
            meddler
                .seen()
                .iter()
                .filter(|seen| seen.method() == "GET")
                .count()
        })
    });
    for asked in given_up {
        // The first one at once, and five after a pause.
        assert_eq!(soon(asked).await.expect("no panic"), 6);
    }
}
