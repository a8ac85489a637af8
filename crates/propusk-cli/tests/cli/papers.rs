//! Completions and manual pages, from the same definitions as the help.

use std::process::{Command, Stdio};

use crate::support::{Sandbox, done};

const COMMANDS: [&str; 11] = [
    "serve",
    "token",
    "call",
    "tools",
    "login",
    "logout",
    "status",
    "inspect",
    "health",
    "completions",
    "man",
];

#[test]
fn every_shell_gets_its_completions() {
    let place = Sandbox::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = place.run(&["completions", shell]).code(0).out;
        for command in COMMANDS {
            assert!(script.contains(command), "{shell}: {command}");
        }
        assert!(!script.contains("renew-login"), "{shell}");
    }
}

/// Bash itself takes the script, and completes with it.
#[test]
fn bash_completes() {
    let place = Sandbox::new();
    let script = place.run(&["completions", "bash"]).code(0).out;
    place.write("completions.sh", script);
    let complete = "source ./completions.sh; COMP_WORDS=(propusk log); COMP_CWORD=1; \
        _propusk propusk log propusk; echo \"${COMPREPLY[@]}\"";
    let mut command = Command::new("bash");
    command
        .args(["--norc", "-c", complete])
        .stdin(Stdio::null());
    command.current_dir(place.path("."));
    let completed = done(command).code(0);
    assert_eq!(completed.line(), "login logout", "{completed:?}");
}

#[test]
fn manual_pages_are_printed_or_written() {
    let place = Sandbox::new();
    let page = place.run(&["man"]).code(0).out;
    assert!(page.contains(".TH propusk 1"), "{page}");
    for command in COMMANDS {
        assert!(
            page.contains(&format!("propusk\\-{command}(1)")),
            "{command}: {page}"
        );
    }
    std::fs::create_dir(place.path("man1")).unwrap();
    place.run(&["man", "--to", "man1"]).code(0);
    let written = place.files();
    for command in COMMANDS {
        let page = &written[&format!("man1/propusk-{command}.1")];
        let page = String::from_utf8_lossy(page);
        assert!(
            page.starts_with(".ie") && page.contains(".SH SYNOPSIS"),
            "{page}"
        );
    }
    assert!(written.contains_key("man1/propusk.1"));
    assert!(written.contains_key("man1/propusk-token-issue.1"));
}
