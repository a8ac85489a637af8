//! One table of decisions: asked of the pure function, and over the wire in both eras and behind
//! every front.

use std::time::SystemTime;

use propusk::{
    Admission::{Optional, Permissive, Required},
    AuthSettings, Challenge, Operation, Presented, Reason, Refusal, Requirement, ScopePolicy,
    Target, TargetKind, decide,
    server::{any_of, scopes},
};
use serde_json::{Value, json};

use crate::support::{Front, Reply, Scoped, Speech, modern, token_of, with};

fn policy() -> ScopePolicy {
    let policy = ScopePolicy::new()
        .tool("admin_*", "admin")
        .and_then(|p| p.tool("shut", Requirement::never()))
        .and_then(|p| p.tool("plain", ""))
        .and_then(|p| p.prompt("greet", ""))
        .and_then(|p| p.resource("file:///private/*", "files"))
        .and_then(|p| p.resource("file:///public/*", ""))
        .and_then(|p| p.method("logging/setLevel", "log"))
        .and_then(|p| p.method("custom/*", "custom"))
        .and_then(|p| p.otherwise("other"));
    policy.expect("scopes")
}

fn settings(settings: AuthSettings) -> AuthSettings {
    settings
        .policy(policy())
        .scope_implies("notes", "notes:read notes:write")
        .and_then(|s| s.scope_implies("root", "*"))
        .expect("scopes")
}

/// What the library declares, for the pure function.
fn declared(target: &Target) -> Option<Requirement> {
    let needs = match (target.kind(), target.name()) {
        (TargetKind::Tool, "add" | "admin_purge") => Requirement::all_of("notes:write"),
        (TargetKind::Tool, "either") => Requirement::any_of(["keeper", "notes:read notes:write"]),
        (TargetKind::Tool, "free") => Requirement::all_of(""),
        (TargetKind::Prompt, "review") => Requirement::all_of("code"),
        (TargetKind::Resource, "mem:///secret") => Requirement::all_of("secret"),
        (TargetKind::Resource, uri) if uri.starts_with("note:///") => {
            Requirement::all_of("notes:read")
        }
        _ => return None,
    };
    Some(needs.expect("scopes"))
}

/// An operation, its parameters on the wire, and whether the handler's declaration matters for it.
type Asked = (Operation, Value, bool);

fn tool(name: &str, declares: bool) -> Asked {
    let params = json!({ "name": name, "arguments": {} });
    (Operation::tool(name), params, declares)
}

fn prompt(name: &str, declares: bool) -> Asked {
    (Operation::prompt(name), json!({ "name": name }), declares)
}

fn resource(method: &str, uri: &str, declares: bool) -> Asked {
    let target = Target::new(TargetKind::Resource, uri);
    (
        Operation::on(method, [target]),
        json!({ "uri": uri }),
        declares,
    )
}

fn completion(kind: &str, name: &str, declares: bool) -> Asked {
    let (target, member) = match kind {
        "ref/prompt" => (TargetKind::Prompt, "name"),
        _ => (TargetKind::Resource, "uri"),
    };
    let operation = Operation::on("completion/complete", [Target::new(target, name)]);
    let params =
        json!({ "ref": { "type": kind, member: name }, "argument": { "name": "a", "value": "" } });
    (operation, params, declares)
}

fn listen(uris: &[&str]) -> Asked {
    let targets = uris
        .iter()
        .map(|uri| Target::new(TargetKind::Resource, *uri));
    let operation = Operation::on("subscriptions/listen", targets);
    let params = json!({ "notifications": { "resourceSubscriptions": uris } });
    (operation, params, false)
}

fn method(method: &str, params: Value) -> Asked {
    (Operation::method(method), params, false)
}

/// Who asks: nobody, somebody with a bad token, or somebody with these scopes.
const NOBODY: Option<&str> = None;
const BAD: Option<&str> = Some("bad");

#[rustfmt::skip]
fn table() -> Vec<(Asked, Option<&'static str>, [&'static str; 3])> {
    let same = |outcome| [outcome; 3];
    let read = |uri, declares| resource("resources/read", uri, declares);
    let level = || method("logging/setLevel", json!({ "level": "info" }));
    vec![
        // asked                             by                          Required Optional       Permissive
        (tool("plain", false),               NOBODY,                     ["401", "ok",           "ok"]),
        (tool("plain", false),               BAD,                        ["401", "401",          "ok"]),
        (tool("plain", false),               Some("ok"),                 same("ok")),
        (tool("free", true),                 Some("ok"),                 same("ok")),
        (tool("add", true),                  NOBODY,                     ["401", "401 notes:write", "401 notes:write"]),
        (tool("add", true),                  BAD,                        ["401", "401",          "401 notes:write"]),
        (tool("add", true),                  Some("ok"),                 same("403 notes:write")),
        (tool("add", true),                  Some("ok~notes.read"),      same("403 notes:write")),
        (tool("add", true),                  Some("ok~Notes.write"),     same("403 notes:write")),
        (tool("add", true),                  Some("ok~notes.write"),     same("ok")),
        (tool("add", true),                  Some("ok~notes"),           same("ok")),
        (tool("add", true),                  Some("ok~root"),            same("ok")),
        (tool("either", true),               NOBODY,                     ["401", "401 keeper",   "401 keeper"]),
        (tool("either", true),               Some("ok~x"),               same("403 keeper")),
        (tool("either", true),               Some("ok~keeper"),          same("ok")),
        (tool("either", true),               Some("ok~notes"),           same("ok")),
        (tool("admin_purge", true),          Some("ok~admin"),           same("403 admin notes:write")),
        (tool("admin_purge", true),          Some("ok~admin~notes.write"), same("ok")),
        (tool("admin_other", false),         Some("ok~other"),           same("403 admin")),
        (tool("shut", false),                Some("ok~root"),            same("403")),
        (tool("shut", false),                NOBODY,                     ["401", "401",          "401"]),
        (tool("unknown", false),             Some("ok"),                 same("403 other")),
        (tool("unknown", false),             Some("ok~other"),           same("ok")),
        (tool("Plain", false),               Some("ok"),                 same("403 other")),
        (tool("plain\0", false),             Some("ok"),                 same("403 other")),
        (prompt("greet", false),             NOBODY,                     ["401", "ok",           "ok"]),
        (prompt("review", true),             NOBODY,                     ["401", "401 code",     "401 code"]),
        (prompt("review", true),             Some("ok"),                 same("403 code")),
        (prompt("review", true),             Some("ok~code"),            same("ok")),
        (read("file:///public/a", false),    NOBODY,                     ["401", "ok",           "ok"]),
        (read("file:///private/a", false),   Some("ok"),                 same("403 files")),
        (read("file:///public/../private/a", false), Some("ok"),         same("403 files")),
        (read("file:///private/a", false),   Some("ok~files"),           same("ok")),
        (read("mem:///secret", true),        Some("ok~other"),           same("403 secret")),
        (read("mem:///secret", true),        Some("ok~secret"),          same("ok")),
        (read("note:///5", true),            Some("ok"),                 same("403 notes:read")),
        (read("note:///5", true),            Some("ok~notes"),           same("ok")),
        (resource("resources/subscribe", "file:///private/a", false), Some("ok"), same("403 files")),
        (resource("resources/subscribe", "file:///private/a", false), Some("ok~files"), same("ok")),
        (completion("ref/prompt", "review", true), Some("ok"),           same("403 code")),
        (completion("ref/prompt", "greet", false), NOBODY,               ["401", "ok",           "ok"]),
        (completion("ref/resource", "note:///{id}", true), Some("ok"),   same("403 notes:read")),
        (completion("ref/resource", "note:///{id}", true), Some("ok~notes.read"), same("ok")),
        (listen(&["file:///public/a", "file:///private/a"]), Some("ok"), same("403 files")),
        (listen(&["file:///public/a", "file:///private/a"]), NOBODY,     ["401", "401 files",    "401 files"]),
        (listen(&[]),                        NOBODY,                     ["401", "ok",           "ok"]),
        (level(),                            Some("ok~other"),           same("403 log")),
        (level(),                            Some("ok~log"),             same("ok")),
        (method("custom/a", json!({})),      NOBODY,                     ["401", "401 custom",   "401 custom"]),
        (method("custom/a", json!({})),      Some("ok~custom"),          same("ok")),
        (method("future/a", json!({})),      Some("ok"),                 same("403 other")),
        (method("tools/list", json!({})),    NOBODY,                     ["401", "ok",           "ok"]),
        (method("ping", json!({})),          Some("ok"),                 same("ok")),
    ]
}

const ADMISSIONS: [propusk::Admission; 3] = [Required, Optional, Permissive];

/// As the layer decides: first by the headers, then by the body.
fn decided(settings: &AuthSettings, asked: &Asked, by: Option<&str>) -> String {
    let presented = match by.map(token_of) {
        None => Presented::Nothing,
        Some(None) => Presented::Rejected,
        Some(Some(token)) => Presented::Verified(token),
    };
    let operation = asked.0.clone().declaring(declared);
    let now = SystemTime::UNIX_EPOCH;
    let two_steps = decide(settings, &Operation::Request, presented.clone(), now)
        .and_then(|permit| permit.allows(settings, &operation));
    let at_once = decide(settings, &operation, presented, now).map(drop);
    let status = |outcome: &Result<(), Refusal>| outcome.as_ref().map_err(Refusal::reason).copied();
    assert_eq!(status(&two_steps), status(&at_once), "{operation}");
    match two_steps {
        Ok(()) => "ok".to_owned(),
        Err(refusal) => {
            let status = match refusal.reason() {
                Reason::NoToken | Reason::InvalidToken(_) => 401,
                _ => 403,
            };
            format!("{status} {}", refusal.needed_scopes())
                .trim_end()
                .to_owned()
        }
    }
}

#[test]
fn the_table_by_the_pure_function() {
    for (asked, by, expected) in table() {
        for (admission, expected) in ADMISSIONS.into_iter().zip(expected) {
            let settings = settings(AuthSettings::new("https://a.example/mcp").expect("a URL"));
            let outcome = decided(&settings.admission(admission), &asked, by);
            assert_eq!(outcome, expected, "{} by {by:?}, {admission}", asked.0);
        }
    }
}

/// What an answer says, the challenge included.
fn outcome(reply: &Reply, case: &str) -> String {
    let challenge = reply
        .header("www-authenticate")
        .and_then(Challenge::parse_bearer);
    if !matches!(reply.status, 401 | 403) {
        assert_eq!(challenge, None, "{case}");
        // The guard agrees, or it would have said so inside.
        assert!(!reply.text().contains("-32001"), "{case}: {reply:?}");
        return "ok".to_owned();
    }
    let json = reply.json();
    let Some(challenge) = challenge else {
        assert_eq!(json["error"]["data"]["error"], "forbidden", "{case}");
        return reply.status.to_string();
    };
    let error = match reply.status {
        403 => Some("insufficient_scope"),
        _ => challenge.error().filter(|error| *error == "invalid_token"),
    };
    assert_eq!(challenge.error(), error, "{case}");
    let metadata = challenge.resource_metadata().expect(case);
    assert!(
        metadata.contains("/.well-known/oauth-protected-resource"),
        "{case}"
    );
    let scope = challenge.parameter("scope").unwrap_or_default();
    let data = &json["error"]["data"]["scope"];
    assert_eq!(
        data.as_str().unwrap_or_default(),
        scope,
        "{case}: {reply:?}"
    );
    format!("{} {scope}", reply.status).trim_end().to_owned()
}

async fn over_the_wire(front: Front) {
    for (column, admission) in ADMISSIONS.into_iter().enumerate() {
        let with_metadata = |plain: AuthSettings| {
            settings(plain)
                .admission(admission)
                .authorization_server("https://login.example")
        };
        let site = Scoped::start(front, with_metadata).await;
        for ((operation, params, declares), by, expected) in table() {
            if declares && front == Front::Layer {
                continue;
            }
            for speech in front.speeches() {
                let case = format!("{front:?} {speech:?} {admission} {operation:?} by {by:?}");
                let Operation::Method { method, .. } = &operation else {
                    panic!("{case}: no method");
                };
                site.library.reached();
                let reply = site.ask(*speech, by, method, params.clone()).await;
                assert_eq!(
                    outcome(&reply, &case),
                    expected[column],
                    "{case}: {reply:?}"
                );
                if expected[column] != "ok" {
                    assert_eq!(site.library.reached(), [""; 0], "{case}: enforced before");
                }
            }
        }
    }
}

#[tokio::test]
async fn the_table_over_the_wire_in_front_of_a_server() {
    over_the_wire(Front::Server).await;
}

#[tokio::test]
async fn the_table_over_the_wire_without_sessions() {
    over_the_wire(Front::Stateless).await;
}

#[tokio::test]
async fn the_table_over_the_wire_by_layer_and_guard() {
    over_the_wire(Front::Guarded).await;
}

#[tokio::test]
async fn the_table_over_the_wire_by_the_layer_alone() {
    over_the_wire(Front::Layer).await;
}

/// The server-wide scopes are named with those of the operation, in one set, and they honour the
/// hierarchy.
#[tokio::test]
async fn server_wide_scopes_and_those_of_the_operation_are_one_set() {
    for front in [Front::Server, Front::Guarded] {
        let site = Scoped::start(front, |plain| {
            let plain = plain.authorization_server("https://login.example");
            let wide = settings(plain).admission(Optional).require_scopes("mcp");
            wide.and_then(|s| s.scope_implies("all", "mcp"))
                .expect("scopes")
        })
        .await;
        #[rustfmt::skip]
        let table = [
            (None,                   "add",  "401 mcp",             "401 mcp"),
            (Some("ok"),             "add",  "403 mcp notes:write", "403 mcp"),
            (Some("ok~notes.write"), "add",  "403 mcp notes:write", "403 mcp"),
            (Some("ok"),             "shut", "403",                 "403 mcp"),
            (Some("ok~mcp"),         "add",  "403 mcp notes:write", "403 mcp notes:write"),
            (Some("ok~mcp"),         "shut", "403",                 "403"),
            (Some("ok~all"),         "add",  "403 mcp notes:write", "403 mcp notes:write"),
            (Some("ok~mcp~notes"),   "add",  "ok",                  "ok"),
            (Some("ok~all~notes.write"), "add", "ok",               "ok"),
            (Some("ok~root"),        "add",  "ok",                  "ok"),
        ];
        // Who lacks a server-wide scope opens no session in which to call anything.
        for (token, tool, expected, in_a_session) in table {
            for speech in front.speeches() {
                let case = format!("{front:?} {speech:?} {token:?} {tool}");
                site.library.reached();
                let reply = site.call(*speech, token, tool).await;
                let expected = match speech {
                    Speech::Session => in_a_session,
                    _ => expected,
                };
                assert_eq!(outcome(&reply, &case), expected, "{case}: {reply:?}");
                let reached = !site.library.reached().is_empty();
                assert_eq!(reached, expected == "ok", "{case}");
            }
        }
    }
}

/// It is refused for what every request needs where nobody can tell what it asks for.
#[tokio::test]
async fn who_lacks_a_server_wide_scope_is_refused_whatever_the_body_is() {
    for front in [Front::Server, Front::Guarded, Front::Layer] {
        let (site, watch) = Scoped::watched(front, |plain| {
            let plain = plain.authorization_server("https://login.example");
            settings(plain).require_scopes("mcp").expect("scopes")
        })
        .await;
        let call = modern("tools/call", json!({ "name": "shut", "arguments": {} }));
        let long = format!("[{}]", " ".repeat(5 * 1024 * 1024));
        #[rustfmt::skip]
        let table = [
            (call.clone(),                               "403",     "tools/call:shut"),
            (call.clone().set("Content-Type", "text/plain"), "403 mcp", "request"),
            (call.clone().body("{"),                     "403 mcp", "request"),
            (call.clone().body("[]"),                    "403 mcp", "request"),
            (call.clone().body(r#"{"method":"tools/call","params":{}}"#), "403 mcp", "request"),
            (call.clone().body(r#"{"id":1,"result":{}}"#), "403 mcp", "request"),
            (call.clone().body(long),                    "403 mcp", "request"),
            (call.clone().line("GET /mcp"),              "403 mcp", "request"),
            (call.clone().line("DELETE /mcp"),           "403 mcp", "request"),
        ];
        for (request, expected, operation) in table {
            watch.take();
            let reply = site.send(with(request, Some("ok"))).await;
            let case = format!("{front:?} {operation} {expected}");
            assert_eq!(outcome(&reply, &case), expected, "{case}: {reply:?}");
            let seen = watch.only();
            assert_eq!(seen.operation, operation, "{case}");
            assert!(!seen.allowed, "{case}");
            assert_eq!(site.library.reached(), [""; 0], "{case}");
        }
    }
}

/// A token that is permitted gets what the tool says, in every way of asking.
#[tokio::test]
async fn what_is_permitted_is_answered() {
    for front in [Front::Server, Front::Stateless, Front::Guarded] {
        let site = Scoped::start(front, settings).await;
        for speech in front.speeches() {
            let reply = site.call(*speech, Some("ok~notes"), "either").await;
            assert_eq!(
                crate::support::called(&reply),
                "either",
                "{front:?} {speech:?}"
            );
            assert_eq!(site.library.reached(), ["either"], "{front:?} {speech:?}");
        }
    }
}

/// What a tool refuses itself is the same 403 where the answer has not begun, and a JSON-RPC error
/// that says the same where it has.
#[tokio::test]
async fn a_refusal_out_of_a_tools_body() {
    #[rustfmt::skip]
    let table = [
        // tool      by                     HTTP                        inside
        ("computed", Some("ok~notes.read"), "403 notes:read x:y z",     "insufficient_scope notes:read x:y z"),
        ("owned",    Some("ok~root"),       "403",                      "forbidden "),
        ("whoami",   None,                  "401",                      "unauthenticated "),
    ];
    for front in [Front::Server, Front::Stateless, Front::Guarded] {
        let open = |s: AuthSettings| {
            s.admission(Optional)
                .authorization_server("https://login.example")
        };
        let site = Scoped::start(front, open).await;
        for (tool, by, http, inside) in table {
            for speech in front.speeches() {
                let case = format!("{front:?} {speech:?} {tool}");
                let reply = site.call(*speech, by, tool).await;
                if *speech == Speech::Session {
                    assert_eq!(reply.status, 200, "{case}");
                    let error = &reply.json()["error"];
                    assert_eq!(error["code"], -32001, "{case}: {reply:?}");
                    let data = |member| error["data"][member].as_str().unwrap_or_default();
                    assert_eq!(
                        format!("{} {}", data("error"), data("scope")),
                        inside,
                        "{case}"
                    );
                } else {
                    assert_eq!(outcome(&reply, &case), http, "{case}: {reply:?}");
                }
            }
        }
    }
}

#[test]
#[should_panic(expected = "contains ' '")]
fn a_scope_beside_a_tool_that_is_none_does_not_silently_open_it() {
    let _ = scopes(["notes write"]);
}

#[test]
#[should_panic(expected = "contains '\"'")]
fn nor_does_an_alternative() {
    let _ = scopes(any_of(["a", "b\""]));
}
