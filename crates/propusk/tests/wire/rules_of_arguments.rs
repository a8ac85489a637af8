//! Rules that look at arguments, and messages that try to show them something else than the tool gets.

use std::sync::{Arc, Mutex};

use propusk::rules::{Asked, Rules, Verdict};
use serde_json::Value;

use crate::support::{Front, Request, Scoped, Speech, with};

/// Allows what has no `secret` in its arguments, and remembers what it was shown.
#[derive(Clone, Default)]
struct NoSecrets(Arc<Mutex<Vec<String>>>);

impl Rules for NoSecrets {
    fn judge(&self, asked: &Asked<'_>) -> Verdict {
        let shown = asked.arguments.map_or("none", |json| json.get());
        self.0
            .lock()
            .unwrap()
            .push(format!("{} {shown}", asked.operation));
        let has_secret = asked.arguments.is_some_and(|json| {
            let parsed: Value = serde_json::from_str(json.get()).expect("JSON");
            parsed.get("secret").is_some()
        });
        match has_secret {
            true => Verdict::deny("a secret"),
            false => Verdict::allow(),
        }
    }

    fn reads_arguments(&self) -> bool {
        true
    }
}

impl NoSecrets {
    fn shown(&self) -> Option<String> {
        std::mem::take(&mut *self.0.lock().unwrap()).pop()
    }
}

const META: &str = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"test","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}"#;

fn post(speech: Speech, session: Option<&str>, content_type: &str, body: &str) -> Request {
    let request = Request::new("POST /mcp")
        .header("Content-Type", content_type)
        .header("Accept", "application/json, text/event-stream")
        .body(body);
    let request = match speech {
        Speech::Modern => request
            .header("MCP-Protocol-Version", "2026-07-28")
            .header("Mcp-Method", "tools/call")
            .header("Mcp-Name", "plain"),
        _ => request.header("MCP-Protocol-Version", "2025-11-25"),
    };
    match session {
        Some(session) => request.header("Mcp-Session-Id", session),
        None => request,
    }
}

/// A call with these members of `params` beside the name.
fn body(speech: Speech, members: &str) -> String {
    let meta = match speech {
        Speech::Modern => format!(",{META}"),
        _ => String::new(),
    };
    let members = match members {
        "" => String::new(),
        members => format!(",{members}"),
    };
    format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"plain"{members}{meta}}}}}"#
    )
}

#[tokio::test]
async fn what_a_rule_sees_is_what_the_tool_gets_or_nobody_gets_it() {
    #[rustfmt::skip]
    let table = [
        // What comes beside the name, the status, what the rule was shown.
        ("", 200, Some("none")),
        (r#""arguments":null"#, 200, Some("none")),
        (r#""arguments":{}"#, 200, Some("{}")),
        (r#""arguments": {"a": [1, {"b": null}]} "#, 200, Some(r#"{"a": [1, {"b": null}]}"#)),
        (r#""arguments":{"secret":1}"#, 403, Some(r#"{"secret":1}"#)),
        (r#""arguments":{"\u0073ecret":1}"#, 403, Some(r#"{"\u0073ecret":1}"#)),
        (r#""\u0061rguments":{"secret":1}"#, 403, Some(r#"{"secret":1}"#)),
        // Twice, in whatever order and spelling, at whatever depth.
        (r#""arguments":{},"arguments":{"secret":1}"#, 400, None),
        (r#""arguments":{"secret":1},"arguments":{}"#, 400, None),
        (r#""arguments":{},"\u0061rguments":{"secret":1}"#, 400, None),
        (r#""arguments":{"a":1,"a":2}"#, 400, None),
        (r#""arguments":{"a":1,"\u0061":2}"#, 400, None),
        (r#""arguments":{"x":[{"deep":{"a":1,"b":2,"a":3}}]}"#, 400, None),
        (r#""arguments":{"path":1,"Path":2}"#, 400, None),
        (r#""arguments":{},"Arguments":{"secret":1}"#, 400, None),
        (r#""arguments":{},"argument\u017f":{"secret":1}"#, 400, None),
        // What is no object.
        (r#""arguments":[]"#, 400, None),
        (r#""arguments":[{"secret":1}]"#, 400, None),
        (r#""arguments":"{\"secret\":1}""#, 400, None),
        (r#""arguments":5"#, 400, None),
        // What one parser takes and another does not.
        (r#""arguments":{"a":1e999}"#, 400, None),
        (r#""arguments":{"a":NaN}"#, 400, None),
        (r#""arguments":{"a":1,}"#, 400, None),
        (r#""arguments":{"a":1}/**/"#, 400, None),
        (r#""arguments":{"a":"\ud800"}"#, 400, None),
    ];
    for front in [Front::Server, Front::Guarded, Front::Layer] {
        let rules = NoSecrets::default();
        let (site, _) = Scoped::ruled(front, rules.clone()).await;
        for speech in front.speeches() {
            let session = match speech {
                Speech::Modern => None,
                _ => Some(site.open(Some("ok")).await.expect("a session")),
            };
            rules.shown();
            for (members, status, shown) in table {
                let case = format!("{front:?} {speech:?} {members}");
                let body = body(*speech, members);
                let request = post(*speech, session.as_deref(), "application/json", &body);
                let reply = site.send(with(request, Some("ok"))).await;
                assert_eq!(reply.status, status, "{case}: {reply:?}");
                let expected = shown.map(|shown| format!("tools/call:plain {shown}"));
                assert_eq!(rules.shown(), expected, "{case}");
                let reached = site.library.reached();
                assert_eq!(reached.is_empty(), status != 200, "{case}: {reached:?}");
            }
        }
    }
}

/// An upstream may take for JSON what does not call itself so.
#[tokio::test]
async fn every_body_is_read_whatever_it_says_of_its_type() {
    let rules = NoSecrets::default();
    let (site, watch) = Scoped::ruled(Front::Server, rules.clone()).await;
    let secret = body(Speech::Modern, r#""arguments":{"secret":1}"#);
    let batch = format!("[{secret}]");
    #[rustfmt::skip]
    let table = [
        ("application/json", &*secret, 403, "rule"),
        ("text/plain", &*secret, 403, "rule"),
        ("application/x-www-form-urlencoded", &*secret, 403, "rule"),
        ("", &*secret, 403, "rule"),
        ("application/json", &*batch, 400, "unclear_message"),
        ("text/plain", &*batch, 400, "unclear_message"),
        ("application/json", "", 400, "unclear_message"),
        ("multipart/form-data; boundary=x", "--x\r\n\r\n--x--", 400, "unclear_message"),
        ("application/json", "\u{feff}{}", 400, "unclear_message"),
    ];
    for (content_type, body, status, reason) in table {
        for line in [
            "POST /mcp",
            "PUT /mcp",
            "PATCH /mcp",
            "GET /mcp",
            "DELETE /mcp",
        ] {
            if body.is_empty() && ["GET /mcp", "DELETE /mcp"].contains(&line) {
                continue;
            }
            let case = format!("{line} {content_type:?} {body:?}");
            let request = post(Speech::Modern, None, content_type, body).line(line);
            let reply = site.send(with(request, Some("ok"))).await;
            assert_eq!(reply.status, status, "{case}: {reply:?}");
            assert_eq!(watch.only().reason, reason, "{case}");
            assert_eq!(site.library.reached(), [""; 0], "{case}");
        }
    }
}

/// What is no message that asks for something is judged too.
#[tokio::test]
async fn streams_answers_and_ends_of_sessions_are_judged() {
    let rules = NoSecrets::default();
    let (site, _) = Scoped::ruled(Front::Server, rules.clone()).await;
    let session = site.open(Some("ok")).await.expect("a session");
    let of_session = |line: &str| {
        let request = Request::new(line)
            .header("Accept", "application/json, text/event-stream")
            .header("Content-Type", "application/json")
            .header("MCP-Protocol-Version", "2025-11-25")
            .header("Mcp-Session-Id", &session);
        with(request, Some("ok"))
    };
    rules.shown();
    let answer = r#"{"jsonrpc":"2.0","id":9,"result":{}}"#;
    let reply = site.send(of_session("POST /mcp").body(answer)).await;
    assert_eq!(reply.status, 202, "{reply:?}");
    assert_eq!(rules.shown().as_deref(), Some("request none"));
    let reply = site.send(of_session("DELETE /mcp")).await;
    assert!(reply.status < 300, "{reply:?}");
    assert_eq!(rules.shown().as_deref(), Some("request none"));
}
