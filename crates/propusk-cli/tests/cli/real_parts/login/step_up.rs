//! A tool that needs more than the login permits: somebody at a terminal is asked, a script is told
//! what would help.

use propusk_testing::identity_provider::Options;

use super::person::Home;

const QUESTION: &str = "tools/call:notes_add needs notes:write; sign in again for it? [Y/n]\n";

fn home() -> Home {
    let home = Home::new(Options::new(), &["--suggested-scope", "notes:read"]);
    home.signs_in(&[]).code(0);
    home
}

fn asked(err: &str) -> Option<()> {
    err.contains(QUESTION).then_some(())
}

#[test]
fn who_agrees_signs_in_and_the_call_goes_through() {
    for (era, answer) in [("modern", "y"), ("legacy", "")] {
        let home = home();
        let browser = home.browser();
        let call = ["call", &home.url(), "notes_add", "text=milk", "--era", era];
        let mut call = home.starts_at_terminal(&[("BROWSER", &browser)], &call);
        call.until("the question", asked);
        call.types(answer);
        home.browser_signs_in(0);
        let done = call.end().code(0);
        assert_eq!(done.json()["text"], "milk", "{done:?}");
        // The wider login stays, with what it had before.
        let status = home.run(&["status", "--json"]).code(0).json();
        assert_eq!(status.as_array().unwrap().len(), 1, "{status}");
        assert_eq!(
            status[0]["scopes"],
            serde_json::json!(["notes:read", "notes:write"])
        );
        home.run(&["call", &home.url(), "notes_add", "text=bread"])
            .code(0);
    }
}

#[test]
fn who_says_no_is_told_what_would_help() {
    let home = home();
    let mut call = home.starts_at_terminal(&[], &["call", &home.url(), "notes_add", "text=milk"]);
    call.until("the question", asked);
    call.types("what?");
    call.until("that again", |err| {
        (err.matches(QUESTION).count() == 2).then_some(())
    });
    call.types("n");
    let done = call.end().code(4);
    assert!(done.err.contains(&help(&home)), "{done:?}");
}

#[test]
fn a_script_is_not_asked() {
    let home = home();
    let done = home
        .run(&["call", &home.url(), "notes_add", "text=milk"])
        .code(4);
    assert!(!done.err.contains("[Y/n]"), "{done:?}");
    let help = help(&home);
    assert!(done.err.contains(&help), "{done:?}");
    assert!(
        done.err.contains("sent: the token of the login at"),
        "{done:?}"
    );
    // And that does help.
    let flags = ["--scope", "notes:read", "--scope", "notes:write"];
    assert!(help.ends_with(&flags.join(" ")));
    home.signs_in(&flags).code(0);
    home.run(&["call", &home.url(), "notes_add", "text=milk"])
        .code(0);
}

/// A login that has ended: a script is told, somebody at a terminal is asked.
#[test]
fn a_login_that_has_ended() {
    let flags = ["--suggested-scope", "notes:read"];
    let home = Home::new(Options::new().lifetime(2), &flags);
    home.signs_in(&[]).code(0);
    let (_, refresh) = home.secrets();
    home.provider.revoke(&refresh);
    home.waits_for_the_end();

    let whoami = ["call", &home.url(), "whoami"];
    let done = home.run(&whoami).code(3);
    let help = format!("propusk login {}", home.url());
    assert!(done.err.contains(&help), "{done:?}");
    assert!(!done.err.contains("[Y/n]"), "{done:?}");

    let question = format!(
        "the login at {} has ended; sign in again? [Y/n]",
        home.provider.issuer()
    );
    let asked = |err: &str| err.contains(&question).then_some(());
    let mut call = home.starts_at_terminal(&[], &whoami);
    call.until("the question", asked);
    call.types("n");
    call.end().code(3);

    let browser = home.browser();
    let mut call = home.starts_at_terminal(&[("BROWSER", &browser)], &whoami);
    call.until("the question", asked);
    call.types("y");
    home.browser_signs_in(0);
    let done = call.end().code(0);
    assert_eq!(done.json()["subject"], "alice", "{done:?}");
}

fn help(home: &Home) -> String {
    format!(
        "propusk login {} --scope notes:read --scope notes:write",
        home.url()
    )
}
