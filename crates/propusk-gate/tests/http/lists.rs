//! Lists show what their caller may use.

use propusk::{
    AccessToken, AuthLayer, AuthSettings, ScopePolicy, Target, TargetKind,
    metrics::Metrics,
    rules::{Asked, Rules, Verdict},
};
use propusk_gate::http::HttpLimits;
use serde_json::{Value, json};

use crate::{
    gate::{ALICE, BOB, Gate, error_of, list, ping, settings},
    upstream::{Upstream, json, whole},
};

/// Alice may write, Bob may only read.
fn policy(auth: AuthSettings) -> AuthSettings {
    let policy = ScopePolicy::default()
        .tool("write_*", "write")
        .and_then(|policy| policy.prompt("edit", "write"))
        .and_then(|policy| policy.resource("secret://*", "write"));
    auth.policy(policy.expect("scopes"))
}

async fn asked(gate: &Gate, token: &str, message: &Value, version: &str) -> String {
    let post = gate.client.post(gate.url()).bearer_auth(token);
    let post = post.header("content-type", "application/json");
    let post = post
        .header("mcp-protocol-version", version)
        .body(message.to_string());
    post.send()
        .await
        .expect("an answer")
        .text()
        .await
        .expect("text")
}

/// Every kind of list, with spaces and members that nobody knows, which stay as they are.
#[tokio::test]
async fn a_list_loses_what_its_caller_may_not_use_and_nothing_else() {
    #[rustfmt::skip]
    let table = [
        ("tools", r#"{"tools":[{"name":"read","x": 1.0},{ "name":"write_a" }, {"name" : "say" }],"nextCursor":"c" }"#,
         r#"{"tools":[{"name":"read","x": 1.0},{"name" : "say" }],"nextCursor":"c"}"#),
        ("prompts", r#"{"prompts":[{"name":"edit"},{"name":"look","title":"é\u00e9"}]}"#,
         r#"{"prompts":[{"name":"look","title":"é\u00e9"}]}"#),
        ("resources", r#"{"resources":[{"uri":"file:///a","name":"write_a"},{"uri":"secret://x"}],"_meta":{"a":{"tools":[{"name":"write_a"}]}}}"#,
         r#"{"resources":[{"uri":"file:///a","name":"write_a"}],"_meta":{"a":{"tools":[{"name":"write_a"}]}}}"#),
        ("resources/templates", r#"{"resourceTemplates":[{"uriTemplate":"secret://{id}"},{"uriTemplate":"file:///{id}"}]}"#,
         r#"{"resourceTemplates":[{"uriTemplate":"file:///{id}"}]}"#),
        ("skills", r#"{"skills":[{"uri":"secret://x"},{"uri":"skill://y"}]}"#,
         r#"{"skills":[{"uri":"skill://y"}]}"#),
        // Escapes hide nothing, and what nobody can name is shown to nobody.
        ("tools", r#"{"tools":[{"n\u0061me":"\u0077rite_a"},{"title":"?"},5,{"name":["read"]},{"name":"read","name":"write_a"},{"name":"read"}]}"#,
         r#"{"tools":[{"name":"read"}]}"#),
        ("tools", r#"{"tools":[]}"#, r#"{"tools":[]}"#),
    ];
    for (what, result, expected) in table {
        let message =
            move |result: &str| format!(r#"{{"jsonrpc": "2.0","id":"list-1","result":{result}}}"#);
        let body = message(result);
        let same = body.clone();
        let upstream = Upstream::new(move |_| json(&body)).await;
        let gate = Gate::with(&upstream.url, settings(), policy).await;
        let bobs = asked(&gate, BOB, &list(what), "2025-11-25").await;
        assert_eq!(
            bobs,
            message(expected).replace("\"jsonrpc\": ", "\"jsonrpc\":")
        );
        // For Alice everything that has a name.
        let names = |text: &str| text.matches("rite_a").count() + text.matches("secret").count();
        let alices = asked(&gate, ALICE, &list(what), "2025-11-25").await;
        if !result.contains("5,") {
            assert_eq!(names(&alices), names(result), "{alices}");
        }
        // Without a policy nothing is touched.
        let open = Gate::before(&upstream.url).await;
        assert_eq!(asked(&open, BOB, &list(what), "2026-07-28").await, same);
    }
}

/// Otherwise a cache would show Alice's list to Bob.
#[tokio::test]
async fn a_list_that_depends_on_its_caller_is_private() {
    for (version, result, expected) in [
        (
            "2026-07-28",
            r#"{"tools":[],"ttlMs":5}"#,
            r#"{"tools":[],"ttlMs":5,"cacheScope":"private"}"#,
        ),
        (
            "2026-07-28",
            r#"{"cacheScope":"public","tools":[]}"#,
            r#"{"cacheScope":"private","tools":[]}"#,
        ),
        (
            "2025-11-25",
            r#"{"cacheScope":"public","tools":[]}"#,
            r#"{"cacheScope":"private","tools":[]}"#,
        ),
        ("2025-11-25", r#"{"tools":[]}"#, r#"{"tools":[]}"#),
    ] {
        let body = format!(r#"{{"jsonrpc":"2.0","id":"list-1","result":{result}}}"#);
        let upstream = Upstream::new(move |_| json(&body)).await;
        let gate = Gate::with(&upstream.url, settings(), policy).await;
        let text = asked(&gate, ALICE, &list("tools"), version).await;
        assert!(text.ends_with(&format!("{expected}}}")), "{text}");
    }
}

#[tokio::test]
async fn where_everything_is_shown_it_says_what_is_missing() {
    let body = r#"{"jsonrpc":"2.0","id":"list-1","result":{"tools":[{"name":"write_a","_meta":{"a":1}},{"name":"read"}]}}"#;
    let upstream = Upstream::new(move |_| json(body)).await;
    let gate = Gate::with(&upstream.url, settings(), |auth| {
        policy(auth).show_all(true)
    })
    .await;
    let text = asked(&gate, BOB, &list("tools"), "2025-11-25").await;
    let said: Value = serde_json::from_str(&text).expect("JSON");
    let meta = &said["result"]["tools"][0]["_meta"];
    assert_eq!(
        *meta,
        json!({"a": 1, "propusk/scopes": ["write"], "propusk/missing-scopes": ["write"]})
    );
    assert_eq!(said["result"]["tools"][1], json!({"name": "read"}));
}

/// On the stream of a request, and on one that a GET resumes: there a list may come too.
#[tokio::test]
async fn a_list_in_a_stream_is_cut_down_in_its_event_only() {
    let list_event = r#"{"jsonrpc":"2.0","id":"list-1","result":{"tools":[{"name":"write_a"},{"name":"read"}]}}"#;
    let around = "\u{feff}id: 1\r\ndata: \r\n\r\n: ping\n\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{\"data\":{\"tools\":[{\"name\":\"write_a\"}]}}}\n\n";
    let events = format!(
        "{around}event: message\nid: 2\nretry: 5\ndata: {{\ndata:{}\n\n",
        &list_event[1..]
    );
    let expected = format!(
        "{around}event: message\nid: 2\nretry: 5\ndata: {}\n\n",
        list_event.replace(r#"{"name":"write_a"},"#, "")
    );
    let upstream =
        Upstream::new(move |_| whole(200, "text/event-stream; charset=utf-8", events.clone()))
            .await;
    let gate = Gate::with(&upstream.url, settings(), policy).await;
    let bobs = asked(&gate, BOB, &list("tools"), "2025-11-25").await;
    assert_eq!(bobs, expected);
    let get = gate
        .client
        .get(gate.url())
        .bearer_auth(BOB)
        .header("last-event-id", "1");
    let text = get.send().await.expect("an answer").text().await;
    assert_eq!(text.expect("text"), expected);
    // Any other request's stream is not looked at.
    assert!(
        asked(&gate, BOB, &ping(), "2025-11-25")
            .await
            .contains("id: 2\nretry: 5\ndata: {\n")
    );
}

/// What cannot be read cannot be cut down, and is not shown.
#[tokio::test]
async fn a_list_that_cannot_be_read_or_is_too_long_is_not_shown() {
    let long = format!(
        r#"{{"jsonrpc":"2.0","id":"list-1","result":{{"tools":[{{"name":"write_a","x":"{}"}}]}}}}"#,
        "x".repeat(5000)
    );
    let of = |text: &str| format!("data: {text}\n\n");
    let twice = r#"{"jsonrpc":"2.0","id":"list-1","result":{"tools":[]},"result":{"tools":[{"name":"write_a"}]}}"#;
    let lists =
        r#"{"jsonrpc":"2.0","id":"list-1","result":{"tools":[],"tools":[{"name":"write_a"}]}}"#;
    let nan = r#"{"jsonrpc":"2.0","id":"list-1","result":{"tools":[{"name":"write_a","x":NaN}]}}"#;
    let batch = r#"[{"jsonrpc":"2.0","id":"list-1","result":{"tools":[{"name":"write_a"}]}}]"#;
    let object = r#"{"jsonrpc":"2.0","id":"list-1","result":{"tools":{"a":{"name":"write_a"}}}}"#;
    for text in [twice, lists, nan, batch, object, &long] {
        for (content_type, body) in [
            ("application/json", text.to_owned()),
            ("text/event-stream", of(text)),
        ] {
            let upstream = Upstream::new(move |_| whole(200, content_type, body.clone())).await;
            let limits = HttpLimits::default().most_list_bytes(4000);
            let gate = Gate::with(&upstream.url, settings().limits(limits), policy).await;
            let answer = asked(&gate, BOB, &list("tools"), "2025-11-25").await;
            assert!(!answer.contains("write_a"), "{content_type}: {answer}");
            let said = answer.trim_start_matches("event: message\ndata: ").trim();
            let said: Value = serde_json::from_str(said).expect("JSON");
            assert_eq!(said["error"]["code"], -32603, "{content_type}: {said}");
            assert_eq!(said["id"], "list-1");
            if content_type == "text/event-stream" {
                let get = gate.client.get(gate.url()).bearer_auth(BOB).send().await;
                assert!(get.expect("an answer").text().await.is_err(), "{text}");
            }
        }
    }
    for (content_type, encoding) in [
        ("text/plain", None),
        ("application/json", Some("gzip")),
        ("text/event-stream", Some("br")),
    ] {
        let upstream = Upstream::new(move |_| {
            let mut answer = whole(
                200,
                content_type,
                r#"{"result":{"tools":[{"name":"write_a"}]}}"#,
            );
            if let Some(encoding) = encoding {
                answer
                    .headers_mut()
                    .insert("content-encoding", encoding.parse().unwrap());
            }
            answer
        })
        .await;
        let gate = Gate::with(&upstream.url, settings(), policy).await;
        let (status, said) = error_of(gate.call(&list("tools")).await).await;
        assert_eq!(
            (status, &said["id"]),
            (502, &json!("list-1")),
            "{content_type}"
        );
    }
}

/// Errors and pages of errors are no lists.
#[tokio::test]
async fn an_error_in_the_place_of_a_list_goes_through() {
    for (status, content_type, body) in [
        (
            200,
            "application/json",
            r#"{"jsonrpc":"2.0","id":"list-1","error":{"code":-32601,"message":"no"}}"#,
        ),
        (
            400,
            "application/json",
            r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"no"}}"#,
        ),
        (
            200,
            "text/event-stream",
            "data: {\"jsonrpc\":\"2.0\",\"id\":\"list-1\",\"error\":{}}\n\n",
        ),
    ] {
        let upstream = Upstream::new(move |_| whole(status, content_type, body)).await;
        let gate = Gate::with(&upstream.url, settings(), policy).await;
        let answer = gate.call(&list("tools")).await;
        assert_eq!(answer.status(), status);
        assert_eq!(answer.text().await.expect("text"), body);
    }
    // A text might hold the list; what the client goes by is the status.
    let upstream = Upstream::new(|_| whole(404, "text/plain", "Session not found")).await;
    let gate = Gate::with(&upstream.url, settings(), policy).await;
    let (status, said) = error_of(gate.call(&list("tools")).await).await;
    assert_eq!((status, &said["id"]), (404, &json!("list-1")));
}

struct NoSay;

impl Rules for NoSay {
    fn judge(&self, _: &Asked<'_>) -> Verdict {
        Verdict::allow()
    }

    fn shows(&self, target: &Target, caller: Option<&AccessToken>) -> bool {
        target.kind() != TargetKind::Tool
            || target.name() != "say"
            || caller.is_some_and(|caller| caller.subject() == "alice")
    }
}

#[tokio::test]
async fn what_a_rule_hides_is_hidden_too() {
    let body =
        r#"{"jsonrpc":"2.0","id":"list-1","result":{"tools":[{"name":"say"},{"name":"read"}]}}"#;
    let upstream = Upstream::new(move |_| json(body)).await;
    let gate = Gate::behind(
        &upstream.url,
        settings(),
        |auth| auth.show_all(true),
        |layer| layer.rules(NoSay),
    )
    .await;
    assert_eq!(
        asked(&gate, ALICE, &list("tools"), "2025-11-25").await,
        body
    );
    let bobs = asked(&gate, BOB, &list("tools"), "2025-11-25").await;
    assert_eq!(bobs, body.replace(r#"{"name":"say"},"#, ""));
}

/// Where a list is only looked at, for the names of tools, it keeps its bytes, whatever they are.
#[tokio::test]
async fn a_list_that_is_everybodys_keeps_its_bytes_also_where_its_names_are_counted() {
    let long = "x".repeat(9000);
    for (content_type, body) in [
        (
            "application/json",
            r#"{"id": "list-1" ,"result":{"tools":[{"name":"say" }]}}"#.to_owned(),
        ),
        ("application/json", "{ no JSON".to_owned()),
        (
            "text/event-stream",
            "data: {\"id\": \"list-1\" ,\"result\":{\"tools\":[{\"name\":\"say\" }]}}\n\n"
                .to_owned(),
        ),
        (
            "text/event-stream",
            "data: {NaN\n\ndata: rest".replace("rest", "{}\n\n"),
        ),
        (
            "text/event-stream",
            format!("data: {long}\n\nid: 1\ndata: {{}}\n\n"),
        ),
    ] {
        let same = body.clone();
        let upstream = Upstream::new(move |_| whole(200, content_type, body.clone())).await;
        let limits = HttpLimits::default().most_list_bytes(4000);
        let counted = |layer: AuthLayer| layer.upstream("notes").metrics(&Metrics::new());
        let gate = Gate::behind(
            &upstream.url,
            settings().limits(limits),
            |auth| auth,
            counted,
        )
        .await;
        let text = asked(&gate, ALICE, &list("tools"), "2026-07-28").await;
        assert_eq!(text, same);
    }
}

/// A subscription to what is above may tell of what is below (MCP, resources: the URI "might be a
/// sub-resource"), and a GET stream of anything.
#[tokio::test]
async fn a_change_of_what_its_caller_may_not_read_is_not_told() {
    let event = |id: u32, uri: &str| {
        format!(
            "event: message\nid: {id}\ndata: {{\"jsonrpc\":\"2.0\",\"method\":\"notifications/resources/updated\",\"params\":{{\"uri\":\"{uri}\"}}}}\n\n"
        )
    };
    let stream = event(1, "file:///a") + &event(2, "secret:\\/\\/x") + &event(3, "file:///b");
    let same = stream.clone();
    let upstream = Upstream::new(move |_| whole(200, "text/event-stream", stream.clone())).await;
    let gate = Gate::with(&upstream.url, settings(), policy).await;
    let listen = json!({"jsonrpc": "2.0", "id": "list-1", "method": "subscriptions/listen",
        "params": {"notifications": {"resourceSubscriptions": ["file:///"]}}});
    let got = async |token: &str| {
        let get = gate.client.get(gate.url()).bearer_auth(token);
        let get = get.send().await.expect("an answer");
        get.text().await.expect("text")
    };
    for text in [
        asked(&gate, BOB, &listen, "2026-07-28").await,
        got(BOB).await,
    ] {
        assert_eq!(
            text,
            event(1, "file:///a") + "event: message\nid: 2\n\n" + &event(3, "file:///b")
        );
    }
    assert_eq!(asked(&gate, ALICE, &listen, "2026-07-28").await, same);
    assert_eq!(got(ALICE).await, same);
}
