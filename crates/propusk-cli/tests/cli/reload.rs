//! The configuration is read again while the server runs.

use std::time::Duration;

use crate::{
    gate::FIXTURE,
    support::{ALICE, Sandbox, Server, until},
};

const PATIENCE: Duration = Duration::from_secs(20);

fn config(rule: &str, scopes: &str) -> String {
    format!(
        "[serve]\ntoken = ['alice=alice:{scopes}']\n[[upstream]]\nname = 'one'\ncommand = ['{FIXTURE}']\n[upstream.scopes.tools]\n{rule}\n"
    )
}

fn told(server: &mut Server, what: &str, times: usize) {
    until(what, PATIENCE, || {
        (server.err().matches(what).count() >= times).then_some(())
    });
}

const APPLIED: &str = "was read again and is in force";
const REFUSED: &str = "is not taken";

#[test]
fn a_signal_puts_another_policy_in_force_and_the_program_goes_on() {
    let place = Sandbox::new();
    place.write("propusk.toml", config("look = 'read'", "read"));
    let mut server = place.serve(&["--metrics", "on"]);
    let look = || place.call("alice", &server.url, &["look"]);
    let before = look().code(0).out;
    place.write("propusk.toml", config("look = 'admin'", "read"));
    server.signal("HUP");
    told(&mut server, APPLIED, 1);
    let look = || place.call("alice", &server.url, &["look"]);
    look().code(4);
    // What is wrong changes nothing, and says why.
    place.write("propusk.toml", config("look = '*'", "admin"));
    server.signal("HUP");
    told(&mut server, REFUSED, 1);
    assert!(server.err().contains("[upstream.scopes.tools] look"));
    let look = || place.call("alice", &server.url, &["look"]);
    look().code(4);
    // With the file its rules would be gone.
    std::fs::remove_file(place.path("propusk.toml")).expect("removed");
    server.signal("HUP");
    told(&mut server, REFUSED, 2);
    place.call("alice", &server.url, &["look"]).code(4);
    place.write("propusk.toml", config("look = 'admin'", "admin"));
    server.signal("HUP");
    told(&mut server, APPLIED, 2);
    let look = || place.call("alice", &server.url, &["look"]);
    assert_eq!(look().code(0).out, before, "the same process");
    server.stop().code(0);
}

/// Rules beside scopes, in Cedar, are exchanged too.
#[test]
fn policies_are_in_a_file_of_their_own() {
    let place = Sandbox::new();
    let with = config("look = 'read'", "read") + "[upstream.rules]\npolicy = 'p.cedar'\n";
    place.write("propusk.toml", with);
    let only = "permit(principal, action, resource);\n@id(\"no\") forbid(principal, action == Propusk::Action::\"tools/call\", resource == Propusk::Tool::\"change\");\n";
    place.write("p.cedar", only);
    place.run(&["check-config"]).code(0);
    let mut server = place.serve(&[]);
    place.call("alice", &server.url, &["look"]).code(0);
    place.call("alice", &server.url, &["change"]).code(4);
    place.write("p.cedar", only.replace("change", "look"));
    told(&mut server, APPLIED, 1);
    place.call("alice", &server.url, &["look"]).code(4);
    place.write("p.cedar", "permit(principal, action, resourc);");
    told(&mut server, REFUSED, 1);
    assert!(server.err().contains("p.cedar"));
    place.call("alice", &server.url, &["look"]).code(4);
    place.run(&["check-config"]).code(2);
}

#[test]
fn a_file_that_changes_is_read_without_a_signal() {
    let place = Sandbox::new();
    place.write("propusk.toml", config("look = 'read'", "read"));
    let mut server = place.serve(&[]);
    place.write("propusk.toml", config("look = 'admin'", "read"));
    told(&mut server, APPLIED, 1);
    place.call("alice", &server.url, &["look"]).code(4);
}

#[test]
fn endpoints_come_and_go_and_what_needs_a_restart_is_said() {
    let place = Sandbox::new();
    place.write("propusk.toml", config("look = 'read'", "read"));
    let mut server = place.serve(&[]);
    let two = server.url.replace("/one/", "/two/");
    place.call("alice", &two, &["look"]).code(5);
    let more = format!(
        "{}[[upstream]]\nname = 'two'\ncommand = ['{FIXTURE}']\n",
        config("look = 'read'", "read")
    );
    place.write(
        "propusk.toml",
        format!("tokens = 'sqlite:other.db'\n{more}"),
    );
    server.signal("HUP");
    told(&mut server, APPLIED, 1);
    told(
        &mut server,
        "the token store changes with a restart only",
        1,
    );
    place.call("alice", &two, &["look"]).code(0);
    place.write("propusk.toml", more.replace("'one'", "'three'"));
    server.signal("HUP");
    told(&mut server, APPLIED, 2);
    place.call("alice", &two, &["look"]).code(0);
    assert_ne!(place.call("alice", &server.url, &["look"]).code, 0);
    server.stop().code(0);
}

#[test]
fn a_credential_that_is_rotated_is_the_one_that_is_sent() {
    let place = Sandbox::new();
    let upstream = place.serve(&["--token", "first=one", "--token", "second=two"]);
    place.write("key", "first\n");
    let config = format!(
        "[serve]\ntoken = ['{ALICE}=alice']\n[[upstream]]\nurl = '{}'\n\
         credentials = {{ header = 'authorization', prefix = 'Bearer ', file = 'key' }}\n",
        upstream.url
    );
    place.write("propusk.toml", config);
    let server = place.serve(&[]);
    let whoami = || place.call(ALICE, &server.url, &["whoami"]).code(0).out;
    assert!(whoami().contains("one"));
    place.write("key", "second\n");
    server.signal("HUP");
    until("the other key", PATIENCE, || {
        whoami().contains("two").then_some(())
    });
}

#[test]
fn a_limit_of_bodies_that_changes_is_taken() {
    let place = Sandbox::new();
    let limited = |limit: u32| {
        format!("[serve]\ntoken = ['{ALICE}=alice:echo']\n[limits]\nlargest-body = {limit}\n")
    };
    place.write("propusk.toml", limited(100_000));
    let mut server = place.serve(&[]);
    let message = format!("message={}", "x".repeat(5000));
    let url = server.url.clone();
    let echo = || place.call(ALICE, &url, &["echo", &message]);
    echo().code(0);
    place.write("propusk.toml", limited(4000));
    server.signal("HUP");
    told(&mut server, APPLIED, 1);
    told(&mut server, "made anew", 1);
    let refused = echo();
    assert!(
        refused.code != 0 && refused.err.contains("413"),
        "{refused:?}"
    );
    place.call(ALICE, &url, &["echo", "message=x"]).code(0);
}

/// Each of these is a valid file: one that was just being written, or whose end is lost.
#[test]
fn a_file_that_lost_what_protected_is_not_taken() {
    let place = Sandbox::new();
    let whole = config("wipe_all = 'admin'", "read")
        + "[upstream.rules.tools]\nchange = { denied = true }\n";
    place.write("propusk.toml", &whole);
    let mut server = place.serve(&[]);
    let begin_of = |table: &str| &whole[..whole.find(table).expect("there")];
    for (index, (left, why)) in [
        ("", "what stood in it is gone"),
        ("# nothing yet\n", "what stood in it is gone"),
        (begin_of("[[upstream]]"), "the upstreams are gone"),
        (begin_of("[upstream.scopes"), "the rules for one are gone"),
        (begin_of("[upstream.rules"), "the rules for one are gone"),
        (
            &whole.replace("wipe_all = 'admin'", ""),
            "the scopes that one asks for are gone",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        place.write("propusk.toml", left);
        server.signal("HUP");
        told(&mut server, REFUSED, index + 1);
        let err = server.err();
        let last = err.lines().rfind(|line| line.contains(REFUSED));
        assert!(last.is_some_and(|line| line.contains(why)), "{left}: {err}");
        place.call("alice", &server.url, &["wipe_all"]).code(4);
        place.call("alice", &server.url, &["change"]).code(4);
    }
    server.stop().code(0);
    // A restart takes it.
    place.write("propusk.toml", whole.replace("wipe_all = 'admin'", ""));
    let server = place.serve(&[]);
    place.call("alice", &server.url, &["wipe_all"]).code(0);
}

/// Whoever may write to the folder does not rule a server that was begun without a file.
#[test]
fn a_file_that_comes_later_is_not_read_and_that_is_said() {
    let place = Sandbox::new();
    let mut server = place.serve(&["--token", "t=a"]);
    place.write("propusk.toml", "[serve]\nadmission = 'optional'\n");
    told(&mut server, "this process began without one", 1);
    server.signal("HUP");
    told(&mut server, APPLIED, 2);
    place.call("", &server.url, &["echo", "message=x"]).code(3);
}

/// To open a pipe that nobody writes to waits for ever, and everybody else with it.
#[cfg(unix)]
#[test]
fn a_file_that_has_become_a_pipe_holds_nobody_up() {
    let place = Sandbox::new();
    let with = config("look = 'read'", "read") + "[upstream.rules]\npolicy = 'p.cedar'\n";
    place.write("propusk.toml", with);
    place.write("p.cedar", "permit(principal, action, resource);");
    let mut server = place.serve(&[]);
    for (index, name) in ["p.cedar", "propusk.toml"].into_iter().enumerate() {
        std::fs::rename(place.path(name), place.path("kept")).expect("renamed");
        let made = std::process::Command::new("mkfifo")
            .arg(place.path(name))
            .status();
        assert!(made.expect("a program of the system").success());
        server.signal("HUP");
        told(&mut server, REFUSED, index + 1);
        let err = server.err();
        let last = err.lines().rfind(|line| line.contains(REFUSED));
        assert!(last.is_some_and(|line| line.contains(name)), "{err}");
        place.call("alice", &server.url, &["look"]).code(0);
        std::fs::rename(place.path("kept"), place.path(name)).expect("renamed");
    }
    server.signal("HUP");
    told(&mut server, APPLIED, 1);
    server.stop().code(0);
}

const LESS: &str = "more is open by the configuration that was read again";

/// It is taken, since not everything is gone, and nobody is to be surprised.
#[test]
fn what_is_lost_of_rules_and_scopes_is_said_in_one_line() {
    let place = Sandbox::new();
    let whole = format!(
        "[serve]\ntoken = ['alice=alice:read']\nrequired-scope = ['read']\n\
         [limits]\naddress = '1000/s'\nprincipal = '1000/s'\n\
         [scopes]\ndefault = 'other'\n[scopes.tools]\nlook = 'read'\nenvironment = 'admin'\n\
         [rules]\npolicy = 'p.cedar'\n[rules.tools]\nshell = {{ hidden = true }}\nlook = {{ rate = '100/s' }}\n\
         [[upstream]]\nname = 'one'\ncommand = ['{FIXTURE}']\nadmission = 'required'\n\
         [upstream.scopes.tools]\nwipe_all = 'admin'\nkeep = 'admin'\n\
         [upstream.rules.tools]\nchange = {{ denied = true, rate = '10/s' }}\nkeep = {{ denied = true }}\n\
         [[upstream]]\nname = 'two'\ncommand = ['{FIXTURE}']\n"
    );
    place.write("p.cedar", "permit(principal, action, resource);");
    place.write("propusk.toml", &whole);
    let mut server = place.serve(&[]);
    let mut applied = 0;
    let mut lines = 0;
    for (lost, instead, said) in [
        (
            "environment = 'admin'\n",
            "",
            Some("[scopes.tools] \"environment\""),
        ),
        (
            "wipe_all = 'admin'\n",
            "",
            Some("one [scopes.tools] \"wipe_all\""),
        ),
        (
            "wipe_all = 'admin'\n",
            "wipe_all = ''\n",
            Some("one [scopes.tools] \"wipe_all\""),
        ),
        ("default = 'other'\n", "", Some("[scopes] default")),
        (
            "shell = { hidden = true }\n",
            "",
            Some("[rules.tools] \"shell\" hidden"),
        ),
        (
            "denied = true, rate",
            "rate",
            Some("one [rules.tools] \"change\" denied"),
        ),
        (
            "rate = '10/s' }",
            "}",
            Some("one [rules.tools] \"change\" rate"),
        ),
        ("policy = 'p.cedar'\n", "", Some("[rules] policy")),
        ("principal = '1000/s'\n", "", Some("[limits] principal")),
        (
            "required-scope = ['read']\n",
            "",
            Some("one required-scope \"read\", two required-scope"),
        ),
        (
            "admission = 'required'",
            "admission = 'optional'",
            Some("one admission = \"required\""),
        ),
        // Others, or more, are no loss; nor is what the default closes as well.
        ("keep = 'admin'", "keep = 'read'", None),
        ("[rules]\n", "[rules]\ndefault = 'deny'\n", None),
        ("rate = '10/s'", "rate = '20/s', concurrency = 1", None),
    ] {
        for (text, expected) in [
            (whole.replace(lost, instead), Some(said)),
            (whole.clone(), None),
        ] {
            assert!(expected.is_none() || text != whole, "{lost}");
            place.write("propusk.toml", text);
            server.signal("HUP");
            applied += 1;
            told(&mut server, APPLIED, applied);
            let err = server.err();
            let found: Vec<_> = err.lines().filter(|line| line.contains(LESS)).collect();
            if let Some(expected) = expected {
                let new = &found[lines..];
                assert_eq!(new.len(), usize::from(expected.is_some()), "{lost}: {err}");
                for (line, expected) in new.iter().zip(expected) {
                    assert!(line.contains(expected) && line.contains("WARN"), "{line}");
                }
            }
            // Back from what is stricter there may be one as well.
            lines = found.len();
        }
    }
}
