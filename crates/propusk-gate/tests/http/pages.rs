//! Answers that are not of the protocol.

use http::Method;
use propusk::{
    AuthSettings, ScopePolicy,
    rules::{Rule, RuleTable},
};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{
    gate::{ALICE, BOB, Gate, error_of, list, ping, settings},
    upstream::{Upstream, json, socket, whole},
};

fn policy(auth: AuthSettings) -> AuthSettings {
    auth.policy(
        ScopePolicy::default()
            .tool("write_*", "write")
            .expect("scopes"),
    )
}

/// It would run on the gate's origin, in the browser of whoever is lured there.
#[tokio::test]
async fn no_page_of_an_upstream_reaches_a_client() {
    const PAGE: &str = "<script>alert(1)</script>";
    for (status, content_type, expected, passes) in [
        (200, "text/html", 502, false),
        (200, "Text/HTML; charset=utf-8", 502, false),
        (200, "image/svg+xml", 502, false),
        (200, "application/xhtml+xml", 502, false),
        (404, "text/html", 404, false),
        (405, "text/html", 405, false),
        (500, "text/html", 500, false),
        (202, "text/html", 202, false),
        (404, "text/plain", 404, true),
        (200, "application/json", 200, true),
    ] {
        let upstream = Upstream::new(move |_| whole(status, content_type, PAGE)).await;
        let gate = Gate::before(&upstream.url).await;
        for sent in [
            gate.get(),
            gate.post(&json!({"jsonrpc": "2.0", "method": "notifications/x"})),
        ] {
            let answer = sent.send().await.expect("an answer");
            assert_eq!(answer.status(), expected, "{status} {content_type}");
            if passes {
                assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
                let policy = &answer.headers()["content-security-policy"];
                assert_eq!(policy, "default-src 'none'; sandbox");
            }
            let text = answer.text().await.expect("text");
            assert_eq!(text == PAGE, passes, "{status} {content_type}: {text}");
        }
    }
}

#[tokio::test]
async fn a_status_that_http_does_not_have_is_a_failure() {
    for status in [600, 999] {
        let url = socket(move |mut stream| async move {
            let _ = stream.read(&mut [0; 4096]).await;
            let head =
                format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            let _ = stream.write_all(head.as_bytes()).await;
        })
        .await;
        let gate = Gate::before(&url).await;
        assert_eq!(error_of(gate.call(&ping()).await).await.0, 502, "{status}");
    }
}

/// A list in a place where the protocol has none.
#[tokio::test]
async fn what_is_hidden_is_in_no_answer_that_may_be_a_list() {
    let tools = r#"{"tools":[{"name":"write_secret"}]}"#;
    let result = format!(r#"{{"jsonrpc":"2.0","id":"list-1","result":{tools}}}"#);
    let error = format!(
        r#"{{"jsonrpc":"2.0","id":"list-1","error":{{"code":1,"message":"x","data":{tools}}}}}"#
    );
    for (method, status, content_type, body) in [
        (Method::POST, 500, "text/plain", &result),
        (Method::POST, 200, "text/plain", &result),
        (Method::POST, 500, "application/json", &result),
        (Method::POST, 200, "application/json", &error),
        (Method::POST, 500, "application/json", &error),
        (Method::GET, 200, "application/json", &result),
        (Method::GET, 400, "text/plain", &result),
    ] {
        let answer = body.clone();
        let upstream = Upstream::new(move |_| whole(status, content_type, answer.clone())).await;
        let gate = Gate::with(&upstream.url, settings(), policy).await;
        let sent = gate
            .client
            .request(method.clone(), gate.url())
            .bearer_auth(BOB);
        let sent = match method {
            Method::POST => sent
                .header("content-type", "application/json")
                .body(list("tools").to_string()),
            _ => sent.header("accept", "text/event-stream"),
        };
        let answer = sent.send().await.expect("an answer");
        let text = answer.text().await.expect("text");
        assert!(
            !text.contains("write_secret"),
            "{method} {status} {content_type}: {text}"
        );
    }
}

/// A page of another origin may send these without asking first.
#[tokio::test]
async fn a_message_says_that_it_is_json_whatever_rules_there_are() {
    let upstream = Upstream::new(|_| json(r#"{"jsonrpc":"2.0","id":7,"result":{}}"#)).await;
    for rules in [false, true] {
        let gate = Gate::behind(
            &upstream.url,
            settings(),
            |auth| auth,
            |layer| match rules {
                true => layer.rules(RuleTable::new().tool("shell", Rule::new().denied())),
                false => layer,
            },
        )
        .await;
        for content_type in [
            None,
            Some("text/plain"),
            Some("application/x-www-form-urlencoded"),
        ] {
            let post = gate.client.post(gate.url()).bearer_auth(ALICE);
            let post = content_type
                .into_iter()
                .fold(post, |post, value| post.header("content-type", value));
            let answer = post
                .body(ping().to_string())
                .send()
                .await
                .expect("an answer");
            assert_eq!(answer.status(), 415, "{content_type:?} {rules}");
        }
    }
    assert!(upstream.arrived().is_empty());
}

#[tokio::test]
async fn the_paths_of_metadata_are_no_endpoint() {
    let upstream = Upstream::new(|_| json("{}")).await;
    let gate = Gate::before(&upstream.url).await;
    for path in ["", "/mcp", "/anything", "/mcp/x"] {
        let url = format!(
            "http://{}/.well-known/oauth-protected-resource{path}",
            gate.address
        );
        let post = gate.client.post(url).bearer_auth(ALICE);
        let post = post.header("content-type", "application/json");
        let answer = post
            .body(ping().to_string())
            .send()
            .await
            .expect("an answer");
        assert!(
            [404, 405].contains(&answer.status().as_u16()),
            "{path}: {}",
            answer.status()
        );
    }
    assert!(upstream.arrived().is_empty());
}

/// Clients look for the answer to their request.
#[tokio::test]
async fn a_refusal_for_its_scopes_names_the_request() {
    let upstream = Upstream::new(|_| json("{}")).await;
    let gate = Gate::with(&upstream.url, settings(), policy).await;
    let call =
        json!({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": "write_a"}});
    let post = gate.client.post(gate.url()).bearer_auth(BOB);
    let post = post.header("content-type", "application/json");
    let answer = post.body(call.to_string()).send().await.expect("an answer");
    let (status, said): (_, Value) = error_of(answer).await;
    assert_eq!((status, &said["id"]), (403, &json!(7)), "{said}");
}
