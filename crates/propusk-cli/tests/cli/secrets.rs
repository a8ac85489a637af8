//! No secret in any output, but where it belongs.

use crate::support::{Done, Sandbox};

/// Collects outputs, and looks for secrets in them.
#[derive(Default)]
struct Heard(Vec<String>);

impl Heard {
    fn hear(&mut self, done: Done) {
        self.0.extend([done.out, done.err]);
    }

    #[track_caller]
    fn knows_nothing_of(&self, secrets: &[&str]) {
        for (text, secret) in self
            .0
            .iter()
            .flat_map(|t| secrets.iter().map(move |s| (t, s)))
        {
            assert!(!text.contains(secret), "{secret} is in: {text}");
        }
    }
}

#[test]
fn issued_tokens() {
    let place = Sandbox::new();
    let server = place.serve(&["--log", "trace"]);
    let url = server.url.clone();
    let token = place.issue(&["--subject", "a"]);
    let (id, secret) = (token[8..20].to_owned(), &token[21..]);
    let wrong = "hunter2-wrong-token";
    let env = [("PROPUSK_TOKEN", token.as_str())];
    let mut heard = Heard::default();
    for args in [
        &["call", &url, "whoami", "--log", "trace"][..],
        &["call", &url, "whoami", "--json"],
        &["call", &url, "nosuch", "--log", "trace"],
        &[
            "call",
            &url,
            "--era",
            "legacy",
            "--log",
            "trace",
            "echo",
            "message=x",
        ],
        &["tools", &url, "--json", "--log", "trace"],
        &["tools", "http://127.0.0.1:1/mcp", "--log", "trace"],
        &["tools", "http://mcp.example.com/mcp"],
        &["call", "--help"],
        &["call", "-h"],
        &["tools", "--help"],
        &["call", "--nonsense"],
        &["call", &url],
        &["token", "list"],
        &["token", "list", "--json"],
        &["token", "show", &id],
        &["token", "show", &id, "--json"],
        &["token", "show", &token],
        &["token", "rotate", &token],
        &["token", "revoke", &token[..60]],
        &["token", "revoke", &token, "--json"],
        &["token", "rotate", &id],
        &["call", &url, "whoami", "--log", "trace"],
    ] {
        heard.hear(place.run_with(&env, args));
    }
    place.call(wrong, &url, &["whoami"]).code(3);
    // The first token stands in the welcome, once; the log is what comes after.
    let log = server.stop().code(0).err;
    assert!(log.contains("TRACE"), "a log at trace");
    heard.0.push(log);
    heard.knows_nothing_of(&[&token, secret, wrong]);
    let text = heard.0.last().expect("the log");
    let first = text
        .split("PROPUSK_TOKEN=")
        .nth(1)
        .expect("the first token");
    let first = first.split(' ').next().expect("the first token");
    assert_eq!(text.matches(first).count(), 1, "shown once");
    // At rest neither: what is there are digests.
    for (name, content) in place.files() {
        let found = content.windows(20).any(|window| {
            window == &secret.as_bytes()[..20] || window == &first.as_bytes()[21..41]
        });
        assert!(!found, "{name}");
    }
}

#[test]
fn fixed_tokens_and_settings() {
    let place = Sandbox::new();
    let fixed = [("PROPUSK_FIXED_TOKENS", "hunter2=alice")];
    let mut heard = Heard::default();
    heard.hear(place.run_with(&fixed, &["serve", "--help"]));
    heard.hear(place.run_with(&fixed, &["serve", "--nonsense"]));
    heard.hear(place.run(&["serve", "--token", "hunter2"]));
    heard.hear(place.run(&["serve", "--token", "hunter2="]));
    heard.hear(place.run(&["serve", "--token", "hunter2=a:\""]));
    heard.hear(place.run(&["serve", "--token", "hunter2 3=a"]));
    heard.hear(place.run(&["serve", "--resource", "https://u:hunter2@h.example/mcp"]));
    heard.hear(place.run(&["call", "https://u:hunter2@h.example/mcp", "whoami"]));
    heard.hear(place.run(&[
        "token",
        "list",
        "--tokens",
        "postgres://u:hunter2@127.0.0.1:1/db",
    ]));
    heard.hear(place.run(&[
        "call",
        "--token",
        "hunter2 3",
        "http://127.0.0.1:1/",
        "whoami",
    ]));
    heard.hear(place.run(&["call", "--token", "hunter2", "http://h.example/", "whoami"]));
    place.write("token", "hunter2 3\n");
    heard.hear(place.run(&["call", "--token-file", "token", "http://127.0.0.1:1/", "x"]));
    place.write(
        "bad.toml",
        "[call]\ntoken = \"hunter2\"\ntokn = \"hunter2\"\n",
    );
    heard.hear(place.run(&["--config", "bad.toml", "token", "list"]));
    place.write("bad.toml", "[call]\ntoken = \"hunter2\n");
    heard.hear(place.run(&["--config", "bad.toml", "token", "list"]));
    for failed in heard.0.iter().skip(3).step_by(2) {
        let error = failed.lines().any(|line| line.starts_with("error: "));
        assert!(error, "{failed}");
    }
    let database = [("PROPUSK_TOKENS", "postgres://u:hunter2@127.0.0.1:1/db")];
    heard.hear(place.run_with(&database, &["serve", "--help"]));
    heard.hear(place.run_with(&database, &["token", "list", "--help"]));
    let server = place.serve_with(&fixed, &["--log", "trace"]);
    place.call("hunter2", &server.url, &["whoami"]).code(0);
    heard.hear(server.stop().code(0));
    heard.knows_nothing_of(&["hunter"]);
}
