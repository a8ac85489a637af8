//! Tokens in a real PostgreSQL: several commands and a server share one database.

use std::time::Duration;

use propusk_testing::postgres::Postgres;

use crate::support::{Done, Sandbox, Server, until};

const PATIENCE: Duration = Duration::from_secs(30);

/// Commands that get the URL from the environment, as `--tokens` would show a password to everybody.
struct Commands {
    place: Sandbox,
    url: String,
}

impl Commands {
    fn at(url: String) -> Self {
        Self {
            place: Sandbox::new(),
            url,
        }
    }

    /// What a command did; never the password.
    fn run(&self, args: &[&str]) -> Done {
        secretive(self.place.run_with(&[("PROPUSK_TOKENS", &self.url)], args))
    }
}

fn secretive(done: Done) -> Done {
    let shown = format!("{done:?}");
    for secret in [Postgres::PASSWORD, Postgres::PASSWORD_IN_URL, "hunter2"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    done
}

fn id(token: &str) -> &str {
    token.split('_').nth(1).expect("propusk_<id>_…")
}

#[test]
fn a_token_from_issue_to_revocation() {
    let commands = Commands::at(Postgres::shared().database().expect("created"));
    let refused = commands.run(&["token", "list"]).code(1);
    assert!(
        refused
            .err
            .contains("no token store at postgres://propusk@127.0.0.1:"),
        "{refused:?}"
    );
    let issue = ["token", "issue", "--subject", "alice", "--scope", "echo"];
    let token = commands.run(&issue).code(0).line();
    let list = commands.run(&["token", "list", "--json"]).code(0).json();
    assert_eq!(
        list.as_array().map(Vec::len),
        Some(1),
        "the look created nothing"
    );

    let env = [("PROPUSK_TOKENS", &*commands.url), ("PROPUSK_LOG", "debug")];
    let server = commands.place.serve_with(&env, &[]);
    let url = server.url.clone();
    let call = |token: &str| commands.place.call(token, &url, &["whoami"]);
    assert!(call(&token).code(0).out.contains("alice"));
    let successor = commands
        .run(&["token", "rotate", id(&token)])
        .code(0)
        .line();
    call(&successor).code(0);
    until("the old token is refused", PATIENCE, || {
        (call(&token).code == 3).then_some(())
    });
    commands.run(&["token", "revoke", id(&successor)]).code(0);
    until("the token is refused", PATIENCE, || {
        (call(&successor).code == 3).then_some(())
    });
    let shown = commands.run(&["token", "show", id(&successor), "--json"]);
    assert!(shown.code(0).json()["revoked_at"].is_string());
    let stopped = secretive(server.stop().code(0));
    assert!(
        stopped
            .err
            .contains("tokens are in postgres://propusk@127.0.0.1:"),
        "{stopped:?}"
    );
    let used = commands
        .run(&["token", "show", id(&token), "--json"])
        .code(0);
    assert!(
        used.json()["last_used_at"].is_string(),
        "written at the end"
    );
}

#[test]
fn the_first_start_issues_a_token_and_shows_no_password() {
    let commands = Commands::at(Postgres::shared().database().expect("created"));
    let env = [("PROPUSK_TOKENS", &*commands.url)];
    let mut server = commands.place.serve_with(&env, &[]);
    let notes = server.err();
    assert!(
        notes.contains("created the token store postgres://propusk@127.0.0.1:"),
        "{notes}"
    );
    assert!(
        notes.contains("PGPASSWORD"),
        "how to give it to other commands: {notes}"
    );
    let first = notes
        .split("PROPUSK_TOKEN=")
        .nth(1)
        .and_then(|rest| rest.split(' ').next());
    let first = first.expect("a token");
    commands.place.call(first, &server.url, &["whoami"]).code(0);
    // The line that it shows works as it says.
    let shown = notes
        .split("--tokens ")
        .nth(1)
        .and_then(|rest| rest.split(' ').next());
    let with_variable = [("PGPASSWORD", Postgres::PASSWORD)];
    let list = ["token", "list", "--tokens", shown.expect("a URL")];
    commands.place.run_with(&with_variable, &list).code(0);
    secretive(server.stop().code(0));
}

#[test]
fn exit_codes() {
    let server = Postgres::shared();
    let good = server.database().expect("created");
    let nobody = good.replace(Postgres::PASSWORD_IN_URL, "hunter22");
    let nowhere = good.replace(&format!(":{}/", server.port()), ":1/");
    for (url, code, words) in [
        (server.url("missing"), 2, "createdb --host=127.0.0.1"),
        (nobody, 2, "check user and password"),
        (format!("{good}?sslmode=verify-full"), 2, "sslrootcert"),
        (nowhere, 5, "check that PostgreSQL runs"),
    ] {
        let commands = Commands::at(url);
        for args in [
            &["token", "list"][..],
            &["token", "issue", "--subject", "a"],
            &["serve", "--listen", "127.0.0.1:0"],
        ] {
            if args[0] == "serve" && code == 5 {
                // It waits for the database instead: see below.
                continue;
            }
            let done = commands.run(args).code(code);
            assert!(done.err.contains(words) && done.out.is_empty(), "{done:?}");
        }
    }
}

/// 503 while the database is down, and healthy by itself when it is back; a new store is set up then,
/// and its first token shown.
#[test]
fn it_starts_while_the_database_is_down() {
    let database = Postgres::start().expect("it starts");
    let (used, new) = [(); 2]
        .map(|()| Commands::at(database.database().expect("created")))
        .into();
    let issue = ["token", "issue", "--subject", "alice"];
    let token = used.run(&issue).code(0).line();
    database.stop().expect("it stops");
    let serve = |commands: &Commands| {
        commands
            .place
            .serve_with(&[("PROPUSK_TOKENS", &commands.url)], &[])
    };
    let (mut server, mut fresh) = (serve(&used), serve(&new));
    let call = |token: &str, server: &Server| used.place.call(token, &server.url, &["whoami"]);
    let done = call(&token, &server).code(5);
    assert!(done.err.contains("503"), "{done:?}");
    call("garbage", &server).code(3);
    used.run(&issue).code(5);
    let log = until("it says why", PATIENCE, || {
        Some(server.err()).filter(|log| log.contains("check that PostgreSQL runs"))
    });
    assert!(!log.contains("issue one with"), "not yet: {log}");

    database.resume().expect("it starts again");
    until("the database is reached", PATIENCE, || {
        let code = call(&token, &server).code;
        assert!([0, 5].contains(&code), "a good token was refused: {code}");
        (code == 0).then_some(())
    });
    let first = until("the first token", PATIENCE, || {
        let notes = fresh.err();
        let first = notes.split("PROPUSK_TOKEN=").nth(1)?;
        Some(first.split(' ').next()?.to_owned())
    });
    call(&first, &fresh).code(0);
    until("the note that tokens are there", PATIENCE, || {
        server.err().contains("issue one with").then_some(())
    });
    for server in [server, fresh] {
        secretive(server.stop().code(0));
    }
    // And it stops while it waits.
    database.stop().expect("it stops");
    secretive(serve(&used).stop().code(0));
}

/// What is not of the store needs no store.
#[test]
fn a_look_at_a_token_of_others_while_the_database_is_down() {
    let good = Postgres::shared().database().expect("created");
    let port = format!(":{}/", Postgres::shared().port());
    let commands = Commands::at(good.replace(&port, ":1/"));
    let of_store = "propusk_0123456789AB_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG3mog9f";
    commands.place.write("keys.json", r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#);
    let issuer = ["--issuer", "https://login.example", "--jwks", "keys.json"];
    let jwt = "eyJhbGciOiJFZERTQSJ9.eyJpc3MiOiJodHRwczovL2xvZ2luLmV4YW1wbGUifQ.AAAA";
    for (token, code, word) in [
        (jwt, 3, "JWT of https://login.example"),
        ("garbage", 3, "not recognised"),
    ] {
        let done = commands.run(&[&["inspect", token], &issuer[..]].concat());
        let done = done.code(code);
        assert!(done.out.contains(word), "{done:?}");
    }
    let done = commands.run(&[&["inspect", of_store], &issuer[..]].concat());
    let done = done.code(5);
    assert!(done.err.contains("check that PostgreSQL runs"), "{done:?}");
}

/// 503 while the database is down, the same server afterwards.
#[test]
fn an_outage_is_no_refusal() {
    let database = Postgres::start().expect("it starts");
    let commands = Commands::at(database.database().expect("created"));
    let token = commands
        .run(&["token", "issue", "--subject", "alice"])
        .code(0)
        .line();
    let server = commands
        .place
        .serve_with(&[("PROPUSK_TOKENS", &commands.url)], &[]);
    let call = || commands.place.call(&token, &server.url, &["whoami"]);
    call().code(0);
    database.stop().expect("it stops");
    until("it says that it cannot tell", PATIENCE, || {
        (call().code == 5).then_some(())
    });
    commands.run(&["token", "list"]).code(5);
    database.resume().expect("it starts again");
    call().code(0);
    secretive(server.stop().code(0));
}
