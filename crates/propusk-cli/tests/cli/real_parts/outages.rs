//! The program while its identity provider is down.

use std::time::Duration;

use propusk_testing::identity_provider::{Endpoint, Fault};

use super::provider::{Provider, call, whoami};
use crate::support::{Sandbox, Server, until};

const PATIENCE: Duration = Duration::from_secs(30);

/// Good tokens are never refused on the way back.
fn back(place: &Sandbox, server: &Server, token: &str) {
    until("the provider is back", PATIENCE, || {
        let code = call(place, server, token).code;
        assert!([0, 5].contains(&code), "a good token was refused: {code}");
        (code == 0).then_some(())
    });
}

#[test]
fn it_starts_while_the_provider_is_down_and_needs_no_restart() {
    let (place, mut provider) = (Sandbox::new(), Provider::start());
    let secret = provider.secret("resource-server");
    let env = [("PROPUSK_INTROSPECT_SECRET", &*secret)];
    // The address is known before the server is, so that there are tokens for it.
    let resource = "http://127.0.0.1:8000/mcp";
    let (jwt, opaque) = (provider.token(resource), provider.opaque(resource));
    provider.stop();
    let issuer = provider.issuer().to_owned();
    let flags = [
        "--issuer",
        &*issuer,
        "--resource",
        resource,
        "--introspect",
        "issuer",
    ];
    let client = ["--introspect-client-id", "resource-server"];
    let mut server = place.serve_with(&env, &[&flags[..], &client].concat());
    // `listening on` names the resource; the address is that of the note.
    let notes = server.err();
    let bound = notes
        .split("bound to ")
        .nth(1)
        .and_then(|rest| rest.split_whitespace().next());
    server.url = format!("http://{}/mcp", bound.expect("the address"));
    for token in [&jwt, &opaque] {
        let done = call(&place, &server, token).code(5);
        assert!(done.err.contains("503"), "{done:?}");
    }
    provider.start_again();
    back(&place, &server, &jwt);
    back(&place, &server, &opaque);
    server.stop().code(0);
}

#[test]
fn known_keys_serve_while_it_is_down_and_new_keys_are_found_when_it_is_back() {
    let (place, mut provider) = (Sandbox::new(), Provider::start());
    let server = place.serve(&["--issuer", provider.issuer()]);
    let (seen, unseen) = (provider.token(&server.url), provider.token(&server.url));
    whoami(&place, &server, &seen);
    provider.rotate();
    let new = provider.token(&server.url);
    provider.stop();
    whoami(&place, &server, &seen);
    whoami(&place, &server, &unseen);
    call(&place, &server, &new).code(5);
    provider.start_again();
    back(&place, &server, &new);
    whoami(&place, &server, &seen);
}

#[test]
fn a_provider_that_answers_nonsense_is_down() {
    let (place, provider) = (Sandbox::new(), Provider::start());
    for (endpoint, fault) in [
        (Endpoint::Jwks, Fault::Html),
        (Endpoint::OauthMetadata, Fault::Status(500)),
        (Endpoint::Jwks, Fault::Oversized(10 * 1024 * 1024)),
    ] {
        let what = format!("{fault:?}");
        provider.fault(endpoint, fault);
        let server = place.serve(&["--issuer", provider.issuer()]);
        let token = provider.token(&server.url);
        let done = call(&place, &server, &token);
        assert_eq!(done.code, 5, "{what}: {done:?}");
        provider.heal(endpoint);
        back(&place, &server, &token);
        let log = server.stop().code(0).err;
        assert!(log.contains("cannot read the key set"), "{what}: {log}");
        assert!(!log.contains(&token), "{what}: {log}");
    }
}
