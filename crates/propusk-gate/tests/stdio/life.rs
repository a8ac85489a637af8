//! A child's environment, its end, and that of all that it has started.

use std::{collections::BTreeSet, env};

use propusk_gate::stdio::{INHERITED, StdioCommand};
use serde_json::{Map, Value, json};

use crate::support::{Client, Gate, Program, fixture, is_alive, text, until};

#[tokio::test]
async fn the_environment_is_what_was_configured() {
    // Some variable of ours that is not inherited by itself.
    let mut own = env::vars().filter(|(name, _)| !INHERITED.contains(&name.as_str()));
    let (other, value) = own
        .find(|(_, value)| !value.is_empty() && !value.starts_with("()"))
        .unwrap();
    let command = fixture("both").env("KEY", "value").inherit([&other]);
    let gate = Gate::with(command, Gate::settings()).await;
    let alice = Client::modern(&gate, "alice");
    let answer = alice.call("env", json!({})).await;
    let variables: Map<String, Value> = serde_json::from_str(text(&answer)).unwrap();
    assert_eq!(variables["KEY"], "value");
    assert_eq!(variables[&other], value);
    let own = ["KEY", &other];
    let allowed: BTreeSet<&str> = INHERITED.into_iter().chain(own).collect();
    for name in variables.keys() {
        assert!(allowed.contains(name.as_str()), "{name} was not configured");
    }
    gate.end().await;
}

#[tokio::test]
async fn nothing_outlives_the_gate() {
    let command = StdioCommand::new(env!("CARGO_BIN_EXE_stdio-fixture")).args(["--stubborn"]);
    let gate = Gate::with(command, Gate::settings()).await;
    let alice = Client::modern(&gate, "alice");
    let child = text(&alice.call("pid", json!({})).await).to_owned();
    let grandchild = text(&alice.call("spawn", json!({})).await).to_owned();
    assert!(is_alive(&child) && is_alive(&grandchild));
    gate.end().await;
    assert!(!is_alive(&child));
    until("the grandchild has ended", async || !is_alive(&grandchild)).await;
}

#[tokio::test]
async fn what_a_crashed_child_has_started_ends_too() {
    let gate = Gate::new("both").await;
    let alice = Client::modern(&gate, "alice");
    let grandchild = text(&alice.call("spawn", json!({})).await).to_owned();
    alice.call("crash", json!({})).await;
    until("the grandchild has ended", async || !is_alive(&grandchild)).await;
    gate.end().await;
}

#[tokio::test]
async fn nothing_outlives_a_gate_that_is_killed() {
    let mut program = Program::start(&[env!("CARGO_BIN_EXE_stdio-fixture"), "--stubborn"]);
    let anybody = program.anybody();
    let child = text(&anybody.call("pid", json!({})).await).to_owned();
    let grandchild = text(&anybody.call("spawn", json!({})).await).to_owned();
    assert!(is_alive(&child) && is_alive(&grandchild));
    program.gate.kill().unwrap();
    program.gate.wait().unwrap();
    until("both have ended", async || {
        !is_alive(&child) && !is_alive(&grandchild)
    })
    .await;
}
