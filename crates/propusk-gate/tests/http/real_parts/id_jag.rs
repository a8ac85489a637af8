//! ID-JAG between two real providers: the company's, and that of the upstream, which trusts it
//! (draft-ietf-oauth-identity-assertion-authz-grant).

use propusk::{
    JwtVerifier, ScopeSet,
    client::{MachineClient, TokenEndpoint},
};
use propusk_gate::credentials::IdJag;
use propusk_testing::{
    contract::Captured,
    identity_provider::{Endpoint, IdentityProvider, Indicator, Options, SignIn},
};
use serde_json::json;

use super::{HERE, believes_in, endpoint, endpoint_of, protected::Protected, refuses, status};
use crate::gate::{Gate, settings};

const WRONG: &str = "a-secret-that-is-wrong";

type Ask<'a> = &'a dyn Fn() -> TokenEndpoint;

/// Its name; the caller's token; both endpoints; for which server and resource; the status, and what is
/// logged.
type Case<'a> = (
    &'a str,
    &'a str,
    Ask<'a>,
    Ask<'a>,
    (&'a str, &'a str),
    u16,
    [&'a str; 2],
);

/// The company's provider and the upstream's.
async fn providers() -> (IdentityProvider, IdentityProvider) {
    let options = Options::new().exchange("gate", HERE);
    // Whose ID tokens the gate may show.
    let options = options.exchange("gate", "native");
    let options = options.assert_for("http://127.0.0.1:");
    let idp = IdentityProvider::start(options).await.expect("started");
    let options = Options::new().trust(idp.issuer());
    let server = IdentityProvider::start(options).await.expect("started");
    (idp, server)
}

#[tokio::test]
async fn each_caller_is_itself_in_the_other_domain() {
    let (idp, server) = providers().await;
    let upstream = Protected::by(&server).await;
    let source = IdJag::new(
        endpoint(&idp, "gate"),
        endpoint(&server, "gate"),
        server.issuer(),
        &*upstream.url,
    );
    let verifier = JwtVerifier::from_issuer(idp.issuer(), HERE).expect("an issuer");
    let set = settings().credentials(source);
    let gate = Gate::verified(&upstream.url, set, HERE, verifier).await;
    let alice = idp
        .user_token("alice", HERE, "notes:read notes:write")
        .await;
    let bob = idp.user_token("bob", HERE, "notes:read").await;
    let (alice, bob) = (alice.expect("a token"), bob.expect("a token"));
    idp.reset_counts().await.expect("counted");
    for token in [&alice, &bob, &alice, &bob] {
        assert_eq!(status(&gate, token).await, 200);
    }
    for provider in [&idp, &server] {
        let asked = provider.counts().await.expect("counts").of(Endpoint::Token);
        assert_eq!(asked, 2, "once for each of them");
    }
    assert_eq!(upstream.subjects(), ["alice", "bob", "alice", "bob"]);
    upstream.assert_free_of(&[&alice, &bob]);
    let seen = &upstream.seen()[..2];
    for (seen, scopes) in seen.iter().zip(["notes:read notes:write", "notes:read"]) {
        assert_eq!(seen.caller.issuer(), Some(server.issuer()));
        assert_eq!(
            seen.caller.scopes(),
            &ScopeSet::parse(scopes).expect("scopes")
        );
    }
}

/// What the draft exchanges first of all.
#[tokio::test]
async fn an_id_token_is_the_subject_where_callers_come_with_one() {
    let (idp, server) = providers().await;
    let upstream = Protected::by(&server).await;
    let sign_in = SignIn::new("alice", HERE, "openid notes:read");
    let tokens = idp.sign_in(&sign_in).await.expect("signed in");
    let id_token = tokens.id_token.expect("an ID token");
    for (token, expected) in [(&id_token, 200), (&tokens.access_token, 403)] {
        let source = IdJag::new(
            endpoint(&idp, "gate"),
            endpoint(&server, "gate"),
            server.issuer(),
            &*upstream.url,
        );
        let source = source.scopes(ScopeSet::parse("notes:read").expect("scopes"));
        let source = source.subject_token_type("urn:ietf:params:oauth:token-type:id_token");
        let set = settings().credentials(source);
        let gate = Gate::verified(&upstream.url, set, HERE, believes_in(token)).await;
        assert_eq!(status(&gate, token).await, expected);
    }
    assert_eq!(upstream.subjects(), ["alice"]);
}

#[tokio::test]
async fn what_either_provider_refuses_goes_nowhere() {
    let (idp, server) = providers().await;
    let upstream = Protected::by(&server).await;
    let good = idp.user_token("alice", HERE, "notes:read").await;
    let good = good.expect("a token");
    let other = idp.user_token("alice", "https://other.example", "notes:read");
    let revoked = idp.user_token("alice", Indicator::new(HERE).opaque(), "notes:read");
    let (other, revoked) = (other.await.expect("a token"), revoked.await.expect("one"));
    idp.revoke(&revoked).await.expect("revoked");
    let claims = json!({
        "iss": idp.issuer(), "sub": "alice", "aud": HERE, "exp": 2, "iat": 1, "scope": "notes:read",
    });
    let expired = idp
        .sign("provider:RS256", json!({ "typ": "at+jwt" }), claims)
        .await;
    let expired = expired.expect("signed").jwt;
    let wrong = MachineClient::secret("gate", WRONG);
    let (at_idp, at_server) = (|| endpoint(&idp, "gate"), || endpoint(&server, "gate"));
    let wrong_at_idp = || endpoint_of(&idp, wrong.clone());
    let wrong_at_server = || endpoint_of(&server, wrong.clone());
    let another_client = || endpoint(&server, "gate-jwt");
    let (first, second): (Ask<'_>, Ask<'_>) = (&at_idp, &at_server);
    let (to, here) = ((server.issuer(), &*upstream.url), "identity provider: ");
    let there = "authorization server: ";
    let unknown = ("https://as.example", to.1);
    // For another authorization server than the one that gets it.
    let elsewhere = ("http://127.0.0.1:9", to.1);
    let nothing = (to.0, "urn:example:nothing");
    let cases: [Case<'_>; 11] = [
        ("fine", &good, first, second, to, 200, [""; 2]),
        (
            "expired",
            &expired,
            first,
            second,
            to,
            403,
            [here, "invalid_grant"],
        ),
        (
            "revoked",
            &revoked,
            first,
            second,
            to,
            403,
            [here, "invalid_grant"],
        ),
        (
            "another's",
            &other,
            first,
            second,
            to,
            403,
            [here, "invalid_grant"],
        ),
        (
            "wrong secret",
            &good,
            &wrong_at_idp,
            second,
            to,
            502,
            [here, "invalid_client"],
        ),
        (
            "wrong there",
            &good,
            first,
            &wrong_at_server,
            to,
            502,
            [there, "invalid_client"],
        ),
        (
            "no server",
            &good,
            first,
            second,
            unknown,
            502,
            [here, "invalid_target"],
        ),
        (
            "elsewhere",
            &good,
            first,
            second,
            elsewhere,
            403,
            [there, "invalid_grant"],
        ),
        (
            "not trusted",
            &good,
            first,
            first,
            (idp.issuer(), to.1),
            403,
            [there, "invalid_grant"],
        ),
        (
            "not its own",
            &good,
            first,
            &another_client,
            to,
            403,
            [there, "invalid_grant"],
        ),
        (
            "no resource",
            &good,
            first,
            second,
            nothing,
            502,
            [there, "invalid_target"],
        ),
    ];
    for (case, token, first, second, (issuer, resource), expected, logged) in cases {
        let captured = Captured::begin();
        let source = IdJag::new(first(), second(), issuer, resource);
        let set = settings().credentials(source);
        let gate = Gate::verified(&upstream.url, set, HERE, believes_in(token)).await;
        if expected == 200 {
            assert_eq!(status(&gate, token).await, 200);
            continue;
        }
        refuses(
            &gate,
            token,
            expected,
            &[WRONG, idp.issuer(), server.issuer()],
        )
        .await;
        assert_eq!(upstream.subjects(), ["alice"], "{case}");
        // The operator learns where and why, and no secret.
        let text = captured.text();
        assert!(
            logged.iter().all(|part| text.contains(part)),
            "{case}: {text}"
        );
        captured.assert_free_of(token);
        captured.assert_free_of(WRONG);
    }
}
