//! The flags that say which tokens are accepted: what makes no sense is said before anything
//! starts, what has no effect is not swallowed, and secrets come from one place.

use std::net::TcpListener;
use std::{ffi::OsStr, fs, os::unix::ffi::OsStrExt, process::Command};

use propusk_testing::local_issuer::{LocalIssuer, private_key_pem};
use serde_json::json;

use crate::support::{Done, Env, PROPUSK, Sandbox, Words, done};

const SECRET: &str = "hunter2-hunter2";

/// A usage error with these words, before anything was created or announced.
#[track_caller]
fn refused(place: &Sandbox, done: &Done, words: &[&str]) {
    let before: Vec<String> = place.files().into_keys().collect();
    assert_eq!(done.code, 2, "{words:?}: {done:#?}");
    assert_eq!(done.out, "", "{done:#?}");
    assert!(done.err.contains("error: "), "{done:#?}");
    for word in words {
        assert!(done.err.contains(word), "without {word:?}: {done:#?}");
    }
    assert!(!done.err.contains(SECRET), "{done:#?}");
    assert!(
        !before.iter().any(|name| name.ends_with(".db")),
        "{before:?}"
    );
}

fn serve(place: &Sandbox, env: Env<'_>, flags: Words<'_>) -> Done {
    let args = [&["serve", "--listen", "127.0.0.1:0"], flags].concat();
    place.run_with(env, &args)
}

#[test]
fn a_key_file_that_is_none_is_said_at_the_start() {
    let place = Sandbox::new();
    fs::create_dir(place.path("folder")).unwrap();
    // In a folder of its own: who looks through the other one would wait for a writer.
    let pipes = Sandbox::new();
    let fifo = pipes.path("fifo");
    let fifo = fifo.to_str().unwrap();
    let made = Command::new("mkfifo").arg(fifo).status();
    assert!(made.expect("mkfifo runs").success());
    place.write("garbage.json", "ssh-rsa AAAA hunter2-hunter2");
    place.write("array.json", "[]");
    place.write("empty.json", "");
    place.write("no-keys.json", r#"{"keys":[]}"#);
    place.write(
        "private.json",
        r#"{"keys":[{"kty":"oct","k":"hunter2-hunter2"}]}"#,
    );
    place.write(
        "one.json",
        r#"{"kty":"OKP","crv":"Ed25519","x":"hunter2-hunter2"}"#,
    );
    place.write("nothing.json", "{}");
    place.write("text.json", r#"{"keys":"hunter2-hunter2"}"#);
    place.write(
        "metadata.json",
        r#"{"issuer":"https://login.example","jwks_uri":"https://login.example/keys"}"#,
    );
    place.write("huge.json", vec![b' '; 600_000]);
    place.write("binary.json", b"\xff\xfe");
    for (file, word) in [
        ("missing.json", "missing.json"),
        ("folder", "not a regular file"),
        (fifo, "not a regular file"),
        ("garbage.json", "JSON"),
        ("array.json", "JSON object"),
        ("empty.json", "JSON"),
        ("no-keys.json", "no public key"),
        ("private.json", "private or secret part"),
        ("huge.json", "larger than"),
        ("binary.json", "JSON"),
        ("", "this is empty"),
        (" ", "this is empty"),
        ("one.json", r#"{"keys": [ … ]}"#),
        ("nothing.json", "no array `keys`"),
        ("text.json", "no array `keys`"),
        ("metadata.json", "`jwks_uri`"),
    ] {
        let flags = ["--issuer", "https://login.example", "--jwks", file];
        let named = ["--jwks", file, word];
        let done = serve(&place, &[], &flags);
        refused(&place, &done, &named);
        assert!(!done.err.contains("--issuer:"), "{done:?}");
        let inspect = [&["inspect", "some-token"], &flags[..]].concat();
        refused(&place, &place.run(&inspect), &named);
        let with_store = [&flags[..], &["--tokens", "sqlite:new.db"]].concat();
        refused(&place, &serve(&place, &[], &with_store), &named);
        place.write(
            "table.toml",
            format!("[[serve.issuer]]\nurl = 'https://login.example'\njwks = '{file}'\n"),
        );
        refused(
            &place,
            &serve(&place, &[], &["--config", "table.toml"]),
            &named,
        );
    }
}

#[test]
fn a_key_url_that_cannot_be_trusted_is_said_before_a_store_is_made() {
    let place = Sandbox::new();
    for (url, word) in [
        ("http://login.example/keys", "plain http"),
        ("ftp://login.example/keys", "https"),
        ("https://me:hunter2-hunter2@login.example/keys", "password"),
    ] {
        let flags = [
            "--issuer",
            "https://login.example",
            "--jwks",
            url,
            "--tokens",
            "sqlite:new.db",
        ];
        refused(
            &place,
            &serve(&place, &[], &flags),
            &["error: --jwks", word],
        );
    }
    let bad = [
        "--introspect",
        "http://login.example/",
        "--tokens",
        "sqlite:new.db",
    ];
    let client = ["--introspect-client-id", "me"];
    let env = [("PROPUSK_INTROSPECT_SECRET", SECRET)];
    let done = serve(&place, &env, &[&bad[..], &client].concat());
    refused(&place, &done, &["--introspect", "https"]);
}

#[test]
fn values_that_make_no_sense() {
    let place = Sandbox::new();
    let issuer = ["--issuer", "https://login.example"];
    #[rustfmt::skip]
    let table: &[(Words<'_>, &str)] = &[
        (&["--audience", ""], "--audience"),
        (&["--audience", "  "], "--audience"),
        (&["--audience", "a\u{7}b"], "--audience"),
        (&["--accept-client", ""], "--accept-client"),
        (&["--accept-client", "\u{1b}[2J"], "--accept-client"),
        (&["--required-scope", ""], "--required-scope"),
        (&["--suggested-scope", " "], "--suggested-scope"),
        (&["--allowed-host", ""], "--allowed-host"),
        (&["--allowed-origin", ""], "--allowed-origin"),
        (&["--issuer", ""], "--issuer"),
        (&["--resource", ""], "--resource"),
        (&["--introspect", ""], "--introspect"),
        (&["--introspect", "login.example", "--introspect-client-id", "me"], "--introspect"),
        (&["--introspect", "https://a.example/i", "--introspect-client-id", ""], "--introspect-client-id"),
        (&["--introspect", "https://a.example/i", "--introspect-issuer", "a.example"], "--introspect-issuer"),
        (&["--introspect", "https://a.example/i", "--introspect-client-id", "me", "--introspect-auth", "digest"], "private_key_jwt"),
    ];
    let env = [("PROPUSK_INTROSPECT_SECRET", SECRET)];
    for (flags, word) in table {
        let done = serve(&place, &env, &[&issuer[..], flags].concat());
        refused(&place, &done, &[word]);
    }
    #[rustfmt::skip]
    let keys = [
        ("audience = ['']", "--audience"),
        ("audience = ['a b']", "--audience"),
        ("accept-client = ['']", "--accept-client"),
        ("issuer = ['']", "--issuer"),
        ("issuer = [{ jwks = 'k' }]", "line 2"),
        ("issuer = [{ jwks = 'k' }]", "`url` is missing"),
        ("issuer = ['login.example']", "like https://login.example)"),
        ("issuer = [{ url = 'https://a.example', jwk = 'k' }]", "`jwks`"),
        ("issuer = [{ url = 'https://a.example', leeway = '6m' }]", "5m"),
        ("issuer = [{ url = 'https://a.example', leeway = 'soon' }]", "30s"),
        ("issuer = [{ url = 'https://a.example', algorithms = [] }]", "algorithms"),
        ("issuer = [{ url = 'https://a.example', algorithms = ['none'] }]", "RS256"),
        ("issuer = [{ url = 'https://a.example', algorithms = ['HS256'] }]", "shared secret"),
        ("issuer = [{ url = 'https://a.example', accept-client = [''] }]", "accept-client"),
        ("issuer = [5]", "line 2"),
    ];
    for (key, word) in keys {
        place.write("some.toml", format!("[serve]\n{key}\n"));
        let config = ["--config", "some.toml"];
        refused(&place, &serve(&place, &[], &config), &[word]);
    }
}

#[test]
fn what_has_no_effect_is_said() {
    let place = Sandbox::new();
    place.write("secret", SECRET);
    place.write("keys.json", r#"{"keys":[]}"#);
    let (a, b) = ("https://a.example", "https://b.example");
    let endpoint = "https://a.example/introspect";
    let fixed = ["--token", "t=alice"];
    #[rustfmt::skip]
    let table: &[(Words<'_>, &[&str])] = &[
        (&["--introspect-client-id", "me"], &["--introspect-client-id", "--introspect"]),
        (&["--introspect-auth", "post"], &["--introspect-auth", "--introspect"]),
        (&["--introspect-secret-file", "secret"], &["--introspect-secret-file", "--introspect"]),
        (&["--jwks", "keys.json"], &["--jwks", "--issuer"]),
        (&["--accept-client", "app"], &["--accept-client", "--issuer", "--introspect"]),
        // Whose client would it be?
        (&["--issuer", a, "--issuer", b, "--accept-client", "app"], &["--accept-client", "[[serve.issuer]]"]),
        // Fixed tokens name no audience.
        (&["--audience", "api://notes"], &["--audience", "--issuer"]),
    ];
    for (flags, words) in table {
        refused(
            &place,
            &serve(&place, &[], &[&fixed[..], flags].concat()),
            words,
        );
        let inspect = [&["inspect", "some-token"], &fixed[..], flags].concat();
        refused(&place, &place.run(&inspect), words);
    }
    // From the environment and the file just the same.
    for (variable, key, word) in [
        (
            "PROPUSK_INTROSPECT_CLIENT_ID",
            "introspect-client-id = 'x'",
            "--introspect-client-id",
        ),
        (
            "PROPUSK_INTROSPECT_AUTH",
            "introspect-auth = 'x'",
            "--introspect-auth",
        ),
        (
            "PROPUSK_INTROSPECT_SECRET_FILE",
            "introspect-secret-file = 'x'",
            "--introspect-secret-file",
        ),
        ("PROPUSK_JWKS", "jwks = 'x'", "--jwks"),
        (
            "PROPUSK_ACCEPT_CLIENT",
            "accept-client = ['x']",
            "--accept-client",
        ),
        ("PROPUSK_AUDIENCE", "audience = ['x']", "--audience"),
        (
            "PROPUSK_INTROSPECT_ISSUER",
            "introspect-issuer = 'x'",
            "--introspect-issuer",
        ),
        ("", "introspect-secret = 'x'", "introspect-secret"),
        ("", "introspect-signed = true", "introspect-signed"),
        ("", "introspect-leeway = '1s'", "introspect-leeway"),
        ("", "introspect-key-id = 'x'", "introspect-key-id"),
        (
            "",
            "introspect-accept-client = ['x']",
            "introspect-accept-client",
        ),
    ] {
        if !variable.is_empty() {
            refused(&place, &serve(&place, &[(variable, "x")], &fixed), &[word]);
        }
        place.write("some.toml", format!("[serve]\n{key}\n"));
        let flags = [&fixed[..], &["--config", "some.toml"]].concat();
        refused(&place, &serve(&place, &[], &flags), &[word]);
    }
    // A file that says the same twice.
    for (keys, word) in [
        (
            format!("issuer = [{{ url = '{a}', jwks = 'k' }}]\njwks = 'k'"),
            "jwks",
        ),
        (
            format!("issuer = [{{ url = '{a}', accept-client = ['x'] }}]\naccept-client = ['y']"),
            "accept-client",
        ),
        (
            format!(
                "introspect = '{endpoint}'\nintrospect-client-id = 'me'\nintrospect-secret = 's'\nintrospect-key-id = 'k'"
            ),
            "private_key_jwt",
        ),
        (
            format!(
                "introspect = '{endpoint}'\nintrospect-client-id = 'me'\nintrospect-secret = 's'\nintrospect-signed = true"
            ),
            "--introspect-issuer",
        ),
    ] {
        place.write("some.toml", format!("[serve]\n{keys}\n"));
        let config = ["--config", "some.toml"];
        refused(&place, &serve(&place, &[], &config), &[word]);
    }
}

/// Secrets for all containers of a machine may be exported together.
#[test]
fn a_secret_in_the_environment_that_nobody_needs_is_no_error() {
    let place = Sandbox::new();
    let env = [("PROPUSK_INTROSPECT_SECRET", SECRET)];
    let server = place.serve_with(&env, &["--token", "t=alice"]);
    place.call("t", &server.url, &["whoami"]).code(0);
    // And an audience is something to a store, whose tokens may name one.
    let token = place.issue(&["--subject", "a", "--audience", "https://old.example/mcp"]);
    for (flags, code) in [
        (&["--audience", "https://old.example/mcp"][..], 0),
        (&[], 3),
    ] {
        let server = place.serve(flags);
        place.call(&token, &server.url, &["whoami"]).code(code);
    }
}

#[test]
fn lists_in_variables_may_have_any_blanks() {
    let (place, one, two) = (Sandbox::new(), LocalIssuer::start(), LocalIssuer::start());
    let issuers = format!("  {}\n\t{}  \n", one.url(), two.url());
    let env = [
        ("PROPUSK_ISSUER", issuers.as_str()),
        ("PROPUSK_AUDIENCE", " api://a  api://b\n"),
        ("PROPUSK_FIXED_TOKENS", "t=alice:echo  u=bob \n"),
        ("PROPUSK_REQUIRED_SCOPE", "echo \n echo"),
        ("PROPUSK_SUGGESTED_SCOPE", " echo\r\n"),
        ("PROPUSK_ALLOWED_HOST", "a.example  b.example "),
        (
            "PROPUSK_ALLOWED_ORIGIN",
            "https://a.example\nhttps://b.example\n",
        ),
        ("PROPUSK_ACCEPT_CLIENT", " \n "),
    ];
    let server = place.serve_with(&env, &[]);
    place.call("t", &server.url, &["whoami"]).code(0);
    place.call("u", &server.url, &["whoami"]).code(4);
    for (issuer, audience) in [(&one, "api://a"), (&two, "api://b")] {
        let token = issuer.token(&json!({"aud": audience, "scope": "echo"}));
        place.call(&token, &server.url, &["whoami"]).code(0);
    }
}

/// A server that introspects with the secret that it found; which one it sent.
fn secret_sent(place: &Sandbox, env: Env<'_>, flags: Words<'_>) -> String {
    let issuer = LocalIssuer::start();
    let endpoint = format!("{}/introspect", issuer.url());
    let client = [
        "--introspect",
        &endpoint,
        "--introspect-client-id",
        "me",
        "--introspect-auth",
        "post",
    ];
    let server = place.serve_with(env, &[&client[..], flags].concat());
    issuer.publish("/introspect", &json!({"active": false}));
    place.call("opaque-token", &server.url, &["whoami"]).code(3);
    let body = issuer.bodies().pop().expect("it was asked");
    let sent = body
        .split('&')
        .find_map(|pair| pair.strip_prefix("client_secret="));
    sent.expect("a secret").to_owned()
}

#[test]
fn the_secret_comes_from_the_first_place_that_has_one() {
    let place = Sandbox::new();
    for name in ["of-flag", "of-variable", "of-file"] {
        place.write(name, format!("{name}\n"));
    }
    place.write("text.toml", "[serve]\nintrospect-secret = 'of-config'\n");
    place.write("file.toml", "[serve]\nintrospect-secret-file = 'of-file'\n");
    let flag = ["--introspect-secret-file", "of-flag"];
    let (text, file) = (["--config", "text.toml"], ["--config", "file.toml"]);
    let secret = ("PROPUSK_INTROSPECT_SECRET", "of-environment");
    let named = ("PROPUSK_INTROSPECT_SECRET_FILE", "of-variable");
    let empty = ("PROPUSK_INTROSPECT_SECRET", "");
    #[rustfmt::skip]
    let table: &[(Env<'_>, &[&[&str]], &str)] = &[
        (&[], &[&flag], "of-flag"),
        (&[secret], &[&flag, &text], "of-flag"),
        (&[named], &[&flag], "of-flag"),
        (&[secret, named], &[&flag, &file], "of-flag"),
        (&[secret], &[], "of-environment"),
        (&[secret], &[&text], "of-environment"),
        (&[secret], &[&file], "of-environment"),
        (&[named], &[&text], "of-variable"),
        (&[named], &[&file], "of-variable"),
        (&[named, empty], &[&file], "of-variable"),
        (&[empty], &[&text], "of-config"),
        (&[empty], &[&file], "of-file"),
    ];
    for (env, flags, sent) in table {
        let found = secret_sent(&place, env, &flags.concat());
        assert_eq!(found, *sent, "{env:?} {flags:?}");
    }
}

#[test]
fn a_secret_twice_none_or_unreadable() {
    let place = Sandbox::new();
    place.write("secret", SECRET);
    place.write("empty", "\n");
    place.write("binary", b"\xffhunter2-hunter2");
    place.write("key.pem", private_key_pem());
    place.write(
        "twice.toml",
        "[serve]\nintrospect-secret = 'hunter2-hunter2'\nintrospect-secret-file = 'secret'\n",
    );
    let secret = ("PROPUSK_INTROSPECT_SECRET", SECRET);
    let named = ("PROPUSK_INTROSPECT_SECRET_FILE", "secret");
    let place_of = [
        "--introspect",
        "https://a.example/i",
        "--introspect-client-id",
        "me",
    ];
    #[rustfmt::skip]
    let table: &[(Env<'_>, Words<'_>, &[&str])] = &[
        (&[], &[], &["PROPUSK_INTROSPECT_SECRET", "--introspect-secret-file"]),
        (&[("PROPUSK_INTROSPECT_SECRET", "")], &[], &["PROPUSK_INTROSPECT_SECRET"]),
        (&[secret, named], &[], &["PROPUSK_INTROSPECT_SECRET", "PROPUSK_INTROSPECT_SECRET_FILE"]),
        (&[], &["--config", "twice.toml"], &["introspect-secret", "introspect-secret-file"]),
        (&[], &["--introspect-secret-file", "missing"], &["--introspect-secret-file", "missing"]),
        (&[], &["--introspect-secret-file", "binary"], &["--introspect-secret-file", "UTF-8"]),
        // What was chosen is what is used: an empty file does not lead on to the next place.
        (&[secret], &["--introspect-secret-file", "empty"], &["--introspect-secret-file", "empty"]),
        (&[secret], &["--introspect-auth", "private_key_jwt"], &["PROPUSK_INTROSPECT_SECRET", "PKCS#8"]),
    ];
    for (env, flags, words) in table {
        let done = serve(&place, env, &[&place_of[..], flags].concat());
        refused(&place, &done, words);
    }
    let args = [&["serve", "--listen", "127.0.0.1:0"], &place_of[..]].concat();
    let mut command = place.command(PROPUSK, &args, &[]);
    command.env(
        "PROPUSK_INTROSPECT_SECRET",
        OsStr::from_bytes(b"\xffhunter2-hunter2"),
    );
    refused(
        &place,
        &done(command),
        &["PROPUSK_INTROSPECT_SECRET", "UTF-8"],
    );
}

#[test]
fn a_variable_that_is_not_utf8_is_named() {
    let place = Sandbox::new();
    for variable in ["PROPUSK_ISSUER", "PROPUSK_TOKENS", "PROPUSK_ACCEPT_CLIENT"] {
        let mut command = place.command(PROPUSK, &["serve", "--listen", "127.0.0.1:0"], &[]);
        command.env(variable, OsStr::from_bytes(b"\xffhunter2-hunter2"));
        refused(&place, &done(command), &[variable, "UTF-8"]);
    }
}

#[test]
fn a_password_on_the_command_line_is_warned_of_without_repeating_it() {
    let place = Sandbox::new();
    let url = "postgres://u:hunter2-hunter2@127.0.0.1:1/db";
    let given = format!("--tokens={url}");
    // Where serve cannot listen, it ends.
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = taken.local_addr().expect("an address").to_string();
    for args in [
        &["serve", "--listen", &taken, "--tokens", url][..],
        &["inspect", "propusk_1", "--tokens", url],
        &["token", "list", "--tokens", url],
        &["token", &given, "issue", "--subject", "a"],
    ] {
        let done = place.run(args).code(5);
        let warnings: Vec<_> = done
            .err
            .lines()
            .filter(|l| l.starts_with("warning: "))
            .collect();
        assert_eq!(warnings.len(), 1, "{args:?}: {done:?}");
        for word in [
            "--tokens",
            "PROPUSK_TOKENS",
            "propusk.toml",
            "PGPASSWORD",
            ".pgpass",
        ] {
            assert!(warnings[0].contains(word), "{args:?} {word}: {done:?}");
        }
        assert!(!done.err.contains("hunter2"), "{done:?}");
    }
    place.write("some.toml", format!("tokens = '{url}'\n"));
    let plain = "postgres://u@127.0.0.1:1/db";
    for (env, args) in [
        (&[("PROPUSK_TOKENS", url)][..], &["token", "list"][..]),
        (&[], &["token", "list", "--config", "some.toml"]),
        (&[], &["token", "list", "--tokens", plain]),
        (
            &[("PROPUSK_TOKENS", url)],
            &["token", "list", "--tokens", plain],
        ),
    ] {
        let done = place.run_with(env, args).code(5);
        assert!(!done.err.contains("warning: "), "{args:?}: {done:?}");
        assert!(!done.err.contains("hunter2"), "{done:?}");
    }
}

/// A comma is a character of a scope (RFC 6749 §3.3) and rarely meant to be one.
#[test]
fn a_comma_in_a_scope_is_warned_of() {
    let place = Sandbox::new();
    for (flag, key) in [
        ("--required-scope", "required-scope"),
        ("--suggested-scope", "suggested-scope"),
    ] {
        place.write("some.toml", format!("[serve]\n{key} = ['a,b']\n"));
        for (flags, warned) in [
            (&[flag, "a,b"][..], true),
            (&["--config", "some.toml"], true),
            (&[flag, "a b"], false),
        ] {
            let server = place.serve(&[&["--token", "t=alice"], flags].concat());
            let log = server.stop().code(0).err;
            let warning = format!("{flag}: the comma in \"a,b\" is part of a scope");
            assert_eq!(log.contains(&warning), warned, "{flags:?}: {log}");
        }
    }
}
