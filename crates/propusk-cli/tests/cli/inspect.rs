//! `propusk inspect` beside a running `propusk serve` with the same settings.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::support::{ALICE, BOB, Done, Env, FIXED, Sandbox, Words};

const RESOURCE: &str = "http://127.0.0.1:8000/mcp";

/// An issuer whose keys nobody can have: at a port where nothing listens.
const NOBODY: &str = "http://127.0.0.1:1";

/// Inspects with JSON, and expects the exit code that goes with the decision.
fn told(place: &Sandbox, env: Env<'_>, token: &str, args: Words<'_>) -> (i32, Value) {
    let done = place.run_with(env, &[&["inspect", "--json", token], args].concat());
    (done.code, done.json())
}

/// The reason in the audit log of a server, for a call of this tool.
fn decided(place: &Sandbox, env: Env<'_>, args: Words<'_>, token: &str, tool: &str) -> String {
    let own = ["--audit", "audit.jsonl", "--log", "off"];
    let mut server = place.serve_with(env, &[&own, args].concat());
    // The resource URL is another one than that of the free port.
    let said = server.err();
    let bound = said.lines().find_map(|line| line.strip_prefix("bound to "));
    let url = format!("http://{}/mcp", bound.expect("it says where"));
    let json = if tool == "echo" {
        "message=x"
    } else {
        "text=x"
    };
    place.call(token, &url, &[tool, json]);
    server.stop().code(0);
    let log = std::fs::read_to_string(place.path("audit.jsonl")).expect("a log");
    std::fs::remove_file(place.path("audit.jsonl")).expect("removed");
    let events: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let operation = format!("tools/call:{tool}");
    let about = |event: &&Value| event["operation"] == *operation;
    // Who is refused at the door never gets as far as to the operation. The last word counts: what
    // the gate lets through, the guard may refuse.
    let event = events.iter().rfind(about).or_else(|| events.last());
    let event = event.expect("an event");
    event["reason"].as_str().expect("a reason").to_owned()
}

#[test]
fn it_decides_as_serve_does_with_the_same_flags_variables_and_file() {
    let rules = "[scopes]\ndefault = 'mcp'\n[scopes.implies]\nall = '*'\n[scopes.tools]\necho = 'talk'\nshut = { any-of = [] }\n";
    let dpop = "[serve]\ndpop = 'required'\n";
    let lenient = "[serve]\nadmission = 'permissive'\n";
    let tokens: Words<'_> = &[
        "--token",
        "t-none=a",
        "--token",
        "t-talk=a:talk",
        "--token",
        "t-all=a:all",
    ];
    #[rustfmt::skip]
    let table: &[(&str, Env<'_>, Words<'_>, &str, &str, i32, &str)] = &[
        // the file, variables, flags, token, tool, exit code, reason
        ("",      &[], &[], "t-none", "echo", 0, "authorized"),
        ("",      &[], &[], "t-none", "notes_add", 4, "insufficient_scope"),
        ("",      &[], &[], "t-none", "nosuch", 0, "authorized"),
        ("",      &[], &[], "t-wrong", "echo", 3, "invalid_token"),
        ("",      &[], &["--required-scope", "mcp"], "t-none", "echo", 4, "insufficient_scope"),
        ("",      &[("PROPUSK_REQUIRED_SCOPE", "mcp")], &[], "t-none", "echo", 4, "insufficient_scope"),
        (rules,   &[], &[], "t-none", "echo", 4, "insufficient_scope"),
        (rules,   &[], &[], "t-talk", "echo", 0, "authorized"),
        (rules,   &[], &[], "t-talk", "nosuch", 4, "insufficient_scope"),
        (rules,   &[], &[], "t-all", "nosuch", 0, "authorized"),
        (rules,   &[], &[], "t-all", "shut", 4, "forbidden"),
        ("",      &[], &["--dpop", "required"], "t-none", "echo", 3, "not_bound"),
        ("",      &[("PROPUSK_DPOP", "required")], &[], "t-none", "echo", 3, "not_bound"),
        (dpop,    &[], &[], "t-none", "echo", 3, "not_bound"),
        (dpop,    &[], &["--dpop", "accepted"], "t-none", "echo", 0, "authorized"),
        ("",      &[], &["--admission", "optional"], "t-wrong", "echo", 3, "invalid_token"),
        ("",      &[], &["--admission", "optional"], "t-none", "echo", 0, "authorized"),
        ("",      &[], &["--admission", "permissive"], "t-wrong", "echo", 3, "anonymous"),
        ("",      &[("PROPUSK_ADMISSION", "permissive")], &[], "t-wrong", "echo", 3, "anonymous"),
        (lenient, &[], &[], "t-wrong", "echo", 3, "anonymous"),
        (lenient, &[], &[], "t-none", "echo", 0, "authorized"),
        (lenient, &[], &["--dpop", "required"], "t-none", "echo", 3, "anonymous"),
        (lenient, &[], &[], "t-wrong", "notes_add", 3, "no_token"),
        // What bears on no decision is accepted where serve accepts it.
        ("",      &[], &["--stateless", "--show-all", "--allowed-host", "a.example"], "t-none", "echo", 0, "authorized"),
    ];
    for (file, env, flags, token, tool, code, reason) in table {
        let place = Sandbox::new();
        place.write("propusk.toml", file);
        let flags = [tokens, &["--resource", RESOURCE], flags].concat();
        let case = format!("{file:?} {env:?} {flags:?} {token} {tool}");
        let served = decided(&place, env, &flags, token, tool);
        assert_eq!(served, *reason, "{case}");
        let operation = format!("tools/call:{tool}");
        let args = [&flags[..], &["--operation", &operation]].concat();
        let (exit, told) = told(&place, env, token, &args);
        assert_eq!((exit, &told["reason"]), (*code, &json!(reason)), "{case}");
    }
}

/// The last decision in the audit log of a server that gets nothing but this call.
fn decided_at_once(place: &Sandbox, args: Words<'_>, token: &str, tool: &str) -> Value {
    let own = ["--audit", "audit.jsonl", "--log", "off"];
    let mut server = place.serve(&[&own, args].concat());
    let said = server.err();
    let bound = said.lines().find_map(|line| line.strip_prefix("bound to "));
    let address = bound.expect("it says where");
    let call = json!({
        "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": { "name": tool, "arguments": {} },
    });
    let call = call.to_string();
    let mut stream = TcpStream::connect(address).expect("a connection");
    let request = format!(
        "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{call}",
        call.len()
    );
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    server.stop().code(0);
    let log = std::fs::read_to_string(place.path("audit.jsonl")).expect("a log");
    let event = log.lines().next_back().expect("an event");
    serde_json::from_str(event).expect("JSON")
}

#[test]
fn a_missing_server_wide_scope_is_told_with_what_the_operation_needs() {
    let rules = "[scopes.tools]\necho = 'talk'\nshut = { any-of = [] }\n";
    #[rustfmt::skip]
    let table = [
        // token, tool, reason, the scopes that would do
        ("t-none", "echo",      "insufficient_scope", json!(["mcp", "talk"])),
        ("t-talk", "echo",      "insufficient_scope", json!(["mcp", "talk"])),
        ("t-none", "notes_add", "insufficient_scope", json!(["mcp", "notes:write"])),
        ("t-none", "shut",      "forbidden",          Value::Null),
    ];
    let tokens = ["--token", "t-none=a", "--token", "t-talk=a:talk"];
    for (token, tool, reason, needed) in table {
        let place = Sandbox::new();
        place.write("propusk.toml", rules);
        let wide = ["--resource", RESOURCE, "--required-scope", "mcp"];
        let flags = [&tokens[..], &wide].concat();
        let event = decided_at_once(&place, &flags, token, tool);
        let operation = format!("tools/call:{tool}");
        assert_eq!(event["operation"], *operation, "{event}");
        assert_eq!(event["reason"], reason, "{event}");
        assert_eq!(event["needed"], needed, "{event}");
        let args = [&flags[..], &["--operation", &operation]].concat();
        let (_, told) = told(&place, &[], token, &args);
        assert_eq!(told["reason"], reason, "{told}");
        let refusal = told["refusal"].as_str().expect("a sentence");
        let scopes = needed.as_array().map(Vec::as_slice).unwrap_or_default();
        let scopes: Vec<_> = scopes.iter().filter_map(Value::as_str).collect();
        assert!(refusal.contains(&scopes.join(" ")), "{told}");
    }
}

#[test]
fn the_resource_is_that_of_serve_at_the_same_address() {
    for listen in ["127.0.0.1:0", "0.0.0.0:0", "localhost:0"] {
        let place = Sandbox::new();
        let server = place.serve_at(listen, &[], FIXED);
        // The same again, now that the port is known; that it is taken does not matter here.
        let port = server.address().rsplit(':').next().expect("a port");
        let address = format!("{}:{port}", listen.trim_end_matches(":0"));
        let own = |args: Words<'_>, env: Env<'_>| {
            let told = told(&place, env, ALICE, &[FIXED, args].concat()).1;
            told["resource"].as_str().expect("a URL").to_owned()
        };
        assert_eq!(own(&["--listen", &address], &[]), server.url);
        assert_eq!(own(&[], &[("PROPUSK_LISTEN", &address)]), server.url);
        place.write("propusk.toml", format!("[serve]\nlisten = '{address}'\n"));
        assert_eq!(own(&[], &[]), server.url);
    }
}

#[test]
fn an_address_that_says_nothing_is_not_guessed_at() {
    let place = Sandbox::new();
    let inspect = |args: Words<'_>| place.run(&[&["inspect", ALICE], FIXED, args].concat());
    let done = inspect(&["--listen", "127.0.0.1:0"]).code(2);
    assert!(done.err.contains("--resource"), "{done:?}");
    inspect(&["--listen", "127.0.0.1:0", "--resource", RESOURCE]).code(0);
    let done = inspect(&["--listen", "nowhere"]).code(2);
    assert!(done.err.contains("--listen"), "{done:?}");
    let done = inspect(&["--dpop", "always"]).code(2);
    assert!(done.err.contains("accepted, required"), "{done:?}");
}

#[test]
fn a_bad_token_under_permissive_is_shown_with_its_fault() {
    let place = Sandbox::new();
    let expected = [
        ("wrong-token", "The access token is not valid."),
        ("t", "The access token is not bound to a key."),
    ];
    let flags = ["--token", "t=a", "--dpop", "required"];
    let admission = ["--admission", "permissive"];
    for (token, fault) in expected {
        let args = [&["inspect", token][..], &flags, &admission].concat();
        let done = place.run(&args).code(3);
        let line = format!("decision   goes on anonymously, without the token: {fault}");
        assert!(done.out.contains(&line), "{done:#?}");
        assert!(!done.out.contains("permitted"), "{done:#?}");
        let args = [&args[..], &["--operation", "tools/call:notes_add"]].concat();
        let done = place.run(&args).code(3);
        assert!(done.out.contains("refused: "), "{done:#?}");
        assert!(done.out.contains("needs      notes:write"), "{done:#?}");
        assert!(done.out.contains(fault), "{done:#?}");
    }
}

#[test]
fn exit_codes() {
    let place = Sandbox::new();
    place.write(
        "shut.toml",
        "[scopes.tools]\necho = { any-of = [] }\nwhoami = 'see'\n",
    );
    let jwt = jwt(&json!({"iss": NOBODY, "sub": "a"}));
    let issuer: Words<'_> = &["--issuer", NOBODY];
    let shut: Words<'_> = &["--config", "shut.toml"];
    #[rustfmt::skip]
    let table: &[(i32, &str, Words<'_>, &str, &str)] = &[
        (0, ALICE, &[], "request", "permitted"),
        (0, ALICE, &[], "tools/call:notes_add", "permitted"),
        (2, "two words", &[], "request", "TOKEN"),
        (2, ALICE, &["--config", "nosuch.toml"], "request", "nosuch.toml"),
        (3, "unknown", &[], "request", "not valid"),
        (4, BOB, &[], "tools/call:notes_add", "It needs: notes:write."),
        (4, ALICE, shut, "tools/call:echo", "whatever the scopes"),
        (4, ALICE, shut, "tools/call:whoami", "It needs: see."),
        (5, &jwt, issuer, "request", "cannot be verified"),
    ];
    for (code, token, flags, operation, word) in table {
        let own = ["inspect", token, "--operation", operation];
        let done = place.run(&[&own, FIXED, *flags].concat()).code(*code);
        let said = if *code == 2 { &done.err } else { &done.out };
        assert!(said.contains(word), "{operation}: {done:#?}");
    }
    let closed = [FIXED, shut, &["--operation", "tools/call:echo"]].concat();
    let (_, told) = told(&place, &[], ALICE, &closed);
    assert_eq!(told["reason"], "forbidden");
    assert_eq!(told["needed"], json!([]), "no scope would do");
}

#[test]
fn an_operation_that_is_misspelt_is_noticed() {
    let place = Sandbox::new();
    place.write(
        "rules.toml",
        "[scopes]\ndefault = 'mcp'\n[scopes.tools]\n'plan_*' = 'plan'\n",
    );
    place.write("open.toml", "");
    let with = |file: &str, operation: &str| {
        let own = [
            "inspect",
            ALICE,
            "--config",
            file,
            "--operation",
            operation,
            "--resource",
            RESOURCE,
        ];
        place.run(&[&own, FIXED].concat())
    };
    #[rustfmt::skip]
    let table = [
        ("tools/call:notes_ad", 4, "no such tool here (did you mean notes_add?): the default for unknown names applies"),
        ("tools/call:ehco", 4, "did you mean echo?"),
        ("tools/call:something-else", 4, "no such tool here: the default for unknown names applies"),
        ("tools/call:plan_x", 4, "no such tool here: the rules that match its name apply"),
        ("prompts/get:review", 4, "no such prompt here: the default for unknown names applies"),
        ("resources/read:file:///x", 4, "no such resource here: the default for unknown names applies"),
        ("tools/cal:echo", 4, "no such method (did you mean tools/call?): the default applies"),
        ("no/such", 4, "no such method: the default applies"),
        ("echo", 4, "no such method (did you mean tools/call:echo?)"),
    ];
    for (operation, code, note) in table {
        let done = with("rules.toml", operation).code(code);
        assert!(
            done.out.contains(&format!("note       {note}")) || done.out.contains(note),
            "{operation}: {}",
            done.out
        );
    }
    let done = with("open.toml", "tools/call:nosuch").code(0);
    assert!(
        done.out.contains("no rule and no default asks for a scope"),
        "{done:#?}"
    );
    // What is there needs no word.
    for good in ["tools/call:echo", "tools/list", "ping", "request"] {
        let done = with("open.toml", good).code(0);
        assert!(!done.out.contains("note "), "{good}: {}", done.out);
    }
    #[rustfmt::skip]
    let table = [
        ("tools/call", "tools/call:NAME"),
        ("resources/read", "resources/read:URI"),
        ("tasks/get", "tasks/get:ID"),
        ("completion/complete", "completion/complete:NAME"),
        ("tools/list:echo", "tools/list acts upon nothing that has a name"),
        ("tools/call:", "tools/call:echo"),
        ("", "tools/call:echo"),
    ];
    for (operation, word) in table {
        let done = with("open.toml", operation).code(2);
        assert!(done.err.contains(word), "{operation}: {done:#?}");
    }
}

#[test]
fn what_would_deceive_the_eye_is_escaped() {
    let place = Sandbox::new();
    let subject =
        "a\u{202e}b\u{200b}c\u{1b}[2J\u{85}\u{2066}d\u{feff}e\nverdict  valid\u{e0041}\u{a0}";
    let shown =
        r"a\u{202e}b\u{200b}c\u{1b}[2J\u{85}\u{2066}d\u{feff}e\nverdict  valid\u{e0041}\u{a0}";
    let jwt = jwt(&json!({
        "iss": NOBODY, "sub": subject, "na\u{202e}me": [subject],
    }));
    let flags: Words<'_> = &["--issuer", NOBODY];
    let done = place.run(&[&["inspect", &jwt], flags].concat()).code(5);
    assert!(done.out.contains(shown), "{}", done.out);
    assert!(done.out.contains(r"claim na\u{202e}me"), "{}", done.out);
    assert!(clean(&done), "{:?}", done.out);
    let done = place.run(&[&["inspect", "--json", &jwt], flags].concat());
    assert!(clean(&done), "{:?}", done.out);
    assert_eq!(done.json()["claims"]["sub"], subject, "nothing is lost");
    // A fixed token, whose facts are shown. White space would be the end of it.
    let fixed = format!("t={}", subject.replace(char::is_whitespace, "_"));
    let done = place.run(&["inspect", "t", "--token", &fixed]).code(0);
    let shown = [" ", r"\n", r"\u{85}", r"\u{a0}"]
        .iter()
        .fold(shown.to_owned(), |shown, blank| shown.replace(blank, "_"));
    assert!(
        done.out.contains(&format!("subject    {shown}")),
        "{}",
        done.out
    );
    assert!(clean(&done), "{:?}", done.out);
    // What was typed comes back, too.
    let done = place.run(&[
        "inspect",
        "t",
        "--token",
        "t=a",
        "--operation",
        "tools/call:\u{202e}x",
    ]);
    assert!(clean(&done) && done.out.contains(r"\u{202e}x"), "{done:?}");
}

/// Nothing but plain text and ends of lines.
fn clean(done: &Done) -> bool {
    let plain = |c: char| c == '\n' || c == '…' || (' '..='~').contains(&c);
    done.out.chars().all(plain)
}

/// A JSON Web Token of the next decades that nobody signed.
fn jwt(claims: &Value) -> String {
    let mut claims = claims.clone();
    claims["exp"] = 4_102_444_800_u64.into();
    claims["aud"] = RESOURCE.into();
    let header = json!({"alg": "RS256", "kid": "1", "typ": "at+jwt"});
    let [header, claims] = [&header, &claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
    format!("{header}.{claims}.{}", URL_SAFE_NO_PAD.encode([0; 256]))
}

#[test]
fn the_json_object_has_always_the_same_members() {
    const MEMBERS: [&str; 21] = [
        "audience",
        "claims",
        "client_id",
        "clock",
        "decision",
        "expires_at",
        "explanation",
        "fault",
        "header",
        "issuer",
        "missing",
        "needed",
        "notes",
        "operation",
        "reason",
        "refusal",
        "resource",
        "scopes",
        "subject",
        "token_id",
        "verdict",
    ];
    let place = Sandbox::new();
    let token = place.issue(&[
        "--subject",
        "alice",
        "--client-id",
        "cli",
        "--scope",
        "notes:read",
        "--audience",
        RESOURCE,
    ]);
    let documents = include_str!("../../../../docs/cli.md");
    let check = |told: &Value| {
        let mut members: Vec<&String> = told.as_object().expect("an object").keys().collect();
        members.sort();
        let mut expected: Vec<&str> = MEMBERS.to_vec();
        expected.push("verifier");
        assert_eq!(members, expected);
        for member in expected {
            assert!(documents.contains(&format!("`{member}`")), "{member}");
        }
    };
    let args = [
        "--operation",
        "tools/call:notes_add",
        "--required-scope",
        "notes:read",
    ];
    let (code, mut seen) = told(&place, &[], &token, &args);
    assert_eq!(code, 4);
    check(&seen);
    let id = seen["token_id"].take();
    assert_eq!(id.as_str().map(str::len), Some(12), "{id}");
    let expires = seen["expires_at"].take();
    assert!(expires.as_str().expect("a time").ends_with('Z'));
    assert!(
        seen["clock"]
            .take()
            .as_str()
            .expect("a time")
            .ends_with('Z')
    );
    assert!(seen["verifier"].take().is_string());
    let expected = json!({
        "verifier": null, "verdict": "valid", "explanation": null, "header": {}, "claims": {},
        "issuer": null, "subject": "alice", "client_id": "cli", "token_id": null,
        "scopes": ["notes:read"], "audience": [RESOURCE], "expires_at": null,
        "resource": RESOURCE, "operation": "tools/call:notes_add", "notes": [],
        "decision": "refused", "reason": "insufficient_scope", "fault": null,
        "refusal": "The access token does not permit this operation. It needs: notes:read notes:write.",
        "needed": ["notes:read", "notes:write"], "missing": ["notes:write"], "clock": null,
    });
    assert_eq!(seen, expected);

    for (token, admission, decision, reason, fault) in [
        (&*token, "required", "permitted", "authorized", json!(null)),
        (
            "unknown",
            "required",
            "refused",
            "invalid_token",
            json!("invalid_token"),
        ),
        (
            "unknown",
            "permissive",
            "anonymous",
            "anonymous",
            json!("invalid_token"),
        ),
    ] {
        let (_, told) = told(&place, &[], token, &["--admission", admission]);
        check(&told);
        assert_eq!(told["decision"], decision, "{told}");
        assert_eq!(told["reason"], reason, "{told}");
        assert_eq!(told["fault"], fault, "{told}");
        assert_eq!(told["refusal"].is_null(), decision == "permitted", "{told}");
    }
}

/// As one that begins with a dash must; what stands there for serve is a program.
#[test]
fn a_token_may_stand_behind_two_dashes() {
    let place = Sandbox::new();
    let flags = [&["inspect", "--resource", RESOURCE], FIXED].concat();
    place.run(&[&flags[..], &["--", ALICE]].concat()).code(0);
    place
        .run(&[&flags[..], &[ALICE, "--", "cat"]].concat())
        .code(0);
    place
        .run(&[&flags[..], &["--", "cat", "x"]].concat())
        .code(2);
}
