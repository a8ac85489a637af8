//! What a child can learn of the gate's process.

use std::process::Command;

use serde_json::json;

use crate::support::{Program, text};

/// Root may read everything, so that what is shown must be shown as somebody else.
fn as_nobody() -> Command {
    let gate = env!("CARGO_BIN_EXE_stdio-gate-fixture");
    if !rustix::process::geteuid().is_root() {
        return Command::new(gate);
    }
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .args(["--inh-caps=-all", "--bounding-set=-all", "--", gate]);
    command
}

#[tokio::test]
async fn a_child_reads_neither_the_environment_nor_the_memory_of_the_gate() {
    let mut command = as_nobody();
    command
        .arg(env!("CARGO_BIN_EXE_stdio-fixture"))
        .env("GATE_SECRET", "not-for-children");
    let program = Program::run(&mut command);
    let anybody = program.anybody();
    let read = async |process: &str, file: &str| {
        let answer = anybody
            .call("read", json!({ "process": process, "file": file }))
            .await;
        text(&answer).to_owned()
    };
    // What it reads of another process of its own user it could read of its parent.
    let sibling = text(&anybody.call("spawn", json!({})).await).to_owned();
    assert!(read(&sibling, "environ").await.contains("PATH="));
    assert!(read("self", "environ").await.contains("PATH="));
    for file in ["environ", "mem", "maps", "auxv"] {
        assert_eq!(read("parent", file).await, "PermissionDenied", "{file}");
    }
    // It is its parent indeed, and of the same user.
    let status = read("parent", "status").await;
    let number = program.gate.id().to_string();
    assert!(status.contains(&format!("\nPid:\t{number}\n")), "{status}");
    let uid = |status: &str| {
        let line = status.lines().find(|line| line.starts_with("Uid:"));
        line.unwrap().to_owned()
    };
    assert_eq!(uid(&status), uid(&read("self", "status").await));
}
