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

/// Also where the file asks for it and not the tool itself; and nothing of what is hidden.
#[test]
fn a_list_says_what_a_rule_of_the_file_asks_for() {
    let place = Sandbox::new();
    let rules = |show_all: &str| {
        format!(
            "[scopes]\nshow-all = {show_all}\n[scopes.tools]\n'notes_*' = 'use'\necho = 'talk'\n"
        )
    };
    place.write("some.toml", rules("false"));
    place.write("all.toml", rules("true"));
    let token = ["--token", "t-use=a:notes:read,use"];
    let env = [("PROPUSK_TOKEN", "t-use")];
    let listed = |config: &str| {
        let server = place.serve(&[&token[..], &["--config", config]].concat());
        place.run_with(&env, &["tools", &server.url]).code(0).out
    };
    let own = listed("some.toml");
    assert!(own.contains("[notes:read use]"), "{own}");
    for hidden in ["echo", "talk", "notes_add", "notes:write"] {
        assert!(!own.contains(hidden), "{hidden} in {own}");
    }
    let all = listed("all.toml");
    for shown in [
        "[notes:read use]",
        "[talk] locked, lacks talk",
        "[notes:write use] locked, lacks notes:write",
    ] {
        assert!(all.contains(shown), "{shown} not in {all}");
    }
}

#[test]
fn what_makes_no_sense_is_refused_before_anything_starts() {
    #[rustfmt::skip]
    let table = [
        // the file, what the error names, the way out
        ("[scopes]\ndefault = 'a\"b'", "[scopes] default", "blanks between them"),
        ("[scopes.implies]\n'a b' = 'c'", "[scopes.implies] a b", ""),
        ("[scopes.tools]\necho = 'a\"b'", "[scopes.tools] echo", ""),
        ("[scopes.tools]\necho = { any-of = ['a', 'b\"'] }", "[scopes.tools] echo", ""),
        ("[scopes.tools]\necho = ['a']", "line 2", "any-of"),
        ("[scopes.tools]\necho = { all-of = ['a'] }", "no key `all-of`", "`any-of`"),
        ("[scopes.tools]\necho = { any_of = ['a'] }", "no key `any_of`", "did you mean `any-of`?"),
        ("[scopes.tools]\necho = { any-of = 'a' }", "line 2", "any-of = ["),
        ("[scopes.implies]\nnotes = ['a', 'b']", "line 2", "blanks between them"),
        ("[scopes.implies]\nnotes = ''", "[scopes.implies] notes", "leave the line out"),
        ("[scopes]\nshow-al = true", "no key `show-al`", "did you mean `show-all`?"),
        ("[scopes.tool]\necho = 'a'", "no key `tool`", "did you mean `tools`?"),
        ("[scopes]\nanything = true", "no key `anything`", "expected one of"),
        ("[scope]\ndefault = 'a'", "no key `scope`", "did you mean `scopes`?"),
        // An alternative that asks for nothing opens what it stands beside.
        ("[scopes.tools]\necho = { any-of = ['a', ''] }", "[scopes.tools] echo", "leave the empty one out"),
        ("[scopes.tools]\necho = { any-of = [' '] }", "[scopes.tools] echo", "leave the empty one out"),
        ("[scopes]\ndefault = { any-of = ['', 'b'] }", "[scopes] default", "leave the empty one out"),
        // Every scope there is can be granted, but not held or asked for.
        ("[scopes.implies]\n'*' = 'a'", "[scopes.implies] *", "on the right"),
        ("[scopes.tools]\necho = '*'", "[scopes.tools] echo", "on the right"),
        ("[scopes.methods]\n'tasks/*' = 'a *'", "[scopes.methods] tasks/*", "on the right"),
        ("[scopes.prompts]\nx = { any-of = ['a', '*'] }", "[scopes.prompts] x", "on the right"),
        ("[scopes]\ndefault = '*'", "[scopes] default", "on the right"),
    ];
    for (file, word, way_out) in table {
        let place = Sandbox::new();
        place.write("some.toml", file);
        for command in [&["serve"][..], &["inspect", "t"]] {
            let done = place
                .run(&[command, &["--config", "some.toml"]].concat())
                .code(2);
            for word in [word, way_out, "some.toml"] {
                assert!(done.err.contains(word), "{file}: {word}: {done:#?}");
            }
        }
        assert_eq!(place.files().len(), 1, "{file}");
    }
}

#[test]
fn a_key_that_may_be_a_token_is_not_repeated() {
    let place = Sandbox::new();
    for file in [
        "[serve]\nhunter2-token = 'alice'\n",
        "[call]\nhunter2-token = 'alice'\n",
        "hunter2-token = 'alice'\n",
        "[scopes]\ndefault = 'a'\n[serve]\nhunter2-token = 1\n",
    ] {
        place.write("some.toml", file);
        let done = place.run(&["serve", "--config", "some.toml"]).code(2);
        assert!(done.err.contains("no such key"), "{done:#?}");
        assert!(!done.err.contains("hunter2"), "{done:#?}");
    }
}

#[test]
fn a_rule_that_binds_nothing_is_a_warning() {
    let place = Sandbox::new();
    place.write(
        "some.toml",
        r#"
        [scopes]
        default = "mcp"
        [scopes.tools]
        notes_ad = "a"
        "note_*" = "a"
        Echo = "a"
        "far-away" = "a"
        echo = "a"
        "*" = "a"
        "notes_*" = "a"
        [scopes.prompts]
        review = "a"
        [scopes.resources]
        "file:///*" = "a"
        [scopes.methods]
        "tools/cal" = "a"
        "task/*" = "a"
        "tasks/*" = "a"
        "resources/read" = "a"
        "#,
    );
    let flags = [FIXED, &["--config", "some.toml"]].concat();
    let server = place.serve(&flags);
    let served = server.stop().code(0).err;
    let inspect = [&["inspect", ALICE], &flags[..]].concat();
    // Its answer stays an answer, and the warnings are beside it.
    let inspected = place.run(&inspect).code(0).err;
    for said in [&served, &inspected] {
        #[rustfmt::skip]
        let table = [
            (r#"[scopes.tools] "notes_ad":"#, "no such tool", "did you mean notes_add?"),
            (r#"[scopes.tools] "note_*":"#, "no such tool", "did you mean notes_add?"),
            (r#"[scopes.tools] "Echo":"#, "no such tool", "did you mean echo?"),
            (r#"[scopes.tools] "far-away":"#, "no such tool", ""),
            (r#"[scopes.prompts] "review":"#, "no such prompt", ""),
            (r#"[scopes.resources] "file:///*":"#, "no such resource", ""),
            (r#"[scopes.methods] "tools/cal":"#, "no such method", "did you mean tools/call?"),
            (r#"[scopes.methods] "task/*":"#, "no such method", "did you mean tasks/"),
        ];
        let lines: Vec<&str> = said
            .lines()
            .filter(|line| line.contains("[scopes."))
            .collect();
        assert_eq!(lines.len(), table.len(), "{said}");
        for (rule, what, meant) in table {
            let line = lines.iter().find(|line| line.contains(rule));
            let line = line.unwrap_or_else(|| panic!("{rule}: {said}"));
            assert!(line.contains(what) && line.contains(meant), "{line}");
            assert_eq!(line.contains("did you mean"), !meant.is_empty(), "{line}");
            assert!(line.contains("some.toml"), "{line}");
        }
    }
    let quiet = place.run(&[&["inspect", ALICE], FIXED].concat()).code(0);
    assert_eq!(quiet.err, "");
}

#[test]
fn a_comma_between_scopes_is_a_warning() {
    let place = Sandbox::new();
    place.write(
        "some.toml",
        "[scopes]\ndefault = 'a b'\n[scopes.implies]\nall = 'a,b'\n[scopes.tools]\necho = { any-of = ['a b', 'c, d'] }\nwhoami = 'a b'\n",
    );
    let inspect = [&["inspect", ALICE, "--config", "some.toml"], FIXED].concat();
    let done = place.run(&inspect).code(0);
    let rules = [r#"[scopes.tools] "echo""#, r#"[scopes.implies] "all""#];
    assert_eq!(done.err.lines().count(), rules.len(), "{done:#?}");
    for (line, rule) in done.err.lines().zip(rules) {
        assert!(
            line.contains(rule) && line.contains("the comma in"),
            "{line}"
        );
    }
}

#[test]
fn a_star_inside_a_scope_that_implies_or_is_implied_is_a_warning() {
    let place = Sandbox::new();
    place.write(
        "some.toml",
        "[scopes.implies]\n'notes:*' = 'x'\nkeeper = 'a b:*'\nroot = '*'\nplain = 'c'\n",
    );
    let inspect = [&["inspect", ALICE, "--config", "some.toml"], FIXED].concat();
    let done = place.run(&inspect).code(0);
    let rules = [("keeper", "b:*"), ("notes:*", "notes:*")];
    assert_eq!(done.err.lines().count(), rules.len(), "{done:#?}");
    for (line, (rule, scope)) in done.err.lines().zip(rules) {
        let place = format!("some.toml: [scopes.implies] {rule:?}");
        assert!(line.contains(&place), "{line}");
        assert!(line.contains(&format!("the * in {scope:?}")), "{line}");
    }
    let server = place.serve(&[FIXED, &["--config", "some.toml"]].concat());
    assert!(server.stop().code(0).err.contains("the * in"));
}
