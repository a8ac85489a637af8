//! `[scopes]` of `propusk.toml`.

use crate::support::{ALICE, BOB, FIXED, Sandbox};

#[test]
fn rules_hierarchy_and_default_are_enforced() {
    let place = Sandbox::new();
    place.write(
        "propusk.toml",
        r#"
        [scopes]
        default = "mcp"
        [scopes.implies]
        notes = "notes:read notes:write"
        root = "*"
        [scopes.tools]
        echo = { any-of = ["talk", "say loud"] }
        whoami = ""
        "notes_*" = "use"
        "#,
    );
    let tokens = [
        "t-none=a",
        "t-talk=a:talk",
        "t-loud=a:say,loud",
        "t-notes=a:notes",
        "t-use=a:notes,use",
        "t-root=a:root",
    ];
    let flags: Vec<&str> = tokens.iter().flat_map(|token| ["--token", token]).collect();
    let server = place.serve(&flags);
    #[rustfmt::skip]
    let table: &[(&str, &[&str], i32, &str)] = &[
        ("t-none", &["whoami"], 0, ""),
        ("t-none", &["echo", "message=x"], 4, "scope=\"talk\""),
        ("t-talk", &["echo", "message=x"], 0, ""),
        ("t-loud", &["echo", "message=x"], 0, ""),
        ("t-none", &["notes_list"], 4, "scope=\"notes:read use\""),
        ("t-notes", &["notes_list"], 4, "scope=\"notes:read use\""),
        ("t-use", &["notes_list"], 0, ""),
        ("t-root", &["notes_add", "text=x"], 0, ""),
        ("t-none", &["nosuch"], 4, "scope=\"mcp\""),
        ("t-root", &["nosuch"], 1, "not found"),
    ];
    for (token, call, code, word) in table {
        let done = place.call(token, &server.url, call).code(*code);
        assert!(done.err.contains(word), "{token} {call:?}: {done:#?}");
    }
}

#[test]
fn a_tool_can_be_closed_and_everything_be_shown() {
    let place = Sandbox::new();
    place.write(
        "some.toml",
        "[scopes]\nshow-all = true\n[scopes.tools]\necho = { any-of = [] }\n",
    );
    let server = place.serve(&[FIXED, &["--config", "some.toml"]].concat());
    let done = place
        .call(ALICE, &server.url, &["echo", "message=x"])
        .code(4);
    assert!(
        !done.err.contains("--scope"),
        "no scope would help: {done:#?}"
    );
    let env = [("PROPUSK_TOKEN", BOB)];
    let done = place.run_with(&env, &["tools", &server.url]).code(0);
    assert!(done.out.contains("[notes:read] locked, lacks"), "{done:#?}");
    assert!(done.out.contains("echo        locked  "), "{done:#?}");
}

#[test]
fn what_makes_no_sense_is_refused_before_anything_starts() {
    for (file, word) in [
        ("[scopes]\ndefault = 'a\"b'", "[scopes] default"),
        ("[scopes.implies]\n'a b' = 'c'", "[scopes.implies] a b"),
        ("[scopes.tools]\necho = 'a\"b'", "[scopes.tools] echo"),
        (
            "[scopes.tools]\necho = { any-of = ['a', 'b\"'] }",
            "[scopes.tools] echo",
        ),
        ("[scopes.tools]\necho = ['a']", "any-of"),
        ("[scopes.tools]\necho = { all-of = ['a'] }", "any-of"),
        ("[scopes]\nshow-al = true", "no such key"),
    ] {
        let place = Sandbox::new();
        place.write("propusk.toml", file);
        let done = place.run(&["serve"]).code(2);
        assert!(done.err.contains(word), "{file}: {done:#?}");
        assert_eq!(place.files().len(), 1, "{file}");
    }
}
