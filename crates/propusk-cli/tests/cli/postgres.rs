//! Tokens in a real PostgreSQL: several commands and a server share one database.

use std::time::Duration;

use propusk_testing::postgres::Postgres;

use crate::support::{Done, Sandbox, until};

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
            let done = commands.run(args).code(code);
            assert!(done.err.contains(words) && done.out.is_empty(), "{done:?}");
        }
    }
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
