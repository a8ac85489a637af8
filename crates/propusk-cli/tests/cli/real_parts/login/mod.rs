//! Signing in from end to end: the program, a real identity provider, and our server.

mod person;
mod step_up;

use std::os::unix::fs::PermissionsExt;

use propusk_testing::identity_provider::{Endpoint, Fault, Options};

use self::person::Home;
use super::provider::SUBJECT;
use crate::support::{Done, Words};

/// What a client of the server is told to ask for.
const BASIC: Words<'_> = &["--suggested-scope", "notes:read"];

/// By paste, kept in files of the user's own, used, shown, revoked.
#[test]
fn a_login_from_its_begin_to_its_end() {
    let home = Home::new(Options::new().opaque_resource("http://"), BASIC);
    let mut heard = vec![home.signs_in(&[]).code(0)];
    assert!(
        heard[0].err.contains("the login is kept in a file"),
        "{heard:?}"
    );
    for (path, content) in home.place.files() {
        if path.starts_with("home/.local/state/propusk") {
            let mode = home
                .place
                .path(&path)
                .metadata()
                .unwrap()
                .permissions()
                .mode();
            let (least, kind) = if content.is_empty() {
                (0o700, "folder")
            } else {
                (0o600, "file")
            };
            assert!(mode & 0o777 & !least == 0, "{kind} {path}: {mode:o}");
        }
    }

    let caller = home.run(&["call", &home.url(), "whoami"]).code(0);
    assert_eq!(
        (&caller.json()["subject"], &*caller.err),
        (&SUBJECT.into(), "")
    );
    let tools = home.run(&["tools", &home.url()]).code(0);
    assert!(tools.out.contains("notes_list"), "{tools:?}");
    // A token that is given counts, and not the login.
    let given = home.run_with(
        &[("PROPUSK_TOKEN", "nonsense")],
        &["call", &home.url(), "whoami"],
    );
    assert!(
        given.code == 3 && given.err.contains("PROPUSK_TOKEN"),
        "{given:?}"
    );

    let shown = home.run(&["status"]).code(0);
    for word in [
        &*home.url(),
        home.provider.issuer(),
        "notes:read",
        "renewed by itself",
    ] {
        assert!(shown.out.contains(word), "{word}: {shown:?}");
    }
    let status = home.run(&["status", &home.url(), "--json"]).code(0);
    let login = &status.json()[0];
    assert_eq!(login["server"], home.url());
    assert_eq!(login["issuer"], home.provider.issuer());
    assert_eq!(login["scopes"], serde_json::json!(["notes:read"]));
    assert_eq!(
        (&login["renewable"], &login["signed_in"]),
        (&true.into(), &true.into())
    );
    // Another spelling is another server.
    let near = home.run(&["status", &format!("{}/", home.url())]).code(3);
    assert!(near.err.contains("which is another URL"), "{near:?}");

    let (access, refresh) = home.secrets();
    let active = || home.provider.introspects(&access)["active"].clone();
    assert_eq!(active(), true);
    let left = home.run(&["logout", &home.url()]).code(0);
    assert!(left.err.contains("the tokens are revoked at"), "{left:?}");
    assert_eq!(active(), false, "the provider knows it");
    assert!(
        !home
            .provider
            .refreshes(login["client_id"].as_str().unwrap(), &refresh)
    );
    home.run(&["status", &home.url()]).code(3);
    home.run(&["call", &home.url(), "whoami"]).code(3);
    home.run(&["logout", &home.url()]).code(1);

    heard.extend([caller, tools, given, shown, status, near, left]);
    for done in heard {
        knows_nothing_of(&done, &[&access, &refresh]);
    }
}

/// The program that BROWSER names gets the address as its only argument; the browser comes back to
/// this machine by itself.
#[test]
fn a_browser_is_opened_without_a_shell() {
    let home = Home::new(Options::new(), BASIC);
    let program = home.browser();
    let login = home.starts(&[("BROWSER", &program)], &["login", &home.url(), "--json"]);
    home.browser_signs_in(0);
    let done = login.end().code(0);
    assert_eq!(done.json()["subject"], SUBJECT, "{done:?}");
    assert_eq!(home.browser_got(0).len(), 1, "one argument");
    home.run(&["call", &home.url(), "whoami"]).code(0);
}

/// Where no browser starts, the address is shown.
#[test]
fn a_browser_that_does_not_start() {
    let home = Home::new(Options::new(), BASIC);
    let mut login = home.starts(&[("BROWSER", "/nowhere/browser")], &["login", &home.url()]);
    let url = login.until("the address", person::address);
    home.follow(&home.provider.browse(&url, SUBJECT));
    let done = login.end().code(0);
    assert!(done.err.contains("no browser could be opened"), "{done:?}");
}

#[test]
fn a_token_that_has_ended_is_renewed_without_a_word() {
    let home = Home::new(Options::new().lifetime(2), BASIC);
    home.signs_in(&[]).code(0);
    let (_, before) = home.secrets();
    let asked = home.provider.asked(Endpoint::Token);
    home.waits_for_the_end();
    let done = home.run(&["call", &home.url(), "whoami"]).code(0);
    assert_eq!(done.err, "");
    assert!(
        home.provider.asked(Endpoint::Token) > asked,
        "a new token was asked for"
    );
    let (_, after) = home.secrets();
    assert_ne!(
        before, after,
        "the refresh token has rotated, and the new one is kept"
    );
}

#[test]
fn what_is_pasted_is_checked() {
    let home = Home::new(Options::new(), BASIC);
    for (paste, code, word) in [
        ("nonsense", 3, "whole address"),
        (
            "http://127.0.0.1:9/callback?code=x&state=y",
            3,
            "whole address",
        ),
    ] {
        let mut login = home.starts(&[], &["login", &home.url(), "--no-browser"]);
        login.until("the address", person::address);
        login.types("");
        login.types(paste);
        let done = login.end().code(code);
        assert!(done.err.contains(word), "{done:?}");
    }
    // The person says no.
    let done = home.signs_in_as("deny", &[]).code(3);
    assert!(done.err.contains("access_denied"), "{done:?}");
    home.run(&["status", &home.url()]).code(3);
}

/// Codes, tokens and refresh tokens are in no log, at whatever level.
#[test]
fn the_log_has_no_secret() {
    let home = Home::new(Options::new(), BASIC);
    let args = ["login", &home.url(), "--no-browser", "--log", "trace"];
    let mut login = home.starts(&[], &args);
    let page = login.until("the address", person::address);
    let back = home.provider.browse(&page, SUBJECT);
    let (_, code) = back.split_once("code=").unwrap();
    let code = code.split('&').next().unwrap();
    login.types(&back);
    let (signed_in, (access, refresh)) = (login.end().code(0), home.secrets());
    let called = home
        .run(&["call", &home.url(), "whoami", "--log", "trace"])
        .code(0);
    let left = home.run(&["logout", &home.url(), "--log", "trace"]).code(0);
    for done in [signed_in, called, left] {
        knows_nothing_of(&done, &[code, &access, &refresh]);
    }
}

#[test]
fn several_accounts_at_one_server() {
    let home = Home::new(Options::new(), BASIC);
    home.signs_in_as("alice", &["--account", "home"]).code(0);
    // The only one needs no name.
    home.run(&["call", &home.url(), "whoami"]).code(0);
    home.signs_in_as("bob", &["--account", "work"]).code(0);
    let done = home.run(&["call", &home.url(), "whoami"]).code(2);
    assert!(
        done.err.contains("home, work") || done.err.contains("work, home"),
        "{done:?}"
    );
    for (account, subject) in [("home", "alice"), ("work", "bob")] {
        let caller = home.run(&["call", &home.url(), "whoami", "--account", account]);
        assert_eq!(caller.code(0).json()["subject"], subject);
        let env = [("PROPUSK_ACCOUNT", account)];
        let caller = home.run_with(&env, &["call", &home.url(), "whoami"]);
        assert_eq!(caller.code(0).json()["subject"], subject);
    }
    home.run(&["logout", &home.url(), "--account", "home"])
        .code(0);
    let caller = home.run(&["call", &home.url(), "whoami"]).code(0);
    assert_eq!(caller.json()["subject"], "bob");
    home.run(&["logout", "--all"]).code(0);
    home.run(&["status", &home.url()]).code(3);
}

/// Signing in again takes the place of the login before, and needs no new registration.
#[test]
fn signing_in_again() {
    let home = Home::new(Options::new(), BASIC);
    home.signs_in(&["--scope", "notes:read"]).code(0);
    let registered = home.provider.asked(Endpoint::Registration);
    assert_eq!(registered, 1);
    home.signs_in(&["--scope", "notes:read", "--scope", "notes:write"])
        .code(0);
    let logins = home.run(&["status", "--json"]).code(0).json();
    assert_eq!(logins.as_array().unwrap().len(), 1, "{logins}");
    assert_eq!(
        logins[0]["scopes"],
        serde_json::json!(["notes:read", "notes:write"])
    );
}

#[test]
fn a_machine_signs_in_with_its_secret() {
    let home = Home::new(Options::new(), BASIC);
    let secret = home.provider.secret("machine");
    home.place.write("secret", format!("{secret}\n"));
    let login = [
        "login",
        &home.url(),
        "--client-credentials",
        "--client-id",
        "machine",
    ];
    let by_file = [&login[..], &["--client-secret-file", "secret"]].concat();
    // The server does not choose who gets the secret. Once it is known, it is known.
    let nobody = home.run(&by_file).code(2);
    assert!(nobody.err.contains("--issuer"), "{nobody:?}");
    assert_eq!(home.provider.asked(Endpoint::Token), 0);
    let issuer = ["--issuer", home.provider.issuer()];
    let addressed = [&login[..], &issuer].concat();
    let mut heard = vec![
        home.run_with(&[("PROPUSK_CLIENT_SECRET", &secret)], &addressed)
            .code(0),
        home.run(&by_file).code(0),
        home.run(&["status", &home.url(), "--json"]).code(0),
        home.run(&["call", &home.url(), "whoami"]).code(0),
    ];
    assert_eq!(heard[2].json()[0]["renewable"], false);
    assert_eq!(heard[3].json()["subject"], "machine");
    let wrong = [("PROPUSK_CLIENT_SECRET", "wrong-secret-of-a-machine")];
    heard.push(home.run_with(&wrong, &login).code(3));
    assert!(heard[4].err.contains("invalid_client"), "{heard:?}");
    for done in &heard {
        knows_nothing_of(done, &[&secret, "wrong-secret-of-a-machine"]);
    }
    let kept = home.kept();
    assert!(!kept.contains(&secret), "the secret is not kept");
}

#[test]
fn an_issuer_that_cannot_revoke_now() {
    let home = Home::new(Options::new(), BASIC);
    home.signs_in(&[]).code(0);
    home.provider
        .fault(Endpoint::Revocation, Fault::Status(503));
    let done = home.run(&["logout", &home.url()]).code(5);
    assert!(
        done.err.contains("could not be asked to revoke"),
        "{done:?}"
    );
    home.run(&["status", &home.url()]).code(3);
    assert!(!home.kept().contains("refresh"), "it is forgotten here");
}

/// JSON Web Tokens are not revoked by this provider, and it is said how long the last one lives.
#[test]
fn an_access_token_that_outlives_its_login() {
    let home = Home::new(Options::new(), BASIC);
    home.signs_in(&[]).code(0);
    let (_, refresh) = home.secrets();
    let client = home.run(&["status", "--json"]).json()[0]["client_id"].clone();
    let done = home.run(&["logout", &home.url(), "--json"]).code(0);
    assert_eq!(done.json()[0]["revoked"], "refresh_token", "{done:?}");
    assert!(!home.provider.refreshes(client.as_str().unwrap(), &refresh));
}

#[track_caller]
fn knows_nothing_of(done: &Done, secrets: &[&str]) {
    for secret in secrets {
        assert!(
            !done.out.contains(secret) && !done.err.contains(secret),
            "{done:?}"
        );
    }
}
