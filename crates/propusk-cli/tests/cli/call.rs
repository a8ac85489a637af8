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
        "subject": "alice", "scopes": ["echo", "notes:read", "notes:write"], "client_id": null, "issuer": null, "expires_at": null,
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
    let all = [
        "echo Says",
        "notes_add [notes:write] Adds",
        "notes_list [notes:read] Lists",
        "whoami Tells",
    ];
    let poor = ["echo Says", "whoami Tells"];
    let locked = [
        "echo Says",
        "notes_add [notes:write] locked, lacks notes:write Adds",
        "notes_list [notes:read] locked, lacks notes:read Lists",
        "whoami Tells",
    ];
    #[rustfmt::skip]
    let table: &[(Words<'_>, Env<'_>, &str, &[&str])] = &[
        (&[], &[], ALICE, &all),
        (&[], &[], BOB, &poor),
        (&["--show-all"], &[], ALICE, &all),
        (&["--show-all"], &[], BOB, &locked),
        (&[], &[("PROPUSK_SHOW_ALL", "true")], BOB, &locked),
    ];
    for (flags, env, token, expected) in table {
        let server = place.serve_with(env, &[FIXED, *flags].concat());
        for era in ["modern", "legacy"] {
            let env = [("PROPUSK_TOKEN", *token)];
            let done = place
                .run_with(&env, &["tools", &server.url, "--era", era])
                .code(0);
            let lines: Vec<String> = done
                .out
                .lines()
                .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
                .collect();
            assert_eq!(lines.len(), expected.len(), "{done:?}");
            for (line, begin) in lines.iter().zip(*expected) {
                assert!(line.starts_with(begin), "{begin}: {done:?}");
            }
            assert_eq!(
                done.err.contains("locked"),
                done.out.contains("locked"),
                "{done:?}"
            );
            let done = place.run_with(&env, &["tools", "--json", &server.url, "--era", era]);
            let json = done.code(0).json();
            let tools = json.as_array().expect("a list").iter();
            assert_eq!(
                tools
                    .filter(|tool| tool["inputSchema"]["type"] == "object")
                    .count(),
                lines.len()
            );
        }
    }
}

/// The one sentence that a human needs: which scopes, and how to get a token with them.
#[test]
fn a_call_without_the_scope_says_which_and_how_to_get_it() {
    let place = Sandbox::new();
    let server = place.serve(FIXED);
    for era in ["modern", "legacy"] {
        let call = ["notes_add", "text=x", "--era", era];
        let done = place.call(BOB, &server.url, &call).code(4);
        for word in [
            "It needs: notes:write.",
            "scope=\"notes:write\"",
            "propusk token issue --subject NAME --scope notes:write",
        ] {
            assert!(done.err.contains(word), "{era} {word}: {done:#?}");
        }
    }
}

#[test]
fn notes_are_per_caller() {
    let place = Sandbox::new();
    let mut server = place.serve(&[]);
    let first = server.err();
    assert!(first.contains("PROPUSK_TOKEN="));
    let issue = |flags: &[&str]| {
        let scopes = ["--scope", "notes:read", "--scope", "notes:write"];
        place.issue(&[flags, &scopes].concat())
    };
    let alice = issue(&["--subject", "alice"]);
    let alice_again = issue(&["--subject", "alice"]);
    let bob = issue(&["--subject", "bob"]);
    let other_client = issue(&["--subject", "alice", "--client-id", "phone"]);
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

/// JSON escapes C0 alone; C1 and directions of writing are escaped by us, and it says the same.
#[test]
fn json_cannot_steer_the_terminal() {
    let place = Sandbox::new();
    let server = place.serve(FIXED);
    let odd = "a\u{9b}2J\u{202e}b\u{200b}";
    let message = format!("message={odd}");
    let done = place.call(ALICE, &server.url, &["echo", &message, "--json"]);
    let done = done.code(0);
    assert_eq!(done.json()["content"][0]["text"], odd);
    assert!(done.out.contains("\\u009b2J\\u202eb\\u200b"), "{done:?}");
    let text = format!("text={odd}");
    let done = place
        .call(ALICE, &server.url, &["notes_add", &text])
        .code(0);
    assert_eq!(done.json()["text"], odd);
    assert!(done.out.is_ascii(), "{done:?}");
}
