//! `propusk login`, `logout` and `status` without an identity provider, and what a refusal says.

use std::os::unix::fs::PermissionsExt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use propusk::{
    BearerToken,
    client::{FileLogins, Login, LoginKey, LoginStore},
};
use serde_json::json;
use tokio::runtime::Runtime;

use crate::{
    support::{ALICE, BOB, Env, FIXED, PROPUSK, Sandbox, Words},
    typing::Typing,
};

const LOGINS: &str = ".local/state/propusk/logins";
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

/// Keeps a login in the files of this home. Nobody answers at its issuer.
fn keep(home: &str, server: &str, account: Option<&str>, change: impl Fn(Login) -> Login) {
    let key = LoginKey {
        server: server.to_owned(),
        resource: server.to_owned(),
        issuer: "http://127.0.0.1:9".to_owned(),
        client_id: "nightly".to_owned(),
        account: account.map(str::to_owned),
    };
    let login = Login::new(
        key,
        "http://127.0.0.1:9/token",
        BearerToken::parse("abc").unwrap(),
    );
    let logins = FileLogins::new(std::path::Path::new(home).join(LOGINS));
    let kept = Runtime::new()
        .unwrap()
        .block_on(logins.save(&change(login)));
    kept.unwrap();
}

/// All is all, whatever account is preset; and one that cannot go keeps no other.
#[test]
fn logout_all_leaves_nobody_signed_in() {
    let (place, home) = at_home();
    place.write("preset.toml", "[login]\naccount = \"work\"\n");
    let home_only = [("HOME", &*home)];
    place
        .run_with(&home_only, &["logout", "--all", "--account", "work"])
        .code(2);
    for preset in [
        ("PROPUSK_ACCOUNT", "work"),
        ("PROPUSK_CONFIG", "preset.toml"),
    ] {
        for account in [None, Some("work"), Some("home")] {
            keep(&home, NOWHERE, account, |login| login);
        }
        let env = [("HOME", &*home), preset];
        let done = place.run_with(&env, &["logout", "--all"]).code(0);
        assert_eq!(done.err.matches("signed out of").count(), 3, "{done:?}");
        let left = place.run_with(&home_only, &["status", "--json"]).code(0);
        assert_eq!(left.out, "[]\n");
    }
    for server in ["http://127.0.0.1:1/a", "http://127.0.0.1:1/b"] {
        keep(&home, server, None, |login| login);
    }
    // The lock of the first cannot be taken: a link, which nobody follows.
    let folder = place.path("home").join(LOGINS);
    let files = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let files: Vec<_> = files.collect();
    let json = |file: &&std::path::PathBuf| file.extension().is_some_and(|end| end == "json");
    let first = files.iter().filter(json).find(|file| {
        std::fs::read_to_string(file)
            .unwrap()
            .contains("127.0.0.1:1/a")
    });
    let lock = first.unwrap().with_extension("lock");
    std::os::unix::fs::symlink("/nonexistent/x", lock).unwrap();
    let done = place.run_with(&home_only, &["logout", "--all"]).code(5);
    assert!(
        done.err.contains("not signed out of http://127.0.0.1:1/a"),
        "{done:?}"
    );
    assert!(
        done.err.contains("signed out of http://127.0.0.1:1/b;"),
        "{done:?}"
    );
}

/// Somebody may be signed in there, with tokens that are valid.
#[test]
fn a_login_that_cannot_be_read_is_named() {
    let (place, home) = at_home();
    let server = place.serve(FIXED);
    keep(&home, &server.url, None, |login| login);
    let folder = place.path("home").join(LOGINS);
    let files = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let file = files.last().unwrap();
    std::fs::write(&file, "{").unwrap();
    let name = file.to_str().unwrap();
    let env = [("HOME", &*home)];
    #[rustfmt::skip]
    let table: &[(Words<'_>, i32)] = &[
        (&["status"], 5),
        (&["status", &server.url], 3),
        (&["logout", "--all"], 5),
        (&["logout", &server.url], 1),
        (&["call", &server.url, "whoami"], 3),
        (&["call", &server.url, "whoami", "--account", "work"], 3),
    ];
    for (args, code) in table {
        let done = place.run_with(&env, args).code(*code);
        assert!(done.err.contains(name), "{args:?}: {done:?}");
        assert!(!done.err.contains("nobody is signed in\n"), "{done:?}");
    }
    // The others are seen and used.
    keep(&home, NOWHERE, None, |login| login);
    let done = place.run_with(&env, &["status"]).code(5);
    assert!(
        done.out.contains(NOWHERE) && done.err.contains(name),
        "{done:?}"
    );
}

/// A person in a browser is another subject than the client that signed in.
#[test]
fn an_ended_login_of_a_machine_is_no_question_for_a_person() {
    let (place, home) = at_home();
    let server = place.serve(FIXED);
    let ended = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000);
    keep(&home, &server.url, None, |login| {
        login.with_times(ended, Some(ended)).of_machine()
    });
    let call = ["call", &server.url, "whoami"];
    let command = place.command(PROPUSK, &call, &[("HOME", &home)]);
    let done = Typing::at_terminal(command).end().code(3);
    let way = format!(
        "propusk login {} --client-credentials --client-id nightly",
        server.url
    );
    assert!(done.err.contains(&way), "{done:?}");
    assert!(!done.err.contains("sign in again?"), "{done:?}");
}
