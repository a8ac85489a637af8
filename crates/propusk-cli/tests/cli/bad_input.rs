//! Bad input gets a clear error with its exit code, and changes nothing.

use std::{fs, os::unix::fs::PermissionsExt, time::Duration};

use crate::support::{Done, Sandbox, until};

/// A folder with all that bad input may point at.
fn place() -> Sandbox {
    let place = Sandbox::new();
    fs::create_dir(place.path("folder")).expect("a folder");
    place.write("text.db", "not a database\n");
    place.write("broken.toml", "[serve\n");
    place.write("unknown.toml", "[serve]\nlistn = '127.0.0.1:0'\n");
    place.write("typed.toml", "[serve]\nlisten = 5\n");
    place.write("latin1.toml", b"log = '\xe9'\n");
    place.write("empty", "");
    place.write("two-lines", "one\ntwo\n");
    place.write("binary", b"\xff\xfe");
    place
}

#[track_caller]
fn refused(place: &Sandbox, done: &Done, code: i32, word: &str, what: &[&str]) {
    assert_eq!(done.code, code, "{what:?}: {done:#?}");
    assert_eq!(done.out, "", "{what:?}");
    assert!(done.err.contains("error: "), "{what:?}: {done:#?}");
    assert!(
        done.err.contains(word),
        "{what:?} without {word:?}: {done:#?}"
    );
    assert!(!done.err.contains("panicked"), "{done:#?}");
    assert!(
        place.files() == self::place().files(),
        "{what:?} changed something: {:?}",
        place.files().keys()
    );
}

#[test]
fn words_and_flags() {
    let place = place();
    #[rustfmt::skip]
    let table: &[(&[&str], &str)] = &[
        // The nearest one is named.
        (&["serv"], "'serve'"),
        (&["tokn"], "'token'"),
        (&["token", "isue"], "'issue'"),
        (&["serve", "--lisen", "x"], "'--listen'"),
        (&["serve", "--admision", "x"], "'--admission'"),
        (&["serve", "--require-scope", "x"], "'--required-scope'"),
        (&["token", "issue", "--subjct", "a"], "'--subject'"),
        (&["token", "issue", "--subject", "a", "--scopes", "x"], "'--scope'"),
        (&["token", "list", "--jso"], "'--json'"),
        (&["call", "--tokn", "x", "http://127.0.0.1:1/", "x"], "'--token'"),
        (&["tools", "--erra", "x", "http://127.0.0.1:1/"], "'--era'"),
        // Too much, too little, twice.
        (&["serve", "extra"], "'extra'"),
        (&["token", "list", "extra"], "'extra'"),
        (&["tools"], "<URL>"),
        (&["call", "http://127.0.0.1:1/"], "<TOOL>"),
        (&["token", "issue"], "--subject"),
        (&["token", "show"], "<ID>"),
        (&["token", "issue", "--subject", "a", "--subject", "b"], "multiple times"),
        (&["serve", "--listen"], "--listen"),
        (&["call", "--token", "a", "--token-file", "empty", "http://127.0.0.1:1/", "x"], "--token-file"),
    ];
    for (args, word) in table {
        refused(&place, &place.run(args), 2, word, args);
    }
}

#[test]
fn values_of_serve() {
    let place = place();
    #[rustfmt::skip]
    let table: &[(&[&str], &str)] = &[
        (&["--listen", "nonsense"], "127.0.0.1:8000"),
        (&["--listen", "127.0.0.1"], "127.0.0.1:8000"),
        (&["--listen", "127.0.0.1:99999"], "not an address"),
        (&["--listen", ""], "not an address"),
        (&["--resource", "nope"], "not absolute"),
        (&["--resource", "ftp://h.example/mcp"], "http or https"),
        (&["--resource", "https://h.example/mcp?x"], "query"),
        (&["--resource", "https://h.example/mcp#x"], "fragment"),
        (&["--resource", "https://u:p@h.example/mcp"], "password"),
        (&["--admission", "maybe"], "required, optional, permissive"),
        (&["--required-scope", "a\"b"], "printable ASCII"),
        (&["--required-scope", "ж"], "'ж'"),
        (&["--allowed-host", "http://h.example"], "mcp.example.com"),
        (&["--allowed-origin", "*"], "https://app.example.com"),
        (&["--allowed-origin", "h.example"], "not an origin"),
        (&["--token", "word"], "TOKEN=SUBJECT"),
        (&["--token", "t="], "subject is missing"),
        (&["--token", "=alice"], "token is empty"),
        (&["--token", "ok=a", "--token", "t=:s"], "number 2"),
        (&["--token", "t=alice:a\\b"], "scope"),
        (&["--metrics", "maybe"], "or write on, or off"),
        (&["--metrics", "127.0.0.1"], "--metrics"),
        (&["--listen", "127.0.0.1:0", "--audit", "folder"], "--audit"),
        (&["--listen", "127.0.0.1:0", "--audit", "missing/a.jsonl"], "missing/a.jsonl"),
        (&["--log", "a=b=c"], "--log"),
        (&["--config", "missing.toml"], "missing.toml"),
        (&["--config", "folder"], "folder"),
        (&["--config", "broken.toml"], "line 1"),
        (&["--config", "unknown.toml"], "`listen`"),
        (&["--config", "typed.toml"], "line 2"),
        (&["--config", "latin1.toml"], "UTF-8"),
    ];
    for (args, word) in table {
        let args = [&["serve"], *args].concat();
        refused(&place, &place.run(&args), 2, word, &args);
    }
}

#[test]
fn places_of_a_store() {
    let place = place();
    #[rustfmt::skip]
    let table = [
        ("sqlite:folder", "is a folder"),
        ("sqlite:missing/tokens.db", "does not exist"),
        ("sqlite:text.db/tokens.db", "does not exist"),
        ("sqlite:text.db", "not a token store"),
        ("text.db", "not a token store"),
        ("sqlite:", "path is missing"),
        ("sqlite:x.db?mode=ro", "parameters"),
        ("postgres://u@h.example:port/db", "PostgreSQL"),
        ("postgres://u@h.example/db?mode=ro", "parameter"),
        ("mysql://h.example/db", "sqlite:"),
        ("word", "sqlite:"),
        ("", "sqlite:"),
    ];
    for (url, word) in table {
        for args in [
            &["serve", "--listen", "127.0.0.1:0"][..],
            &["token", "issue", "--subject", "a"],
        ] {
            let args = [args, &["--tokens", url]].concat();
            refused(&place, &place.run(&args), 2, word, &args);
        }
    }
}

#[test]
fn a_look_into_a_store_does_not_create_one() {
    let place = place();
    let id = "0123456789AB";
    for url in [
        None,
        Some("sqlite:folder/new.db"),
        Some("sqlite:missing/new.db"),
    ] {
        let flags: Vec<&str> = url.iter().flat_map(|url| ["--tokens", url]).collect();
        for args in [
            &["list"][..],
            &["list", "--json"],
            &["show", id],
            &["rotate", id],
            &["revoke", id],
        ] {
            let args = [&["token"], args, &flags].concat();
            refused(&place, &place.run(&args), 1, "no token store", &args);
        }
    }
    for (url, word) in [
        ("sqlite:folder", "is a folder"),
        ("text.db", "not a token store"),
        ("sqlite:", "path is missing"),
    ] {
        let args = ["token", "list", "--tokens", url];
        refused(&place, &place.run(&args), 2, word, &args);
    }
}

#[test]
fn values_of_token() {
    let place = place();
    let long = "x".repeat(100_000);
    let good = "propusk_0123456789AB_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG3mog9f";
    let slip = good.replace("89ab", "8a9b");
    #[rustfmt::skip]
    let table: &[(&[&str], &str)] = &[
        (&["issue", "--subject", ""], "--subject: this is empty"),
        (&["issue", "--subject", "  "], "--subject: this is empty"),
        (&["issue", "--subject", "a", "--scope", "a\"b"], "printable ASCII"),
        (&["issue", "--subject", "a", "--scope", "a\\b"], "printable ASCII"),
        (&["issue", "--subject", "a", "--scope", "чтение"], "printable ASCII"),
        (&["issue", "--subject", "a", "--audience", "nope"], "not absolute"),
        (&["issue", "--subject", "a", "--audience", "ftp://x/"], "http or https"),
        (&["issue", "--subject", "a", "--expires-in", "0s"], "at least a second"),
        (&["issue", "--subject", "a", "--expires-in", "30"], "30d"),
        (&["issue", "--subject", "a", "--expires-in", ""], "30d"),
        (&["issue", "--subject", "a", "--expires-in", "forever"], "never"),
        (&["issue", "--subject", "a", "--expires-in=-1d"], "12h"),
        (&["issue", "--subject", "a", "--expires-in", &long], "never"),
        (&["show", "x"], "12 letters and digits"),
        (&["show", "0123456789A_"], "token list"),
        (&["show", good], "its id is"),
        (&["rotate", ""], "12 letters and digits"),
        (&["revoke", &long], "12 letters and digits"),
        (&["revoke", "propusk_"], "copying"),
        (&["revoke", &good[..60]], "copying"),
        (&["revoke", &slip], "checksum"),
    ];
    for (args, word) in table {
        let args = [&["token"], *args].concat();
        refused(&place, &place.run(&args), 2, word, &args);
    }
}

#[test]
fn ids_that_are_not_there() {
    let place = Sandbox::new();
    place.issue(&["--subject", "a"]);
    let before = place.run(&["token", "list", "--json"]).code(0).out;
    let good = "propusk_0123456789AB_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG3mog9f";
    for args in [
        ["token", "show", "0123456789AB"],
        ["token", "rotate", "0123456789AB"],
        ["token", "revoke", "0123456789AB"],
        ["token", "revoke", good],
    ] {
        let done = place.run(&args).code(1);
        assert_eq!(done.out, "", "{args:?}");
        for word in ["error: ", "0123456789AB", "token list"] {
            assert!(done.err.contains(word), "{args:?}: {done:?}");
        }
    }
    assert_eq!(place.run(&["token", "list", "--json"]).out, before);
}

#[test]
fn values_of_call() {
    let place = place();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/mcp", listener.local_addr().expect("an address"));
    #[rustfmt::skip]
    let table: &[(&[&str], &str)] = &[
        (&["", "x"], "not absolute"),
        (&["word", "x"], "not absolute"),
        (&["127.0.0.1:8000/mcp", "x"], "http://127.0.0.1:8000/mcp"),
        (&["ftp://h.example/", "x"], "http or https"),
        (&["http://", "x"], "empty host"),
        (&["http://127.0.0.1:99999/", "x"], "port"),
        (&["http://u:p@127.0.0.1:1/", "x"], "password"),
        (&["http://h.example/mcp", "x", "--token", "t"], "https only"),
        (&[&url, "x", "word"], "key=text"),
        (&[&url, "x", "=word"], "key is missing"),
        (&[&url, "x", ":=1"], "key is missing"),
        (&[&url, "x", "a:=word"], "not JSON"),
        (&[&url, "x", "--json", "[1]"], "JSON object"),
        (&[&url, "x", "--json", "{"], "object"),
        (&[&url, "x", "--json", r#"{"a": 1} {}"#], "trailing"),
        (&[&url, "x", "--era", "old"], "auto, modern, legacy"),
        (&[&url, "x", "--token", "two words"], "bearer token"),
        (&[&url, "x", "--token", "пропуск"], "bearer token"),
        (&[&url, "x", "--token", "  "], "empty"),
        (&[&url, "x", "--token-file", "missing"], "missing"),
        (&[&url, "x", "--token-file", "folder"], "folder"),
        (&[&url, "x", "--token-file", "empty"], "empty"),
        (&[&url, "x", "--token-file", "two-lines"], "bearer token"),
        (&[&url, "x", "--token-file", "binary"], "UTF-8"),
    ];
    for (args, word) in table {
        let args = [&["call"], *args].concat();
        refused(&place, &place.run(&args), 2, word, &args);
    }
    listener.set_nonblocking(true).expect("a socket");
    assert!(listener.accept().is_err(), "nobody came to the server");
}

#[test]
fn a_port_in_use_creates_no_store() {
    let place = place();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let args = ["serve", "--listen", &address];
    refused(&place, &place.run(&args), 5, "in use", &args);
    refused(&place, &place.run(&args), 5, "--listen", &args);
}

#[test]
fn a_store_of_a_newer_version_is_not_touched() {
    let place = Sandbox::new();
    place.issue(&["--subject", "a"]);
    // `user_version` in the header of a SQLite file.
    let mut bytes = fs::read(place.path("propusk.db")).expect("the store");
    bytes[60..64].copy_from_slice(&99_u32.to_be_bytes());
    place.write("propusk.db", &bytes);
    for args in [
        &["serve", "--listen", "127.0.0.1:0"][..],
        &["token", "list"],
        &["token", "issue", "--subject", "a"],
    ] {
        let done = place.run(args).code(2);
        assert_eq!(done.out, "");
        assert!(
            done.err.contains("99") && done.err.contains("update"),
            "{done:?}"
        );
        assert_eq!(
            fs::read(place.path("propusk.db")).expect("the store"),
            bytes
        );
    }
}

#[test]
fn a_store_that_cannot_be_written() {
    let place = Sandbox::new();
    let token = place.issue(&["--subject", "a"]);
    fs::set_permissions(place.path("propusk.db"), fs::Permissions::from_mode(0o400)).expect("mode");
    if fs::OpenOptions::new()
        .write(true)
        .open(place.path("propusk.db"))
        .is_ok()
    {
        // The superuser writes everywhere.
        return;
    }
    let done = place.run(&["token", "revoke", &token]).code(2);
    assert!(done.err.contains("permission"), "{done:?}");
}

#[test]
fn a_store_that_is_gone_is_an_outage_of_the_server() {
    let place = Sandbox::new();
    let server = place.serve(&[]);
    let token = place.issue(&["--subject", "a"]);
    place.call(&token, &server.url, &["whoami"]).code(0);
    for name in place.files().keys() {
        fs::remove_file(place.path(name)).expect("removed");
    }
    // Not "invalid token": the client must not throw a good one away.
    let done = until("the outage", Duration::from_secs(5), || {
        let done = place.call(&token, &server.url, &["whoami"]);
        (done.code != 0).then_some(done)
    });
    assert!(done.code(5).err.contains("503"));
    assert_eq!(place.files().len(), 0, "and no new store appears");
    // The operator learns why.
    let log = server.stop().err;
    assert!(log.contains("removed or replaced"), "{log}");
}
