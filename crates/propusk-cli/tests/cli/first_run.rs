//! A fresh machine: `propusk serve`, and the line that it prints works.

use std::os::unix::fs::PermissionsExt;

use crate::support::{Done, PROPUSK, Sandbox, done};

/// The line of the welcome that contains `what`.
fn line_with(text: &str, what: &str) -> String {
    let mut lines = text.lines().filter(|line| line.contains(what));
    let line = lines.next().unwrap_or_else(|| panic!("no {what}: {text}"));
    assert_eq!(lines.next(), None, "{text}");
    line.trim().to_owned()
}

/// The token in a line `PROPUSK_TOKEN=… propusk call …`.
fn token_in(line: &str) -> &str {
    let rest = line.strip_prefix("PROPUSK_TOKEN=").expect(line);
    rest.split(' ').next().expect(line)
}

fn sh(place: &Sandbox, line: &str) -> Done {
    done(place.command("sh", &["-c", line], &[]))
}

#[test]
fn the_printed_lines_work_when_pasted() {
    for store in [
        None,
        Some("sqlite:tokens.db"),
        Some("sqlite:a place/it's $HOME.db"),
        Some("пропуск.db"),
    ] {
        let place = Sandbox::new();
        std::fs::create_dir(place.path("a place")).expect("a folder");
        let args: Vec<&str> = store.iter().flat_map(|store| ["--tokens", store]).collect();
        let mut server = place.serve(&args);
        assert_eq!(server.out(), format!("listening on {}\n", server.url));

        let welcome = server.err();
        let line = line_with(&welcome, "PROPUSK_TOKEN=");
        let whoami = sh(&place, &line).code(0);
        assert_eq!(whoami.err, "");
        assert_eq!(whoami.json()["subject"], "admin", "{whoami:?}");
        assert_eq!(
            whoami.json()["scopes"],
            serde_json::json!(["echo", "notes:read", "notes:write"])
        );

        let more = line_with(&welcome, "token issue");
        let more = more.split_once(": ").expect("a command").1;
        let more = more.replace("NAME", "carol").replace("SCOPE", "notes:read");
        let token = sh(&place, &more).code(0).line();
        let whoami = place.call(&token, &server.url, &["whoami"]).code(0);
        assert_eq!(whoami.json()["subject"], "carol", "{store:?}");
    }
}

#[test]
fn the_second_start_issues_no_token() {
    let place = Sandbox::new();
    let mut first = place.serve(&[]);
    let line = line_with(&first.err(), "PROPUSK_TOKEN=");
    first.stop().code(0);

    let mut second = place.serve(&[]);
    let said = second.err();
    assert!(!said.contains("PROPUSK_TOKEN"), "{said}");
    assert!(!said.contains(token_in(&line)), "{said}");
    // It says how to get one instead, and that works.
    let more = line_with(&said, "token issue");
    let more = more.split_once("with: ").expect("a command").1;
    let token = sh(&place, more).code(0).line();
    let whoami = place.call(&token, &second.url, &["whoami"]).code(0);
    assert_eq!(whoami.json()["subject"], "NAME");

    let listed = place.run(&["token", "list", "--json"]).code(0).json();
    assert_eq!(listed.as_array().expect("a list").len(), 2, "{listed}");
    // The first token outlives the restart.
    let still = place.call(token_in(&line), &second.url, &["whoami"]);
    assert_eq!(still.code(0).json()["subject"], "admin");
}

#[test]
fn servers_that_start_at_once_issue_one_first_token() {
    let place = Sandbox::new();
    let (mut servers, mut welcomes) = (Vec::new(), 0);
    std::thread::scope(|scope| {
        let started: Vec<_> = (0..3).map(|_| scope.spawn(|| place.serve(&[]))).collect();
        servers.extend(started.into_iter().map(|thread| thread.join().unwrap()));
    });
    for server in &mut servers {
        welcomes += usize::from(server.err().contains("PROPUSK_TOKEN="));
    }
    assert_eq!(welcomes, 1);
    let listed = place.run(&["token", "list", "--json"]).code(0).json();
    assert_eq!(listed.as_array().expect("a list").len(), 1, "{listed}");
}

#[test]
fn the_files_of_the_store_are_for_their_owner_only() {
    let served = Sandbox::new();
    let _server = served.serve(&[]);
    let issued = Sandbox::new();
    let line = format!("umask 000; exec {PROPUSK} token issue --subject a");
    sh(&issued, &line).code(0);
    for place in [&served, &issued] {
        assert!(place.path("propusk.db").is_file());
        for name in place.files().keys() {
            let mode = place.path(name).metadata().expect("a file").permissions();
            assert_eq!(mode.mode() & 0o777, 0o600, "{name}");
        }
    }
}

#[test]
fn fixed_tokens_make_no_store_unless_one_is_named() {
    for (args, files) in [
        (&["--token", "t=alice"][..], 0),
        (&["--token", "t=alice", "--tokens", "t.db"], 1),
    ] {
        let place = Sandbox::new();
        let mut server = place.serve(args);
        assert_eq!(server.err().contains("PROPUSK_TOKEN="), files == 1);
        assert!(server.err().contains("WARN"), "it warns: {}", server.err());
        let whoami = place.call("t", &server.url, &["whoami"]).code(0);
        assert_eq!(whoami.json()["subject"], "alice");
        server.stop().code(0);
        assert_eq!(place.files().len(), files, "{args:?}");
    }
}
