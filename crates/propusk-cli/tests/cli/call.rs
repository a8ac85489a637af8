//! `propusk call` and `propusk tools`: where arguments and the token come from, and what is printed.

use serde_json::json;

use crate::support::{ALICE, BOB, Env, FIXED, Sandbox, Words};

#[test]
fn text_is_printed_as_text() {
    let place = Sandbox::new();
    let server = place.serve(FIXED);
    #[rustfmt::skip]
    let table: &[(&[&str], &str)] = &[
        (&["message=Привет!"], "Привет!\n"),
        (&["message=日本 🔑 e\u{301}"], "日本 🔑 e\u{301}\n"),
        (&["message="], "\n"),
        (&["message=a=b:=c"], "a=b:=c\n"),
        (&["message=two\nlines"], "two\nlines\n"),
        (&["message:=\"json \\u041f\""], "json П\n"),
        (&["--json", r#"{"message": "object"}"#], "object\n"),
        (&[r#"--json={"message": "object"}"#], "object\n"),
        // What is typed later, and pairs after objects, win.
        (&["message=first", "message=second"], "second\n"),
        (&["message=pair", "--json", r#"{"message": "object"}"#], "pair\n"),
        (&["--json", r#"{"message": "one"}"#, "--json", r#"{"message": "two"}"#], "two\n"),
        // Unknown arguments are the tool's business.
        (&["message=x", "more:=[1]"], "x\n"),
        // An answer cannot steer the terminal.
        (&["message=\u{1b}[31mred\u{7}"], "\u{fffd}[31mred\u{fffd}\n"),
    ];
    for (arguments, expected) in table {
        for era in ["auto", "modern", "legacy"] {
            let rest = [&["echo", "--era", era], *arguments].concat();
            let done = place.call(ALICE, &server.url, &rest).code(0);
            assert_eq!(
                (done.out.as_str(), done.err.as_str()),
                (*expected, ""),
                "{arguments:?}"
            );
        }
    }
}

#[test]
fn structured_content_is_printed_as_json() {
    let place = Sandbox::new();
    let server = place.serve(FIXED);
    let call = |rest: &[&str]| place.call(ALICE, &server.url, rest).code(0).json();
    let alice = json!({
        "subject": "alice", "scopes": ["echo"], "client_id": null, "issuer": null, "expires_at": null,
    });
    assert_eq!(call(&["whoami"]), alice);
    assert_eq!(
        call(&["notes_add", "text=молоко", r#"tags:=["shop"]"#]),
        json!({ "id": 1, "text": "молоко", "tags": ["shop"] })
    );
}

#[test]
fn json_alone_prints_the_whole_result() {
    let place = Sandbox::new();
    let server = place.serve(FIXED);
    for rest in [
        &["echo", "message=ж", "--json"][..],
        &["echo", "--json", "message=ж"],
        &["echo", "--json=", "message=ж"],
        &["echo", "--json", "--json", r#"{"message": "ж"}"#],
        &["--json", "--era", "auto", "echo", "message=ж"],
    ] {
        let result = place.call(ALICE, &server.url, rest).code(0).json();
        assert_eq!(
            result["content"],
            json!([{ "type": "text", "text": "ж" }]),
            "{rest:?}"
        );
        assert_eq!(result["isError"], false, "{rest:?}");
    }
    let failed = place.call(ALICE, &server.url, &["echo", "--json"]).code(1);
    assert_eq!(failed.json()["isError"], true);
    assert_eq!(failed.err, "");
}

#[test]
fn a_tools_error_goes_to_stderr() {
    let place = Sandbox::new();
    let server = place.serve(FIXED);
    for (rest, word) in [
        (&["echo"][..], "message"),
        (&["echo", "message:=5"], "expected a string"),
        (&["notes_add", "text=x", "tags=y"], "expected a sequence"),
        (&["nosuch"], "not found"),
        (&[""], "not found"),
    ] {
        let done = place.call(ALICE, &server.url, rest).code(1);
        assert_eq!(done.out, "", "{rest:?}");
        assert!(
            done.err.starts_with("error: ") && done.err.contains(word),
            "{done:?}"
        );
    }
}

#[test]
fn tools_are_listed_with_their_scopes() {
    let place = Sandbox::new();
    let server = place.serve(FIXED);
    let env = [("PROPUSK_TOKEN", BOB)];
    let done = place.run_with(&env, &["tools", &server.url]).code(0);
    let lines: Vec<&str> = done.out.lines().collect();
    for (line, words) in lines.iter().zip([
        &["echo", "Says"][..],
        &["notes_add", "[notes:write]"],
        &["notes_list", "[notes:read]"],
        &["whoami", "Tells"],
    ]) {
        let found: Vec<&str> = line.split_whitespace().take(words.len()).collect();
        assert_eq!(found, words);
    }
    assert_eq!(lines.len(), 4, "{done:?}");
    let done = place
        .run_with(&env, &["tools", "--json", &server.url])
        .code(0);
    let json = done.json();
    let names: Vec<_> = json.as_array().expect("a list").iter().collect();
    assert_eq!(names.len(), 4);
    assert!(
        names
            .iter()
            .all(|tool| tool["inputSchema"]["type"] == "object")
    );
}

#[test]
fn notes_are_per_caller() {
    let place = Sandbox::new();
    let mut server = place.serve(&[]);
    let first = server.err();
    assert!(first.contains("PROPUSK_TOKEN="));
    let alice = place.issue(&["--subject", "alice"]);
    let alice_again = place.issue(&["--subject", "alice"]);
    let bob = place.issue(&["--subject", "bob"]);
    let other_client = place.issue(&["--subject", "alice", "--client-id", "phone"]);
    let notes = |token: &str| {
        let done = place.call(token, &server.url, &["notes_list"]).code(0);
        let notes = done.json()["notes"].clone();
        notes
            .as_array()
            .expect("a list")
            .iter()
            .map(|note| note["text"].as_str().expect("a text").to_owned())
            .collect::<Vec<_>>()
    };
    let add = |token: &str, text: &str| {
        let text = format!("text={text}");
        place
            .call(token, &server.url, &["notes_add", &text])
            .code(0);
    };
    add(&alice, "a1");
    add(&bob, "b1");
    add(&alice, "a2");
    // Who one is does not depend on which token says so.
    for (token, expected) in [
        (&alice, &["a1", "a2"][..]),
        (&alice_again, &["a1", "a2"]),
        (&bob, &["b1"]),
        (&other_client, &[]),
    ] {
        assert_eq!(notes(token), expected);
    }
}

#[test]
fn where_the_token_comes_from() {
    let place = Sandbox::new();
    let server = place.serve(FIXED);
    place.write("plain", ALICE);
    place.write("newline", format!("{ALICE}\n"));
    place.write("windows", format!("{ALICE}\r\n"));
    place.write("scheme", format!("Bearer {ALICE}\n"));
    place.write("call.toml", format!("[call]\ntoken = {ALICE:?}\n"));
    place.write("call-file.toml", "[call]\ntoken-file = 'newline'\n");
    place.write("call-bob.toml", format!("[call]\ntoken = {BOB:?}\n"));
    let scheme = format!("Bearer {ALICE}");
    #[rustfmt::skip]
    let table: &[(Env<'_>, Words<'_>)] = &[
        (&[], &["--token", ALICE]),
        (&[], &["--token", &scheme]),
        (&[("PROPUSK_TOKEN", ALICE)], &[]),
        (&[("PROPUSK_TOKEN", &scheme)], &[]),
        (&[("PROPUSK_TOKEN_FILE", "plain")], &[]),
        (&[], &["--token-file", "plain"]),
        (&[], &["--token-file", "newline"]),
        (&[], &["--token-file", "windows"]),
        (&[], &["--token-file", "scheme"]),
        (&[], &["--config", "call.toml"]),
        (&[], &["--config", "call-file.toml"]),
        (&[("PROPUSK_CONFIG", "call.toml")], &[]),
        // A flag before a variable, a variable before the file.
        (&[("PROPUSK_TOKEN", BOB)], &["--token", ALICE]),
        (&[("PROPUSK_TOKEN", ALICE)], &["--config", "call-bob.toml"]),
        (&[("PROPUSK_TOKEN_FILE", "plain")], &["--config", "call-bob.toml"]),
        (&[], &["--token-file", "plain", "--config", "call-bob.toml"]),
    ];
    for (env, flags) in table {
        let args = [&["call", &server.url, "whoami"], *flags].concat();
        let done = place.run_with(env, &args).code(0);
        assert_eq!(done.json()["subject"], "alice", "{env:?} {flags:?}");
    }
    // A client may run in a folder of somebody else's: what lies there is not read.
    place.write("propusk.toml", format!("[call]\ntoken = {ALICE:?}\n"));
    let done = place.run(&["call", &server.url, "whoami"]).code(3);
    assert!(!done.err.contains("propusk.toml"), "{done:?}");
    // An empty variable is no token.
    let empty = [("PROPUSK_TOKEN", "")];
    place
        .run_with(&empty, &["call", &server.url, "whoami"])
        .code(3);
}
