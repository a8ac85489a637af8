//! Programs that leave the group of the child that has started them, and it.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use propusk_gate::stdio::StdioCommand;
use serde_json::json;

use crate::support::{Client, Gate, Program, is_alive, text, until, zombies_of};

/// The fixture, after it has started two programs that ignore SIGTERM: one in a session of its own, and
/// one besides whose parent has ended at once. Each writes its number into a file.
const SCRIPT: &str = r#"
stay='trap "" TERM; echo $$ > "$0.new"; mv "$0.new" "$0"; while :; do sleep 0.1; done'
setsid sh -c "$stay" "$1/session" </dev/null >/dev/null 2>&1 &
(setsid sh -c "$stay" "$1/orphan" </dev/null >/dev/null 2>&1 &)
exec "$2"
"#;

fn arguments(folder: &Path) -> Vec<String> {
    let folder = folder.to_str().unwrap();
    let fixture = env!("CARGO_BIN_EXE_stdio-fixture");
    ["-c", SCRIPT, "script", folder, fixture]
        .map(str::to_owned)
        .to_vec()
}

/// The number that a program has written.
async fn number(folder: &Path, name: &str) -> String {
    let path = folder.join(name);
    until("it has said its number", async || path.exists()).await;
    let number = fs::read_to_string(&path).unwrap().trim().to_owned();
    fs::remove_file(&path).unwrap();
    assert!(is_alive(&number));
    number
}

/// Killed at the end of a test, however that ends.
struct Stray(String);

impl Drop for Stray {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-KILL", &self.0]).status();
    }
}

#[tokio::test]
async fn what_is_in_a_session_of_its_own_ends_with_the_gate() {
    let folder = tempfile::tempdir().unwrap();
    let command = StdioCommand::new("sh").args(arguments(folder.path()));
    let gate = Gate::with(command, Gate::settings()).await;
    // A child of this process that is nobody's upstream, and has a session of its own, too.
    let other = Command::new("setsid")
        .args(["sleep", "1000"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let other = Stray(other.unwrap().id().to_string());
    gate.upstream.start().await.unwrap();
    let session = number(folder.path(), "session").await;
    let orphan = Stray(number(folder.path(), "orphan").await);
    gate.end().await;
    until("it has ended", async || !is_alive(&session)).await;
    // This process has not said that all of its children are upstreams', and leaves alone what it
    // cannot know to be.
    assert!(is_alive(&orphan.0));
    assert!(is_alive(&other.0));
}

#[tokio::test]
async fn what_has_left_its_parent_ends_with_the_gate() {
    let folder = tempfile::tempdir().unwrap();
    let mut arguments = arguments(folder.path());
    arguments.insert(0, "sh".to_owned());
    let mut program = Program::start(&arguments);
    let session = number(folder.path(), "session").await;
    let orphan = number(folder.path(), "orphan").await;
    program.end();
    assert!(!is_alive(&session), "the one in a session of its own");
    assert!(!is_alive(&orphan), "the one without a parent");
}

#[tokio::test]
async fn what_a_crashed_child_has_left_ends_too_and_leaves_no_zombie() {
    let folder = tempfile::tempdir().unwrap();
    let mut arguments = arguments(folder.path());
    arguments.insert(0, "sh".to_owned());
    let mut program = Program::start(&arguments);
    let anybody: Client = program.anybody();
    let session = number(folder.path(), "session").await;
    let orphan = number(folder.path(), "orphan").await;
    let child = text(&anybody.call("pid", json!({})).await).to_owned();
    let crashed = anybody.call("crash", json!({})).await;
    assert_eq!(crashed["error"]["data"]["reason"], "upstream_ended");
    until("all have ended", async || {
        !is_alive(&session) && !is_alive(&orphan)
    })
    .await;
    until("nothing is left of them", async || {
        zombies_of(program.gate.id()) == 0
    })
    .await;
    // The next child has others, which are not taken for those of the last one.
    assert_ne!(text(&anybody.call("pid", json!({})).await), child);
    let (session, orphan) = (
        number(folder.path(), "session").await,
        number(folder.path(), "orphan").await,
    );
    assert!(is_alive(&session) && is_alive(&orphan));
    program.end();
    assert!(!is_alive(&session) && !is_alive(&orphan));
}
