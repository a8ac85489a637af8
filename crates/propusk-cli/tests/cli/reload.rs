//! The configuration is read again while the server runs.

use std::time::Duration;

use crate::{
    gate::FIXTURE,
    support::{Sandbox, Server, until},
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
