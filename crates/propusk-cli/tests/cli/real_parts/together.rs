//! Fixed tokens, a store, an issuer and an identity server to ask: each token finds its verifier.

use serde_json::json;

use super::provider::{Provider, call, from_now, whoami};
use crate::support::{ALICE, FIXED, Sandbox};

#[test]
fn each_token_finds_its_verifier() {
    let (place, mut provider) = (Sandbox::new(), Provider::start());
    let issued = place.issue(&["--subject", "carol", "--scope", "echo"]);
    let secret = provider.secret("resource-server");
    let env = [("PROPUSK_INTROSPECT_SECRET", &*secret)];
    let flags = [
        &[
            "--issuer",
            provider.issuer(),
            "--tokens",
            "sqlite:propusk.db",
        ][..],
        &[
            "--introspect",
            "issuer",
            "--introspect-client-id",
            "resource-server",
        ],
        FIXED,
    ]
    .concat();
    let server = place.serve_with(&env, &flags);
    let (jwt, opaque) = (provider.token(&server.url), provider.opaque(&server.url));
    for (token, subject, issuer) in [
        (ALICE, "alice", json!(null)),
        (&issued, "carol", json!("propusk")),
        (&jwt, "alice", json!(provider.issuer())),
        (&opaque, "alice", json!(provider.issuer())),
    ] {
        let caller = whoami(&place, &server, token);
        assert_eq!(caller["subject"], subject);
        assert!(caller["issuer"] == issuer || subject == "carol", "{caller}");
    }
    let old = json!({"iat": from_now(-3600)});
    let forged = provider.signed("stranger", &server.url, &old);
    // Another last character than the one that it has.
    let other = if issued.ends_with('0') { '1' } else { '0' };
    let changed = format!("{}{other}", &issued[..issued.len() - 1]);
    for bad in [
        &*forged,
        &changed,
        "propusk_",
        "garbage",
        "alice-fixed-token-3",
    ] {
        call(&place, &server, bad).code(3);
    }
    // Without the provider the others are as they were, and what it would have to say is open.
    let unseen = provider.opaque(&server.url);
    provider.stop();
    whoami(&place, &server, ALICE);
    whoami(&place, &server, &issued);
    whoami(&place, &server, &jwt);
    call(&place, &server, &changed).code(3);
    call(&place, &server, &unseen).code(5);
    provider.start_again();
    crate::support::until(
        "it is asked again",
        std::time::Duration::from_secs(30),
        || {
            let code = call(&place, &server, &unseen).code;
            assert!([0, 5].contains(&code), "{code}");
            (code == 0).then_some(())
        },
    );
}
