//! What a client keeps for the server (request states, cursors, task ids) belongs to its caller.

use std::time::Duration;

use propusk::{Admission::Optional, server::StateSealer};
use serde_json::{Value, json};

use crate::support::{
    Era, Keeping, MOUNTS, Mount, Reply, Request, Site, called, in_session, modern,
};

const STATE: &str = "requestState is not valid";
const CURSOR: &str = "cursor is not valid";

/// Everybody but alice's application, with a good token.
const STRANGERS: [&str; 4] = ["bob", "alice-elsewhere", "alice-of-b", "poor"];

async fn site(mount: Mount) -> Site {
    Site::start_handler(
        mount,
        Keeping::default(),
        |s| s.admission(Optional),
        |server| server,
    )
    .await
}

async fn ask(site: &Site, token: Option<&str>, request: Request) -> Value {
    let request = match token {
        Some(token) => request.bearer(token),
        None => request,
    };
    site.send(&request).await.json()
}

fn error(json: &Value) -> (i64, &str) {
    let error = &json["error"];
    let code = error["code"].as_i64();
    let message = error["message"].as_str();
    (
        code.unwrap_or_else(|| panic!("no error: {json}")),
        message.unwrap_or_else(|| panic!("no message: {json}")),
    )
}

fn text<'a>(json: &'a Value, name: &str) -> &'a str {
    json["result"][name]
        .as_str()
        .unwrap_or_else(|| panic!("no {name}: {json}"))
}

fn call(name: &str, arguments: &Value, state: Option<&str>) -> Request {
    let mut params = json!({"name": name, "arguments": arguments});
    if let Some(state) = state {
        params["requestState"] = state.into();
    }
    modern("tools/call", params)
}

/// A session of the older era for each caller.
struct Sessions([(&'static str, String); 2]);

impl Sessions {
    async fn open(site: &Site) -> Self {
        let alice = site.open(&[("Authorization", "Bearer alice")]).await;
        let bob = site.open(&[("Authorization", "Bearer bob")]).await;
        Self([
            ("alice", alice.expect("a session")),
            ("bob", bob.expect("a session")),
        ])
    }

    fn request(&self, era: Era, caller: &str, method: &str, params: Value) -> Request {
        let own = self.0.iter().find(|(owner, _)| *owner == caller);
        match era {
            Era::Modern => modern(method, params),
            Era::Legacy => in_session(&own.expect("opened").1, method, &params),
        }
    }
}

/// Texts that were never given out, made from one that was.
fn forgeries(sealed: &str, opened: &str) -> Vec<String> {
    let mut flipped = sealed.to_owned().into_bytes();
    flipped[20] = if flipped[20] == b'A' { b'B' } else { b'A' };
    vec![
        opened.to_owned(),
        String::new(),
        format!("{sealed}-TAMPERED"),
        sealed[1..].to_owned(),
        String::from_utf8(flipped).expect("text"),
        sealed.to_ascii_lowercase(),
    ]
}

#[tokio::test]
async fn a_request_state_comes_back_from_its_caller_only() {
    for mount in MOUNTS {
        let site = site(mount).await;
        let asked = ask(&site, Some("alice"), call("buy", &json!({"n": 1}), None)).await;
        let state = text(&asked, "requestState");
        assert!(
            !state.contains("asked once"),
            "{mount:?}: it is opaque: {state}"
        );
        let retry = || call("buy", &json!({"n": 1}), Some(state));
        for token in STRANGERS.map(Some).into_iter().chain([None]) {
            let refused = ask(&site, token, retry()).await;
            assert_eq!(error(&refused), (-32602, STATE), "{mount:?} {token:?}");
        }
        for forged in forgeries(state, "asked once") {
            let refused = ask(
                &site,
                Some("alice"),
                call("buy", &json!({"n": 1}), Some(&forged)),
            )
            .await;
            assert_eq!(error(&refused), (-32602, STATE), "{mount:?} {forged}");
        }
        // Not for another tool, other arguments, or another method.
        for other in [
            call("sell", &json!({"n": 1}), Some(state)),
            call("buy", &json!({"n": 2}), Some(state)),
            call("buy", &json!({}), Some(state)),
            modern(
                "prompts/get",
                json!({"name": "buy", "arguments": {"n": 1}, "requestState": state}),
            ),
            modern(
                "resources/read",
                json!({"uri": "buy", "requestState": state}),
            ),
        ] {
            let refused = ask(&site, Some("alice"), other).await;
            assert_eq!(error(&refused), (-32602, STATE), "{mount:?}");
        }
        for token in ["alice", "alice-refreshed"] {
            let reply = site.send(&retry().bearer(token)).await;
            assert_eq!(called(&reply), "done by alice", "{mount:?} {token}");
        }
    }
}

#[tokio::test]
async fn prompts_and_resources_ask_back_in_the_same_way() {
    for mount in MOUNTS {
        let site = site(mount).await;
        for (method, params) in [
            ("prompts/get", json!({"name": "p"})),
            ("resources/read", json!({"uri": "memo://r"})),
        ] {
            let with = |state: &str| {
                let mut params = params.clone();
                params["requestState"] = state.into();
                modern(method, params)
            };
            let asked = ask(&site, Some("alice"), modern(method, params.clone())).await;
            let state = text(&asked, "requestState");
            let refused = ask(&site, Some("bob"), with(state)).await;
            assert_eq!(error(&refused), (-32602, STATE), "{mount:?} {method}");
            let raw = ask(&site, Some("alice"), with("asked once")).await;
            assert_eq!(error(&raw), (-32602, STATE), "{mount:?} {method}");
            // The handler says so where it got its state.
            let done = ask(&site, Some("alice"), with(state)).await;
            assert_eq!(error(&done), (-32603, "done"), "{mount:?} {method}");
        }
    }
}

/// All anonymous callers are one; a user's state is not theirs, nor theirs a user's.
#[tokio::test]
async fn anonymous_callers_share_their_states_and_nobody_elses() {
    for mount in MOUNTS {
        let site = site(mount).await;
        let asked = ask(&site, None, call("buy", &json!({}), None)).await;
        let retry = || call("buy", &json!({}), Some(text(&asked, "requestState")));
        let refused = ask(&site, Some("alice"), retry()).await;
        assert_eq!(error(&refused), (-32602, STATE), "{mount:?}");
        assert_eq!(
            called(&site.send(&retry()).await),
            "done by nobody",
            "{mount:?}"
        );
    }
}

#[tokio::test]
async fn a_cursor_leads_on_for_its_caller_and_its_list_only() {
    const LISTS: [&str; 4] = [
        "tools/list",
        "prompts/list",
        "resources/list",
        "resources/templates/list",
    ];
    for mount in MOUNTS {
        let site = site(mount).await;
        let sessions = Sessions::open(&site).await;
        for era in Era::BOTH {
            let hers = |method: &str, params| sessions.request(era, "alice", method, params);
            let his = |method: &str, params| sessions.request(era, "bob", method, params);
            for list in LISTS {
                let case = format!("{mount:?} {era:?} {list}");
                let first = ask(&site, Some("alice"), hers(list, json!({}))).await;
                let cursor = text(&first, "nextCursor");
                let refused = ask(&site, Some("bob"), his(list, json!({"cursor": cursor}))).await;
                assert_eq!(error(&refused), (-32602, CURSOR), "{case}");
                for forged in forgeries(cursor, "page-2") {
                    let refused =
                        ask(&site, Some("alice"), hers(list, json!({"cursor": forged}))).await;
                    assert_eq!(error(&refused), (-32602, CURSOR), "{case} {forged}");
                }
                for other in LISTS.into_iter().filter(|other| *other != list) {
                    let refused =
                        ask(&site, Some("alice"), hers(other, json!({"cursor": cursor}))).await;
                    assert_eq!(error(&refused), (-32602, CURSOR), "{case} {other}");
                }
                let second = ask(
                    &site,
                    Some("alice-refreshed"),
                    hers(list, json!({"cursor": cursor})),
                )
                .await;
                assert!(second["result"].is_object(), "{case}: {second}");
                assert!(second["result"]["nextCursor"].is_null(), "{case}: {second}");
            }
        }
    }
}

/// CVE-2026-52870: a task of another cannot be seen, answered or cancelled, nor told from one that
/// does not exist.
#[tokio::test]
async fn a_task_of_another_is_an_unknown_task() {
    for mount in MOUNTS {
        let site = site(mount).await;
        let made = ask(&site, Some("alice"), call("task", &json!({}), None)).await;
        let id = text(&made, "taskId");
        let on =
            |method: &str, id: &str| modern(method, json!({"taskId": id, "inputResponses": {}}));
        let methods = ["tasks/get", "tasks/result", "tasks/update", "tasks/cancel"];
        for method in methods {
            for token in STRANGERS.map(Some).into_iter().chain([None]) {
                let refused = ask(&site, token, on(method, id)).await;
                let unknown = format!("unknown task: {id}");
                assert_eq!(
                    error(&refused),
                    (-32602, unknown.as_str()),
                    "{mount:?} {method} {token:?}"
                );
            }
            for forged in [
                &id[1..],
                &format!("{id}x"),
                "00000000-0000-4000-8000-000000000000",
            ] {
                let refused = ask(&site, Some("alice"), on(method, forged)).await;
                let unknown = format!("unknown task: {forged}");
                assert_eq!(
                    error(&refused),
                    (-32602, unknown.as_str()),
                    "{mount:?} {method}"
                );
            }
        }
        for token in ["alice", "alice-refreshed"] {
            let got = ask(&site, Some(token), on("tasks/get", id)).await;
            assert_eq!(text(&got, "taskId"), id, "{mount:?}: a task keeps its id");
        }
        let result = ask(&site, Some("alice"), on("tasks/result", id)).await;
        let related = &result["result"]["_meta"]["io.modelcontextprotocol/related-task"];
        assert_eq!(related["taskId"], id, "{mount:?}: {result}");
        assert_eq!(text(&result, "of"), "alice", "{mount:?}: {result}");
        for method in ["tasks/update", "tasks/cancel"] {
            let done = ask(&site, Some("alice"), on(method, id)).await;
            assert!(done["error"].is_null(), "{mount:?} {method}: {done}");
        }
    }
}

/// The id that a handler knows is never a client's business, and never a way in.
#[tokio::test]
async fn the_handlers_own_id_of_a_task_opens_nothing() {
    for mount in MOUNTS {
        let keeping = Keeping::default();
        let site = Site::start_handler(mount, keeping.clone(), |s| s, |server| server).await;
        let own = keeping.task();
        let refused = ask(
            &site,
            Some("alice"),
            modern("tasks/get", json!({"taskId": own})),
        )
        .await;
        let unknown = format!("unknown task: {own}");
        assert_eq!(error(&refused), (-32602, unknown.as_str()), "{mount:?}");
    }
}

#[tokio::test]
async fn what_has_expired_is_refused_like_anything_else_that_is_not_valid() {
    let at_once = |server: propusk::Server<Keeping>| server.state_lifetime(Duration::ZERO);
    let site = Site::start_handler(Mount::Server, Keeping::default(), |s| s, at_once).await;
    let asked = ask(&site, Some("alice"), call("buy", &json!({}), None)).await;
    let retry = call("buy", &json!({}), Some(text(&asked, "requestState")));
    assert_eq!(
        error(&ask(&site, Some("alice"), retry).await),
        (-32602, STATE)
    );
    let first = ask(&site, Some("alice"), modern("tools/list", json!({}))).await;
    let next = modern("tools/list", json!({"cursor": text(&first, "nextCursor")}));
    assert_eq!(
        error(&ask(&site, Some("alice"), next).await),
        (-32602, CURSOR)
    );
}

#[tokio::test]
async fn replicas_with_one_key_open_each_others_states_and_others_do_not() {
    let with = |key: [u8; 32]| {
        move |server: propusk::Server<Keeping>| {
            server.state_sealer(StateSealer::with_key(&key, &[]))
        }
    };
    let start = |key| Site::start_handler(Mount::Server, Keeping::default(), |s| s, with(key));
    let (one, same, other) = (
        start([1; 32]).await,
        start([1; 32]).await,
        start([2; 32]).await,
    );
    let asked = ask(&one, Some("alice"), call("buy", &json!({}), None)).await;
    let retry = call("buy", &json!({}), Some(text(&asked, "requestState"))).bearer("alice");
    assert_eq!(called(&same.send(&retry).await), "done by alice");
    let refused: Reply = other.send(&retry).await;
    assert_eq!(error(&refused.json()), (-32602, STATE));
}
