//! `propusk login` with a real browser as the program in `BROWSER`, at a real identity provider.

use std::time::Duration;

use propusk_testing::{
    browser::Person,
    identity_provider::{Endpoint, Options},
};

use super::provider::{Provider, SUBJECT};
use crate::support::{Env, Sandbox, Words, until};

/// A browser takes its time on a machine that has much to do.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn from_login_to_logout() {
    let (place, person) = (Sandbox::new(), Person::new().unwrap());
    let provider = Provider::start_with(Options::new().pages());
    let issuer = provider.issuer();
    let server = place.serve(&["--issuer", issuer, "--suggested-scope", "notes:read"]);
    let (home, program) = (place.path("home"), person.program());
    let env: Env<'_> = &[
        ("HOME", home.to_str().unwrap()),
        ("BROWSER", program.to_str().unwrap()),
    ];
    std::fs::create_dir(&home).unwrap();
    let run = |args: Words<'_>| place.run_with(env, args);

    let login = ["login", &*server.url, "--client-id", "native"];
    let done = run(&login).code(0);
    assert!(done.err.contains("signed in"), "{done:?}");
    // Our page is read after the program has ended, which is all that it waits for.
    let visits = until("the browser's report", PATIENCE, || {
        assert_eq!(person.complaints(), "");
        Some(person.visits().unwrap()).filter(|visits| !visits.is_empty())
    });
    let [visit] = &visits[..] else {
        panic!("{visits:?}: {}", person.complaints());
    };
    let last = visit.pages.last().unwrap();
    assert!(last.text.contains("You can close this window"), "{last:?}");
    assert_eq!((visit.pages.len(), last.scripts), (3, 0), "{visit:?}");

    let whoami = run(&["call", &server.url, "whoami"]).code(0).json();
    assert_eq!(whoami["subject"], SUBJECT);
    assert_eq!(whoami["scopes"], serde_json::json!(["notes:read"]));
    let status = run(&["status", &server.url]).code(0);
    assert!(status.out.contains(issuer), "{status:?}");

    run(&["logout", &server.url]).code(0);
    assert!(provider.asked(Endpoint::Revocation) > 0, "at the issuer");
    run(&["status", &server.url]).code(3);
    run(&["call", &server.url, "whoami"]).code(3);
    assert_eq!(person.visits().unwrap().len(), 1);
}
