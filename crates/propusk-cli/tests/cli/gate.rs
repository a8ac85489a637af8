//! The gate in front of servers that know nothing of authorization.

use crate::support::{ALICE, FIXED, Sandbox, Words};

pub(crate) const FIXTURE: &str = env!("CARGO_BIN_EXE_cli-stdio-fixture");

/// An MCP server that lets everybody in, at its URL.
fn open_server(place: &Sandbox) -> crate::support::Server {
    place.serve(&["--token", "unused=u", "--admission", "optional"])
}

#[test]
fn a_program_is_protected_and_a_stranger_is_refused() {
    let place = Sandbox::new();
    let server = place.serve(&[FIXED, &["--", FIXTURE]].concat());
    let call = |token: &str| place.call(token, &server.url, &["look"]);
    assert!(call(ALICE).code(0).out.contains("look of "));
    call("").code(3);
    call("wrong-token-1").code(3);
    // Nothing of our environment that was not asked for.
    let environment = place.call(ALICE, &server.url, &["environment"]).code(0);
    assert!(environment.out.contains("None"), "{environment:?}");
    let stopped = server.stop().code(0);
    assert!(!stopped.err.contains("error"), "{stopped:?}");
}

#[test]
fn a_server_at_a_url_is_protected_and_a_stranger_is_refused() {
    let place = Sandbox::new();
    let upstream = open_server(&place);
    let server = place.serve(&[FIXED, &["--upstream", &upstream.url]].concat());
    let call = |token: &str| place.call(token, &server.url, &["echo", "message=hi"]);
    assert!(call(ALICE).code(0).out.contains("hi"));
    call("").code(3);
    // The caller's own token stays at the gate: to the server behind it everybody is nobody. That it
    // wants somebody is the operator's matter, and not the caller's.
    let nobody = place.call(ALICE, &server.url, &["whoami"]).code(5);
    assert!(nobody.err.contains("behind this gate"), "{nobody:?}");
}

const SEVERAL: &str = r#"
[serve]
token = ["alice-fixed-token-1=alice:read", "root-token-1=root:read,admin"]
[limits]
principal = "1000/s"
[[upstream]]
name = "notes"
command = ["FIXTURE"]
env = { FIXTURE = "set" }
[upstream.scopes.tools]
look = "read"
"wipe_*" = "admin"
[upstream.rules.tools]
change = { hidden = true }
environment = { denied = "not today" }
[[upstream]]
name = "web"
path = "/over/there"
url = "URL"
admission = "optional"
"#;

#[test]
fn several_upstreams_have_each_a_path_and_rules_of_its_own() {
    let place = Sandbox::new();
    let upstream = open_server(&place);
    let config = SEVERAL.replace("FIXTURE\"]", &format!("{FIXTURE}\"]"));
    place.write("propusk.toml", config.replace("URL", &upstream.url));
    let mut server = place.serve(&[]);
    let base = format!("http://{}", server.address());
    assert_eq!(server.url, format!("{base}/notes/mcp"));
    let out = server.out();
    assert!(
        out.contains(&format!("listening on {base}/over/there\n")),
        "{out}"
    );
    let notes = |token: &str, rest: Words<'_>| place.call(token, &server.url, rest);
    notes(ALICE, &["look"]).code(0);
    notes(ALICE, &["wipe_all"]).code(4);
    notes("root-token-1", &["wipe_all"]).code(0);
    notes("root-token-1", &["environment"]).code(4);
    let hidden = notes("root-token-1", &["change"]);
    assert_ne!(hidden.code, 0, "{hidden:?}");
    let tools = place.run_with(&[("PROPUSK_TOKEN", ALICE)], &["tools", &server.url]);
    let tools = tools.code(0).out;
    assert!(
        tools.contains("look") && !tools.contains("change") && !tools.contains("wipe"),
        "{tools}"
    );
    let there = format!("{base}/over/there");
    place.call("", &there, &["echo", "message=hi"]).code(0);
    place.call("", &server.url, &["look"]).code(3);
}

#[test]
fn own_rules_and_those_at_the_top_both_hold() {
    let place = Sandbox::new();
    let config = format!(
        "[serve]\ntoken = ['alice-fixed-token-1=alice']\n[rules.tools]\nchange = {{ denied = true }}\n\
         [[upstream]]\ncommand = ['{FIXTURE}']\n[upstream.rules.tools]\nwipe_all = {{ denied = true }}\n"
    );
    place.write("propusk.toml", &config);
    let server = place.serve(&[]);
    let call = |tool: &str| place.call(ALICE, &server.url, &[tool]);
    call("look").code(0);
    call("change").code(4);
    call("wipe_all").code(4);
    // What no rule at the top names is not opened by one below.
    place.write(
        "propusk.toml",
        config.replace("[rules.tools]", "[rules]\ndefault = 'deny'\n[rules.tools]"),
    );
    let server = place.serve(&[]);
    assert_ne!(place.call(ALICE, &server.url, &["look"]).code, 0);
    // A mistake is said with the table in which it stands.
    place.write(
        "propusk.toml",
        config.replace("denied = true", "rate = '1/w'"),
    );
    let wrong = place.run(&["check-config"]).code(2).err;
    assert!(wrong.contains("[rules.tools.\"change\"] rate"), "{wrong}");
}

/// With `[upstream.scopes]` those at the top are not gone.
#[test]
fn own_scopes_and_those_at_the_top_both_hold() {
    let place = Sandbox::new();
    let config = format!(
        "[serve]\ntoken = ['none=n', 'reads=r:read', 'both=b:read,admin', 'root=r:root']\n\
         [scopes.implies]\nroot = 'read admin'\n[scopes.tools]\nwipe_all = 'admin'\n\
         [[upstream]]\nname = 'one'\ncommand = ['{FIXTURE}']\n\
         [upstream.scopes.tools]\nlook = 'read'\nwipe_all = ''\n\
         [[upstream]]\nname = 'two'\ncommand = ['{FIXTURE}']\n"
    );
    place.write("propusk.toml", &config);
    let server = place.serve(&[]);
    let two = server.url.replace("/one/", "/two/");
    for (token, look, wipe) in [
        ("none", 4, 4),
        ("reads", 0, 4),
        ("both", 0, 0),
        ("root", 0, 0),
    ] {
        place.call(token, &server.url, &["look"]).code(look);
        place.call(token, &server.url, &["wipe_all"]).code(wipe);
        place.call(token, &two, &["look"]).code(0);
        place.call(token, &two, &["wipe_all"]).code(wipe);
        let operation = ["--endpoint", "one", "--operation", "tools/call:wipe_all"];
        let inspected = place.run(&[&["inspect", token], &operation[..]].concat());
        assert_eq!(inspected.code, wipe, "{token}: {inspected:?}");
    }
    // What nothing at the top names needs its default, whatever is named below.
    place.write(
        "propusk.toml",
        config.replace(
            "[scopes.implies]",
            "[scopes]\ndefault = 'admin'\n[scopes.implies]",
        ),
    );
    let server = place.serve(&[]);
    place.call("reads", &server.url, &["look"]).code(4);
    place.call("both", &server.url, &["look"]).code(0);
    // A mistake is said with the table in which it stands.
    for (wrong, place_of) in [
        (
            config.replace("= 'admin'", "= '*'"),
            "[scopes.tools] wipe_all",
        ),
        (
            config.replace("look = 'read'", "look = '*'"),
            "[upstream.scopes.tools] look",
        ),
    ] {
        place.write("propusk.toml", wrong);
        let said = place.run(&["check-config"]).code(2).err;
        assert!(said.contains(place_of), "{said}");
    }
}

#[test]
fn what_makes_no_sense_is_said_with_its_place() {
    let place = Sandbox::new();
    for (config, expected) in [
        (
            "[[upstream]]\n",
            "[[upstream]]: url: an upstream has either",
        ),
        (
            "[[upstream]]\nname = \"a b\"\nurl = \"http://a/\"\n",
            "(a b): name: ",
        ),
        (
            "[[upstream]]\nname = \"a\"\npath = \"/healthz\"\nurl = \"http://a/\"\n",
            "(a): path: ",
        ),
        (
            "[[upstream]]\nurl = \"http://a/\"\nper = \"all\"\n",
            "per: this is for an upstream with a command",
        ),
        (
            "[[upstream]]\ncommand = []\n",
            "command: there is no program in it",
        ),
        (
            "[[upstream]]\ncommand = [\"a\"]\nper = \"each\"\n",
            "per: \"each\" is neither",
        ),
        ("[[upstream]]\nurl = \"ftp://a/\"\n", "url: "),
        (
            "[[upstream]]\nurl = \"http://a/\"\n[[upstream]]\nurl = \"http://b/\"\n",
            "two upstreams",
        ),
        (
            "[[upstream]]\nurl = \"http://a/\"\nresource = \"https://x/y\"\n",
            "[[upstream]]: resource: https://x/y does not end with its path",
        ),
        (
            "[[upstream]]\nurl = \"http://a/\"\ncredentials = { header = \"x-key\", env = \"NO_SUCH\" }\n",
            "NO_SUCH is not set",
        ),
        (
            "[[upstream]]\nname = \"a\"\nurl = \"http://a/\"\npass-header = [\"x-tenant\", \"Authorization\"]\n",
            "(a): pass-header: authorization is never let through: what a caller",
        ),
        (
            "[[upstream]]\nurl = \"http://a/\"\npass-header = [\"DPoP\"]\n",
            "is named with credentials; assertion = true",
        ),
        (
            "[[upstream]]\nurl = \"http://a/\"\npass-header = [\"Host\"]\n",
            "pass-header: host is never let through: it belongs to one connection",
        ),
        (
            "[[upstream]]\nurl = \"http://a/\"\npass-header = [\"proxy-authorization\"]\n",
            "proxy-authorization is never let through",
        ),
        (
            "[[upstream]]\nurl = \"http://a/\"\npass-header = [\"set-cookie\"]\n",
            "take it out of the list",
        ),
        (
            "[[upstream]]\nurl = \"http://a/\"\npass-header = [\"x tenant\"]\n",
            "pass-header: this is no name of a header",
        ),
        (
            "[[upstream]]\nurl = \"http://a/\"\npass-header = [\"X-Key\"]\ncredentials = { header = \"x-key\", env = \"PATH\" }\n",
            "pass-header: x-key is the header of the credentials",
        ),
        (
            "[[upstream]]\nurl = \"http://a/\"\ncredentials = { header = \"Transfer-Encoding\", env = \"PATH\" }\n",
            "credentials.header: transfer-encoding belongs to the connection",
        ),
        (
            "[[upstream]]\nurl = \"http://a/\"\ncredentials = { header = \"x key\", env = \"PATH\" }\n",
            "credentials.header: this is no name of a header",
        ),
        (
            "[[upstream]]\ncommand = \"npx -y x\"\n",
            "line 2: expected a list, such as [",
        ),
        (
            "[upstream]\nurl = \"http://a/\"\n",
            "write [[upstream]], with two brackets",
        ),
        (
            "[[upstream]]\ncommand = [\"x\"]\nenv = [\"A=b\"]\n",
            "line 3: expected a table, such as",
        ),
        (
            "[[upstream]]\nurl = \"http://a/\"\ncredentials = \"Bearer x\"\n",
            "line 3: expected a table, such as",
        ),
        (
            "[[upstream]]\nurl = \"http://a/\"\nassertion = \"yes\"\n",
            "line 3: expected true or false",
        ),
        (
            "[[upstream]]\ncommand = [\"x\"]\nmost = \"5\"\n",
            "line 3: expected a whole number",
        ),
        (
            "[[upstream]]\ncommand = [\"x\"]\nmost = 5\n",
            "most: this is for per = \"principal\"",
        ),
        (
            "[[upstream]]\ncommand = [\"sh\"]\nfolder = \"/no/such/folder\"\n",
            "[[upstream]]: folder: there is no folder /no/such/folder",
        ),
        (
            "[[upstream]]\ncommand = [\"no-such-program-here\"]\n",
            "there is no program \"no-such-program-here\"",
        ),
        (
            "[[upstream]]\nname = \"a\"\nurl = \"127.0.0.1:9000\"\n",
            "[[upstream]] (a): url: ",
        ),
        (
            "[[upstream]]\nname = \"a\"\nurl = \"http://a/\"\nca = \"no.pem\"\n",
            "[[upstream]] (a): ca: no.pem: ",
        ),
        (
            "[rules]\npolicy = \"no.cedar\"\n",
            "[rules] policy: no.cedar: ",
        ),
        (
            "[rules.tools]\nx = true\n",
            "line 2: expected a table, such",
        ),
        (
            "[limits]\nlargest-body = 0\n",
            "leave the key out for what holds without it",
        ),
        (
            "[telemetry]\notlp = \"localhost:4318\"\n",
            "--otlp: this is not the URL",
        ),
        (
            "[[upstream]]\nurl = \"http://a/\"\ncredentials = { header = \"x-key\", env = \"PATH\", scope = \"a\" }\n",
            "credentials: scope has no effect beside header, which goes with prefix, env, file",
        ),
        (
            "[[upstream]]\nurl = \"http://a/\"\ncredentials = { client-credentials = \"https://a/t\", client = { id = \"g\" }, audience = \"x\" }\n",
            "audience has no effect beside client-credentials",
        ),
        (
            "[[upstream]]\nurl = \"http://a/\"\ncredentials = { header = \"x\", id-jag = \"https://a/t\" }\n",
            "name exactly one of header",
        ),
        (
            "[limits]\naddress = \"fast\"\n",
            "propusk.toml: [limits] address: \"fast\"",
        ),
        (
            "[rules.tools.x]\nrate = \"1/w\"\n",
            "[rules.tools.\"x\"] rate",
        ),
        (
            "[rules.tools.x]\ntime-limit = \"soon\"\n",
            "[rules.tools.\"x\"] time-limit",
        ),
        (
            "[rules]\ndefault = \"maybe\"\n",
            "[rules] default: \"maybe\"",
        ),
        (
            "[proxies]\ntrusted = [\"10.0.0.1/8\"]\n",
            "[proxies] trusted: \"10.0.0.1/8\"",
        ),
        (
            "[proxies]\nheader = \"forwarded\"\n",
            "no effect without trusted",
        ),
        (
            "[proxies]\ntrusted = [\"::1\"]\nheader = \"x-real-ip\"\n",
            "neither x-forwarded-for nor forwarded",
        ),
        ("[tls]\ncertificate = \"c.pem\"\n", "private key"),
        (
            "[tls]\ncertificate = \"c.pem\"\nkey = \"k.pem\"\n",
            "c.pem: ",
        ),
        (
            "[[upstream]]\nurl = \"http://a/\"\n[upstream.scopes.tools]\nx = \"*\"\n",
            "[upstream.scopes.tools] x",
        ),
    ] {
        place.write("propusk.toml", config);
        for command in ["serve", "check-config"] {
            let own = ["--listen", "127.0.0.1:0", "--token", "t=a"];
            let done = place.run(&[&[command][..], &own].concat()).code(2);
            assert!(done.err.contains(expected), "{command} {config}: {done:?}");
        }
    }
    place.write("propusk.toml", "");
    for (words, expected) in [
        (
            &["--upstream", "127.0.0.1:9000"][..],
            "--upstream: the upstream is not a URL",
        ),
        (&["--", "no-such-program-here"], "there is no program"),
        (
            &["npx", "-y", "x"],
            "stands behind two dashes: propusk serve -- npx",
        ),
    ] {
        let wrong = place.run(&[&["serve", "--token", "t=a"], words].concat());
        let wrong = wrong.code(2);
        assert!(wrong.err.contains(expected), "{wrong:?}");
    }
    place.write("propusk.toml", "[[upstream]]\nurl = \"http://a/\"\n");
    let both = place
        .run(&["serve", "--token", "t=a", "--upstream", "http://b/"])
        .code(2);
    assert!(both.err.contains("[[upstream]]"), "{both:?}");
}

#[test]
fn inspect_decides_like_the_endpoint_that_is_named() {
    let place = Sandbox::new();
    place.write(
        "propusk.toml",
        SEVERAL.replace("URL", "http://127.0.0.1:1/mcp"),
    );
    let inspect = |endpoint: &str, operation: &str| {
        let operation = format!("tools/call:{operation}");
        place.run(&[
            "inspect",
            ALICE,
            "--endpoint",
            endpoint,
            "--operation",
            &operation,
        ])
    };
    inspect("notes", "look").code(0);
    inspect("notes", "wipe_all").code(4);
    inspect("/over/there", "wipe_all").code(0);
    let unnamed = place.run(&["inspect", ALICE]).code(2);
    assert!(unnamed.err.contains("notes, web"), "{unnamed:?}");
}
