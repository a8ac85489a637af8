//! `propusk login`, `logout` and `status` without an identity provider, and what a refusal says.

use std::os::unix::fs::PermissionsExt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;

use crate::support::{ALICE, BOB, Env, FIXED, Sandbox, Words};

const NOWHERE: &str = "http://127.0.0.1:1/mcp";

/// A sandbox that is the home of its user.
fn at_home() -> (Sandbox, String) {
    let place = Sandbox::new();
    let home = place.path("home");
    std::fs::create_dir(&home).unwrap();
    (place, home.to_str().unwrap().to_owned())
}

#[test]
fn where_nobody_is_signed_in() {
    let (place, home) = at_home();
    let env = [("HOME", &*home)];
    #[rustfmt::skip]
    let table: &[(Words<'_>, i32, &str, &str)] = &[
        (&["status"], 0, "", "propusk login URL"),
        (&["status", "--json"], 0, "[]\n", "nobody is signed in"),
        (&["status", NOWHERE], 3, "", "propusk login http://127.0.0.1:1/mcp"),
        (&["status", NOWHERE, "--json"], 3, "[]\n", "nobody is signed in"),
        (&["status", NOWHERE, "--account", "work"], 3, "", "as work"),
        (&["logout", NOWHERE], 1, "", "nobody is signed in"),
        (&["logout", NOWHERE, "--json"], 1, "[]\n", "nobody is signed in"),
        (&["logout", "--all"], 0, "", "nobody is signed in"),
        (&["logout", "--all", "--json"], 0, "[]\n", ""),
        (&["call", NOWHERE, "whoami", "--account", "work"], 3, "", "--account work"),
    ];
    for (args, code, out, word) in table {
        let done = place.run_with(&env, args).code(*code);
        assert_eq!(done.out, *out, "{done:?}");
        assert!(done.err.contains(word), "{args:?}: {done:?}");
    }
}

#[test]
fn what_makes_no_sense_is_said_before_anybody_is_asked() {
    let (place, home) = at_home();
    let env = [("HOME", &*home)];
    place.write("empty", "\n");
    place.write(
        "odd.toml",
        "[login]\nclient-secret = \"hunter2\"\nclient-secrt = \"hunter2\"\n",
    );
    #[rustfmt::skip]
    let table: &[(Env<'_>, Words<'_>, &str)] = &[
        (&[], &["login"], "<URL>"),
        (&[], &["logout"], "<URL>"),
        (&[], &["logout", NOWHERE, "--all"], "--all"),
        (&[], &["login", NOWHERE, "--client-credentials"], "--client-id"),
        (&[], &["login", NOWHERE, "--client-credentials", "--client-id", "c"], "PROPUSK_CLIENT_SECRET"),
        (&[("PROPUSK_CLIENT_SECRET", "hunter2")], &["login", NOWHERE], "--client-id"),
        (&[("PROPUSK_CLIENT_SECRET", "hunter2")], &["login", NOWHERE, "--client-id", "c"], "--issuer"),
        (&[("PROPUSK_CLIENT_SECRET", "hunter2")], &["login", NOWHERE, "--client-credentials", "--client-id", "c"], "--issuer"),
        (&[], &["login", NOWHERE, "--client-id", "c", "--client-secret-file", "none"], "none: "),
        (&[], &["login", NOWHERE, "--client-id", "c", "--client-secret-file", "empty"], "nothing in it"),
        (&[], &["login", NOWHERE, "--scope", " "], "--scope"),
        (&[], &["login", NOWHERE, "--scope", "\"x"], "--scope"),
        (&[], &["login", NOWHERE, "--account", " "], "--account"),
        (&[], &["status", "--account", "\n"], "--account"),
        (&[], &["login", "no-url"], "no-url"),
        (&[("PROPUSK_NO_BROWSER", "perhaps")], &["login", NOWHERE], "perhaps"),
        (&[("PROPUSK_CONFIG", "odd.toml")], &["login", NOWHERE], "line 3"),
        (&[], &["completions", "nosuchshell"], "bash"),
        (&[], &["man", "--to", "no/folder"], "make the folder"),
    ];
    for (more, args, word) in table {
        let done = place.run_with(&[&env, *more].concat(), args).code(2);
        assert!(done.err.contains(word), "{args:?}: {done:?}");
        assert!(!done.err.contains("hunter2"), "{done:?}");
    }
    // A secret is no argument, which others could see.
    let done = place
        .run(&["login", NOWHERE, "--client-secret", "hunter2"])
        .code(2);
    assert!(done.out.is_empty(), "{done:?}");
}

#[test]
fn a_server_that_signs_nobody_in() {
    let (place, home) = at_home();
    let env = [("HOME", &*home)];
    let server = place.serve(FIXED);
    let done = place.run_with(&env, &["login", &server.url]).code(2);
    assert!(done.err.contains("--token"), "{done:?}");
    let done = place.run_with(&env, &["login", NOWHERE]).code(5);
    assert!(done.err.contains("cannot talk to the server"), "{done:?}");
}

/// Without a home nobody has a login, and tokens work all the same.
#[test]
fn a_place_without_a_home() {
    let place = Sandbox::new();
    let server = place.serve(FIXED);
    place.call(ALICE, &server.url, &["whoami"]).code(0);
    place.call("", &server.url, &["whoami"]).code(3);
    for args in [
        &["status"][..],
        &["logout", NOWHERE],
        &["login", &server.url],
    ] {
        let done = place.run(args).code(5);
        assert!(done.err.contains("HOME"), "{done:?}");
    }
}

/// Files that others could read or change are not used, and said.
#[test]
fn a_folder_that_others_may_change() {
    let (place, home) = at_home();
    let folder = place.path("home/.local/state/propusk/logins");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::set_permissions(&folder, PermissionsExt::from_mode(0o777)).unwrap();
    let done = place.run_with(&[("HOME", &home)], &["status"]);
    assert!(
        done.code != 0 && done.err.contains("propusk/logins"),
        "{done:?}"
    );
}

/// What was sent, what the server asked for, and the command that helps.
#[test]
fn a_refusal_explains_itself() {
    let place = Sandbox::new();
    let store = place.serve(FIXED);
    // Nobody answers at this issuer, which does not matter here.
    let issuer = place.serve(&[FIXED, &["--issuer", "http://127.0.0.1:9"]].concat());
    let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let old = json!({ "exp": 1_700_000_000, "aud": "https://other.example/mcp", "iss": "http://127.0.0.1:7" });
    let old = format!("{}.{}.c2ln", part(json!({ "alg": "ES256" })), part(old));
    place.write("old", &old);
    let sign_in = format!("sign in with: propusk login {}", issuer.url);
    let sign_in_for_more = format!("propusk login {} --scope notes:write", issuer.url);
    #[rustfmt::skip]
    let table: &[(&str, Words<'_>, i32, &[&str])] = &[
        (&store.url, &["whoami"], 3, &["sent: no token", "pass a token with", "propusk token issue"]),
        (&store.url, &["whoami", "--token", "nonsense"], 3, &["sent: the token of --token\n", "invalid_token"]),
        (&store.url, &["whoami", "--token-file", "old"], 3,
         &["sent: the token of old; by its own words it expired", "days ago", "is for https://other.example/mcp, and not for"]),
        (&store.url, &["notes_add", "text=x", "--token", BOB], 4,
         &["sent: the token of --token\n", "propusk token issue --subject NAME --scope notes:write"]),
        (&issuer.url, &["whoami"], 3, &["sent: no token", &sign_in, "or pass a token with"]),
        (&issuer.url, &["notes_add", "text=x", "--token", BOB], 4, &[&sign_in_for_more]),
    ];
    for (url, rest, code, words) in table {
        let done = place.run(&[&["call", url], *rest].concat()).code(*code);
        for word in *words {
            assert!(done.err.contains(word), "{rest:?} {word}: {}", done.err);
        }
        for secret in ["nonsense", &old, BOB] {
            assert!(!done.err.contains(secret), "{}", done.err);
        }
    }
}
