//! `serve --introspect`, with each way to authenticate and each way to give the secret.

use propusk_testing::identity_provider::Endpoint;

use super::provider::{Provider, SUBJECT, call, whoami};
use crate::support::{Env, Sandbox, Words};

#[test]
fn each_client_authentication_and_each_place_of_the_secret() {
    let (place, provider) = (Sandbox::new(), Provider::start());
    let endpoint = provider.idp.url(Endpoint::Introspection);
    let (basic, post) = (
        provider.secret("resource-server"),
        provider.secret("resource-server-post"),
    );
    let pem = provider.private_key("resource-server-jwt");
    place.write("secret", format!("{basic}\n"));
    place.write("key.pem", &pem);
    place.write(
        "with-secret.toml",
        format!("[serve]\nintrospect-secret = '{basic}'\n"),
    );
    let issuer = ["--introspect", "issuer", "--issuer", provider.issuer()];
    let given = ["--introspect", &endpoint];
    let in_environment = [("PROPUSK_INTROSPECT_SECRET", &*basic)];
    let post_in_environment = [("PROPUSK_INTROSPECT_SECRET", &*post)];
    let cases: &[(Words<'_>, Env<'_>, Words<'_>)] = &[
        (
            &given,
            &in_environment,
            &["--introspect-client-id", "resource-server"],
        ),
        (
            &issuer,
            &[],
            &[
                "--introspect-client-id",
                "resource-server",
                "--introspect-secret-file",
                "secret",
            ],
        ),
        (
            &given,
            &[],
            &[
                "--config",
                "with-secret.toml",
                "--introspect-client-id",
                "resource-server",
            ],
        ),
        (
            &issuer,
            &post_in_environment,
            &[
                "--introspect-client-id",
                "resource-server-post",
                "--introspect-auth",
                "post",
            ],
        ),
        (
            &issuer,
            &[],
            &[
                "--introspect-client-id",
                "resource-server-jwt",
                "--introspect-auth",
                "private_key_jwt",
                "--introspect-secret-file",
                "key.pem",
            ],
        ),
    ];
    for (where_to, env, client) in cases {
        let server = place.serve_with(env, &[*where_to, client, &["--log", "trace"][..]].concat());
        let token = provider.opaque(&server.url);
        let caller = whoami(&place, &server, &token);
        assert_eq!(caller["subject"], SUBJECT, "{client:?}");
        let foreign = provider.opaque("https://other.example/mcp");
        let withdrawn = provider.opaque(&server.url);
        provider.revoke(&withdrawn);
        for bad in [&*foreign, &withdrawn, "garbage", "a.b.c"] {
            let done = call(&place, &server, bad).code(3);
            assert!(done.err.contains("invalid_token"), "{done:?}");
        }
        let log = server.stop().code(0).err;
        assert!(log.contains("TRACE"), "a log at trace");
        let key: Vec<_> = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let shown = [&*basic, &post, &token, &foreign, &withdrawn];
        for secret in [&shown[..], &key].concat() {
            assert!(!log.contains(secret), "{client:?}: a secret was logged");
        }
    }
}

#[test]
fn wrong_credentials_are_an_outage_that_says_why() {
    let (place, provider) = (Sandbox::new(), Provider::start());
    let endpoint = provider.idp.url(Endpoint::Introspection);
    let env = [("PROPUSK_INTROSPECT_SECRET", "wrong-secret-1234")];
    let flags = [
        "--introspect",
        &*endpoint,
        "--introspect-client-id",
        "resource-server",
    ];
    let server = place.serve_with(&env, &flags);
    let token = provider.opaque(&server.url);
    call(&place, &server, &token).code(5);
    let log = server.stop().code(0).err;
    assert!(
        log.contains("refuses the credentials of this server"),
        "{log}"
    );
    assert!(
        !log.contains("wrong-secret-1234") && !log.contains(&token),
        "{log}"
    );
}
