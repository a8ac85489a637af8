//! What it can be made to do.

use std::{
    collections::BTreeMap,
    env,
    process::{self, Command, Stdio},
    thread,
    time::Duration,
};

use serde_json::{Value, json};

use crate::Fixture;

const NAMES: [&str; 20] = [
    "echo",
    "pid",
    "env",
    "meta",
    "crash",
    "hang",
    "garbage",
    "huge",
    "spawn",
    "ask",
    "ask_and_withdraw",
    "ask_after",
    "progress",
    "log",
    "change",
    "update",
    "state",
    "stderr",
    "flood",
    "annotated",
];

/// Two pages.
pub(crate) fn list(params: &Value) -> Value {
    let (first, rest) = NAMES.split_at(5);
    let tools = |names: &[&str]| -> Vec<Value> {
        let tool = |name: &&str| json!({ "name": name, "inputSchema": { "type": "object" } });
        names.iter().map(tool).collect()
    };
    match params["cursor"].as_str() {
        None => json!({ "tools": tools(first), "nextCursor": "second" }),
        Some(_) => json!({ "tools": tools(rest) }),
    }
}

fn text(text: impl Into<String>) -> Option<Result<Value, Value>> {
    let text: String = text.into();
    Some(Ok(json!({ "content": [{ "type": "text", "text": text }] })))
}

pub(crate) fn call(
    fixture: &Fixture,
    id: u64,
    params: &Value,
    modern: bool,
) -> Option<Result<Value, Value>> {
    let with = &params["arguments"];
    match params["name"].as_str().unwrap() {
        "echo" => text(with["text"].as_str().unwrap()),
        "pid" => text(process::id().to_string()),
        "env" => {
            let variables: BTreeMap<_, _> = env::vars().collect();
            text(json!(variables).to_string())
        }
        // The `_meta` of the request.
        "meta" => text(params["_meta"].to_string()),
        "crash" => process::exit(3),
        "hang" => {
            fixture.told.lock().unwrap().hanging += 1;
            None
        }
        "garbage" => {
            fixture.line.write("this is not JSON");
            fixture.line.write("{\"jsonrpc\":\"2.0\"}");
            fixture.line.write("[1,2,3]");
            fixture.line.write("");
            fixture.line.write("\u{1b}[31m{\"id\":");
            text("after garbage")
        }
        "huge" => text("x".repeat(with["bytes"].as_u64().unwrap() as usize)),
        "spawn" => text(spawn()),
        "ask" => ask(fixture, params, modern),
        "ask_and_withdraw" => {
            let (id, answer) = fixture
                .line
                .ask(with["method"].as_str().unwrap(), &with["params"]);
            // It has been asked once something comes of it at the client.
            thread::sleep(Duration::from_millis(with["after_ms"].as_u64().unwrap()));
            let params = json!({ "requestId": id });
            fixture.line.notify("notifications/cancelled", params);
            drop(answer);
            text("withdrawn")
        }
        // Answers first, and asks then.
        "ask_after" => {
            let result = json!({ "content": [] });
            fixture
                .line
                .send(&json!({ "jsonrpc": "2.0", "id": id, "result": result }));
            let method = with["method"].as_str().unwrap();
            let (_, answer) = fixture.line.ask(method, &with["params"]);
            let answer = answer.recv().unwrap_or_default();
            let told = &mut fixture.told.lock().unwrap().notifications;
            told.push(answer.to_string());
            None
        }
        "progress" => {
            for step in 1..=with["steps"].as_u64().unwrap() {
                let token = &params["_meta"]["progressToken"];
                let params = json!({ "progressToken": token, "progress": step, "message": "step" });
                fixture.line.notify("notifications/progress", params);
            }
            text("done")
        }
        "log" => {
            let params = json!({ "level": with["level"], "data": with["text"] });
            fixture.line.notify("notifications/message", params);
            text("logged")
        }
        "change" => {
            let method = format!(
                "notifications/{}/list_changed",
                with["list"].as_str().unwrap()
            );
            tell(fixture, &method, json!({}), None);
            text("changed")
        }
        "update" => {
            let uri = with["uri"].as_str().unwrap();
            let params = json!({ "uri": uri });
            tell(
                fixture,
                "notifications/resources/updated",
                params,
                Some(uri),
            );
            text("updated")
        }
        // What it has been told so far.
        "state" => {
            let told = fixture.told.lock().unwrap();
            text(
                json!({
                    "uris": told.uris, "hanging": told.hanging, "level": told.level, "cancelled": told.cancelled,
                    "listening": told.listening, "notifications": told.notifications,
                })
                .to_string(),
            )
        }
        "stderr" => {
            eprintln!("{}", with["text"].as_str().unwrap());
            text("written")
        }
        // More notifications than anybody takes.
        "flood" => {
            for step in 0..5000 {
                let token = &params["_meta"]["progressToken"];
                let params = json!({ "progressToken": token, "progress": step });
                fixture.line.notify("notifications/progress", params);
            }
            text("flooded")
        }
        "annotated" => Some(Ok(json!({
            "content": [], "structuredContent": { "a": 1 }, "_meta": { "example.org/kept": true },
        }))),
        name => Some(Err(
            json!({ "code": -32602, "message": format!("no tool {name}") }),
        )),
    }
}

/// A change, in each era that this server speaks.
fn tell(fixture: &Fixture, method: &str, params: Value, uri: Option<&str>) {
    let told = fixture.told.lock().unwrap();
    let subscribed = uri.is_none_or(|uri| told.uris.contains(uri));
    if fixture.sessions && subscribed {
        fixture.line.notify(method, params.clone());
    }
    for (id, uris) in &told.listening {
        if uri.is_none_or(|uri| uris.iter().any(|known| known == uri)) {
            let mut params = params.clone();
            params["_meta"] = json!({ "io.modelcontextprotocol/subscriptionId": id });
            fixture.line.notify(method, params);
        }
    }
}

/// A process that takes no notice of SIGTERM, nor of its parent.
fn spawn() -> String {
    let stubborn = Command::new("sh")
        .args(["-c", "trap '' TERM; while :; do sleep 1; done"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    stubborn.unwrap().id().to_string()
}

/// Asks the client in the way of the era, and says what it answered.
fn ask(fixture: &Fixture, params: &Value, modern: bool) -> Option<Result<Value, Value>> {
    let with = &params["arguments"];
    if !modern {
        let (_, answer) = fixture
            .line
            .ask(with["method"].as_str().unwrap(), &with["params"]);
        let answer = answer.recv().unwrap_or_default();
        return text(answer.to_string());
    }
    if let Some(responses) = params.get("inputResponses") {
        let answer = json!({ "responses": responses, "state": params["requestState"] });
        return text(answer.to_string());
    }
    let asked = json!({ "method": with["method"], "params": with["params"] });
    Some(Ok(json!({
        "resultType": "input_required", "inputRequests": { "first": asked },
        "requestState": "state of the fixture",
    })))
}
