//! Logins in a real keyring: GNOME Keyring on a session bus of its own, with a password that nobody
//! keeps.

// Helpers of tests are tests too; `clippy.toml` reaches the test functions only.
#![allow(clippy::unwrap_used)]

use std::{
    fs,
    os::unix::fs::DirBuilderExt,
    path::Path,
    process::{Command, Stdio},
};

use tempfile::TempDir;

/// Unlocks the keyring, as signing in to a desktop does; then what comes after it.
const UNLOCK: &str =
    "printf password | gnome-keyring-daemon --unlock --components=secrets >/dev/null";

/// Makes the keyring and leaves a login there. The password is wrong for the daemon after it, which
/// therefore stays locked.
const LOCKED: &str = "printf other | gnome-keyring-daemon --unlock --components=secrets >/dev/null";

#[test]
fn a_login_is_kept_in_the_keyring_and_nowhere_else() {
    let home = TempDir::new().unwrap();
    let said = session(home.path(), &format!("{UNLOCK}; \"$0\" keep \"$1\""));
    assert_eq!(said, "keyring\n");
    let said = session(home.path(), &format!("{UNLOCK}; \"$0\" leave \"$1\""));
    assert_eq!(said, "keyring\n");
    assert_eq!(logins(home.path()), 0, "no login in a file");
    assert_eq!(readable_secrets(home.path()), Vec::<String>::new());
}

#[test]
fn a_login_of_a_file_moves_into_the_keyring() {
    let home = TempDir::new().unwrap();
    assert_eq!(session(home.path(), "\"$0\" leave \"$1\""), "files\n");
    assert_eq!(logins(home.path()), 1);
    let said = session(home.path(), &format!("{UNLOCK}; \"$0\" leave \"$1\""));
    assert_eq!(said, "keyring\n");
    assert_eq!(logins(home.path()), 0);
}

#[test]
fn without_a_keyring_or_with_a_locked_one_files_are_used() {
    let none = TempDir::new().unwrap();
    let alone = run(
        none.path(),
        &mut shell("sh", "\"$0\" keep \"$1\"", none.path()),
    );
    assert_eq!(alone, "files\n", "no bus");
    assert_eq!(
        session(none.path(), "\"$0\" keep \"$1\""),
        "files\n",
        "no keyring on the bus"
    );

    let locked = TempDir::new().unwrap();
    let said = session(locked.path(), &format!("{UNLOCK}; \"$0\" leave \"$1\""));
    assert_eq!(said, "keyring\n");
    let said = session(locked.path(), &format!("{LOCKED}; \"$0\" keep \"$1\""));
    assert_eq!(said, "files\n", "a locked keyring");
}

/// Runs a script with a session bus; `$0` is the program and `$1` the folder of logins.
fn session(home: &Path, script: &str) -> String {
    let mut command = Command::new("dbus-run-session");
    command.arg("--").args(["sh", "-c", script]);
    command.args([program(), folder(home)]);
    run(home, &mut command)
}

fn shell(shell: &str, script: &str, home: &Path) -> Command {
    let mut command = Command::new(shell);
    command.args(["-c", script]).args([program(), folder(home)]);
    command
}

fn run(home: &Path, command: &mut Command) -> String {
    let runtime = home.join("runtime");
    if !runtime.exists() {
        fs::DirBuilder::new().mode(0o700).create(&runtime).unwrap();
    }
    let output = command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", home)
        .env("XDG_DATA_HOME", home.join("data"))
        .env("XDG_RUNTIME_DIR", runtime)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {complaint}", output.status);
    String::from_utf8(output.stdout).unwrap()
}

fn program() -> std::ffi::OsString {
    env!("CARGO_BIN_EXE_login-user").into()
}

fn folder(home: &Path) -> std::ffi::OsString {
    home.join("logins").into()
}

fn logins(home: &Path) -> usize {
    let entries = fs::read_dir(home.join("logins")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .filter(|path| path.extension().is_some_and(|e| e == "json"))
        .count()
}

/// Files below `home` in which a token can be read.
fn readable_secrets(home: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(home).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(readable_secrets(&path));
        } else if path.is_file() {
            let text = fs::read(&path).unwrap();
            if text.windows(20).any(|part| part == b"access-token-of-alic") {
                found.push(path.display().to_string());
            }
        }
    }
    found
}
