//! `propusk init`: from a server that knows nothing of authorization to a configuration for it.

use crate::{gate::FIXTURE, support::Sandbox};

#[test]
fn a_program_is_asked_and_what_is_written_protects_it() {
    let place = Sandbox::new();
    place.run(&["init", "--", FIXTURE]).code(0);
    let text = std::fs::read_to_string(place.path("propusk.toml")).expect("written");
    for line in [
        "\"look\" = \"fixture:read\"  # It does",
        "\"change\" = \"fixture:write\"  # It does",
        "\"wipe_all\" = \"fixture:destructive\"  # It does",
        "\"odd\\\"]\\u000Ahidden = true #\" = \"fixture:read\"  # It does",
    ] {
        assert!(text.lines().any(|own| own == line), "{line}\n{text}");
    }
    place.run(&["check-config"]).code(0);
    let again = place.run(&["init", "--", FIXTURE]).code(2);
    assert!(again.err.contains("is there already"), "{again:?}");
    let reader = place.issue(&["--subject", "r", "--scope", "fixture:read"]);
    let server = place.serve(&[]);
    let call = |tool: &str| place.call(&reader, &server.url, &[tool]).code;
    let codes = ["look", "change", "wipe_all", "environment"].map(call);
    assert_eq!(codes, [0, 4, 4, 4]);
    place.call("", &server.url, &["look"]).code(3);
}

#[test]
fn a_server_at_a_url_is_asked_and_nothing_is_written_but_what_was_named() {
    let place = Sandbox::new();
    let server = place.serve(&["--token", "t=a:notes:read,notes:write"]);
    let env = [("PROPUSK_TOKEN", "t")];
    let done = place
        .run_with(&env, &["init", "--upstream", &server.url, "--output", "-"])
        .code(0);
    assert!(
        done.out.contains("\"notes_add\" = \"propusk:write\""),
        "{done:?}"
    );
    assert!(
        done.out.contains(&format!("url = \"{}\"", server.url)),
        "{done:?}"
    );
    place
        .run(&["init", "--upstream", &server.url, "--output", "-"])
        .code(3);
    let gone = place
        .run(&["init", "--upstream", "http://127.0.0.1:1/mcp"])
        .code(5);
    assert!(place.files().is_empty(), "{gone:?} {:?}", place.files());
    place.run(&["init", "--", "no-such-program"]).code(2);
    assert!(place.files().is_empty());
    place.run(&["init"]).code(2);
}
