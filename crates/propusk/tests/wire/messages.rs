//! Messages that two parsers might understand differently (CVE-2026-27896 and its kin): none of
//! them gets past the check to another tool than was decided about.

use propusk::{AuthSettings, ScopePolicy};
use serde_json::json;

use crate::support::{Front, Request, Scoped, call};

fn settings(settings: AuthSettings) -> AuthSettings {
    let policy = ScopePolicy::new()
        .tool("add", "notes:write")
        .and_then(|p| p.resource("mem:///*", "secret"))
        .and_then(|p| p.prompt("review", "code"));
    settings.policy(policy.expect("scopes"))
}

const META: &str = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"t","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}"#;

/// The attack's own bytes, sent as a 2026-07-28 request that names `plain`, as one that names
/// `add`, and as an older one inside a session.
async fn forms(site: &Scoped, body: &str) -> Vec<Request> {
    let modern = |name: &str| call(name).body(body.replace("META", META)).bearer("ok");
    let session = site.open(Some("ok")).await.expect("a session");
    let older = body.replace(",META", "").replace("META", "");
    let older = crate::support::legacy(&session, "plain")
        .body(older)
        .bearer("ok");
    vec![modern("plain"), modern("add"), older]
}

#[tokio::test]
async fn no_message_reaches_a_tool_that_was_not_decided_about() {
    #[rustfmt::skip]
    let attacks = [
        ("two names",             r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"plain","name":"add",META}}"#),
        ("two names, turned",     r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"add","name":"plain",META}}"#),
        ("an escaped twin",       r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"plain","\u006eame":"add",META}}"#),
        ("an escaped name only",  r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"\u006eame":"add",META}}"#),
        ("an escaped value",      r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"\u0061dd",META}}"#),
        ("two params",            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"plain",META},"params":{"name":"add",META}}"#),
        ("two methods",           r#"{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call","params":{"name":"add",META}}"#),
        ("two methods, turned",   r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","method":"ping","params":{"name":"add",META}}"#),
        ("two ids",               r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"tools/call","params":{"name":"add",META}}"#),
        ("a name in capitals",    r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"Name":"add",META}}"#),
        ("params in capitals",    r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","Params":{"name":"add",META}}"#),
        ("a method in capitals",  r#"{"jsonrpc":"2.0","id":1,"METHOD":"tools/call","params":{"name":"add",META}}"#),
        ("a NUL behind the key",  r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name\u0000":"add",META}}"#),
        ("a NUL in the name",     r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"add\u0000",META}}"#),
        ("a long s",              "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"paramſ\":{\"name\":\"add\",META}}"),
        ("a batch of one",        r#"[{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"add",META}}]"#),
        ("a batch of two",        r#"[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"add",META}}]"#),
        ("params as a list",      r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":["add",{}]}"#),
        ("a message as a list",   r#"["2.0",1,"tools/call",{"name":"add"}]"#),
        ("a name as a list",      r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":["add"],META}}"#),
        ("an answer and a call",  r#"{"jsonrpc":"2.0","id":1,"result":{},"method":"tools/call","params":{"name":"add",META}}"#),
        ("a call without an id",  r#"{"jsonrpc":"2.0","method":"tools/call","params":{"name":"add",META}}"#),
        ("two messages",          r#"{"jsonrpc":"2.0","id":1,"method":"ping"}{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"add",META}}"#),
        ("a byte order mark",     "\u{feff}{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"add\",META}}"),
        ("wrong arguments",       r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"add","arguments":5,META}}"#),
        ("blanks around it",      r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":" add ",META}}"#),
        ("a reference as a list", r#"{"jsonrpc":"2.0","id":1,"method":"completion/complete","params":{"ref":["ref/prompt","review"],"argument":{"name":"a","value":""},META}}"#),
        ("two references",        r#"{"jsonrpc":"2.0","id":1,"method":"completion/complete","params":{"ref":{"type":"ref/prompt","name":"greet","name":"review"},"argument":{"name":"a","value":""},META}}"#),
        ("a filter as a list",    r#"{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{"notifications":[null,null,null,["mem:///secret"]],META}}"#),
        ("two filters",           r#"{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{"notifications":{"resourceSubscriptions":[],"resourceSubscriptions":["mem:///secret"]},META}}"#),
    ];
    for front in [Front::Server, Front::Guarded, Front::Layer] {
        let site = Scoped::start(front, settings).await;
        for (attack, body) in attacks {
            for request in forms(&site, body).await {
                let reply = site.send(request).await;
                let reached = site.library.reached();
                assert_eq!(reached, [""; 0], "{front:?} {attack}: {reply:?}");
                let fine = reply.status == 200 && reply.json().get("error").is_none();
                assert!(!fine, "{front:?} {attack}: {reply:?}");
            }
        }
    }
}

/// A header that names another tool than the body opens nothing: the body is decided about, and
/// rmcp refuses the contradiction.
#[tokio::test]
async fn a_header_that_contradicts_the_body_opens_nothing() {
    for front in [Front::Server, Front::Guarded, Front::Layer] {
        let site = Scoped::start(front, settings).await;
        let add = || call("add").bearer("ok");
        for (request, status) in [
            (add().set("Mcp-Name", "plain"), 403),
            (add().without("Mcp-Name"), 403),
            (add().set("Mcp-Method", "ping"), 403),
            (call("plain").bearer("ok").set("Mcp-Name", "add"), 400),
            (
                call("add")
                    .bearer("ok~notes.write")
                    .set("Mcp-Name", "plain"),
                400,
            ),
            (add().set("Content-Type", "text/plain"), 415),
            (add().header("Content-Type", "text/plain"), 403),
            (add().without("Content-Type"), 403),
            (add().set("Content-Type", "APPLICATION/JSON;x=y"), 403),
            (add().set("Content-Encoding", "gzip"), 403),
        ] {
            let reply = site.send(request).await;
            assert_eq!(reply.status, status, "{front:?}: {reply:?}");
            assert_eq!(site.library.reached(), [""; 0], "{front:?}: {reply:?}");
        }
    }
}

/// An unclear message is answered with a JSON-RPC error for its id where that is clear.
#[tokio::test]
async fn an_unclear_message_is_answered_with_400() {
    let site = Scoped::start(Front::Server, settings).await;
    let nameless =
        call("plain").body(r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{}}"#);
    let reply = site.send(nameless.bearer("ok")).await;
    assert_eq!(reply.status, 400, "{reply:?}");
    assert_eq!(reply.json()["id"], 7);
    assert_eq!(reply.json()["error"]["code"], -32602);
    let twice = call("plain").body(r#"{"id":1,"id":1,"method":"tools/list"}"#);
    let reply = site.send(twice.bearer("ok")).await;
    assert_eq!(
        (reply.status, reply.header("content-type")),
        (400, Some("text/plain; charset=utf-8"))
    );
    // An anonymous sender learns only that it must sign in.
    let reply = site.send(call("plain").body("[")).await;
    assert_eq!(reply.status, 401, "{reply:?}");
}

/// A body that is longer than it may be is not read to its end, whatever length it announces.
#[tokio::test]
async fn a_long_body_is_413_also_where_it_must_be_decided_about() {
    for front in [Front::Server, Front::Guarded, Front::Layer] {
        let site = Scoped::start(front, settings).await;
        let long = json!({ "name": "add", "arguments": { "text": "x".repeat(4 * 1024 * 1024) } });
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": long });
        let reply = site
            .send(call("add").body(body.to_string()).bearer("ok"))
            .await;
        assert_eq!(reply.status, 413, "{front:?}: {reply:?}");
    }
}
