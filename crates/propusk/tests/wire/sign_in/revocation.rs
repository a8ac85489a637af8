//! Revoking a login (RFC 7009): what is sent where, and what an issuer may answer.

use propusk::{
    BearerToken,
    client::{HttpSettings, Login, LoginKey, Revocation, TokenErrorKind},
};
use serde_json::json;

use super::world::{Answer, REFRESH, SECRET, TOKEN, World};

const ROUTE: &str = "POST /revoke";

fn login(world: &World) -> Login {
    let key = LoginKey {
        server: world.url(),
        resource: world.url(),
        issuer: world.origin(),
        client_id: "a client".to_owned(),
        account: None,
    };
    let token = BearerToken::parse(TOKEN).unwrap();
    Login::new(key, format!("{}/token", world.origin()), token)
        .with_refresh_token(Some(REFRESH.to_owned()))
        .with_revocation_endpoint(Some(format!("{}/revoke", world.origin())))
}

fn says(status: u16, error: &str) -> Answer {
    Answer::Json(
        status,
        json!({ "error": error, "error_description": SECRET }),
    )
}

fn ok() -> Answer {
    Answer::Text(200, "text/plain", String::new())
}

/// RFC 7009 §2.1: the token and what it is, with the client's authentication.
#[tokio::test]
async fn rfc7009_2_1_both_tokens_are_sent_with_who_the_client_is() {
    for (method, secret) in [
        ("none", None),
        ("client_secret_basic", Some(SECRET)),
        ("client_secret_post", Some(SECRET)),
    ] {
        let world = World::start().await;
        world.answer(ROUTE, ok());
        let login = login(&world)
            .with_client_authentication(secret.map(str::to_owned), Some(method.to_owned()));
        let revoked = login.revoke(&HttpSettings::default()).await;
        assert_eq!(revoked.unwrap(), Revocation::Revoked);
        let log = world.log();
        let tokens = [(REFRESH, "refresh_token"), (TOKEN, "access_token")];
        assert_eq!(log.len(), tokens.len(), "{log:?}");
        for (asked, (token, hint)) in log.iter().zip(tokens) {
            let form = format!("token={token}&token_type_hint={hint}&client_id=a+client");
            assert!(asked.body.starts_with(&form), "{asked:?}");
            assert_eq!(asked.body.contains(SECRET), method == "client_secret_post");
            let basic = asked.head.to_lowercase().contains("authorization: basic ");
            assert_eq!(basic, method == "client_secret_basic", "{asked:?}");
        }
    }
}

/// RFC 7009 §2.2: an invalid token is an answer of 200 like others; §2.2.1: `unsupported_token_type`,
/// and 503, after which the token must be assumed to exist still.
#[tokio::test]
async fn rfc7009_2_2_what_an_issuer_may_answer() {
    type Expected = Result<Revocation, TokenErrorKind>;
    let table: Vec<(Vec<Answer>, Expected, usize)> = vec![
        (vec![ok()], Ok(Revocation::Revoked), 2),
        (
            vec![ok(), says(400, "unsupported_token_type")],
            Ok(Revocation::UntilAccessTokenEnds),
            2,
        ),
        (
            vec![says(400, "unsupported_token_type")],
            Err(TokenErrorKind::Declined),
            1,
        ),
        (
            vec![says(401, "invalid_client")],
            Err(TokenErrorKind::Declined),
            1,
        ),
        (vec![says(400, SECRET)], Err(TokenErrorKind::Declined), 1),
        (vec![says(503, "x")], Err(TokenErrorKind::Unavailable), 1),
        // Nothing follows a redirect of a request with a secret.
        (
            vec![Answer::Redirect(307, "{origin}/elsewhere".to_owned())],
            Err(TokenErrorKind::Unavailable),
            1,
        ),
    ];
    for (answers, expected, requests) in table {
        let world = World::start().await;
        world.answer_in_turn(ROUTE, answers);
        let revoked = login(&world).revoke(&HttpSettings::default()).await;
        if let Err(error) = &revoked {
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains("hunter2"), "{shown}");
        }
        assert_eq!(revoked.map_err(|error| error.kind()), expected);
        assert_eq!(world.routes(), vec![ROUTE; requests]);
    }
}

/// RFC 7009 §2: over https, or on this machine where the issuer is; and where there is none, nobody
/// is asked.
#[tokio::test]
async fn rfc7009_2_no_token_goes_to_an_unsafe_endpoint() {
    let world = World::start().await;
    for (endpoint, expected) in [
        (None, Ok(Revocation::NotOffered)),
        (
            Some("http://login.example/revoke"),
            Err(TokenErrorKind::Unsafe),
        ),
        (
            Some("ftp://login.example/revoke"),
            Err(TokenErrorKind::Unsafe),
        ),
        (Some("no URL"), Err(TokenErrorKind::Unsafe)),
    ] {
        let login = login(&world).with_revocation_endpoint(endpoint.map(str::to_owned));
        let revoked = login.revoke(&HttpSettings::default()).await;
        assert_eq!(
            revoked.map_err(|error| error.kind()),
            expected,
            "{endpoint:?}"
        );
    }
    assert!(world.log().is_empty());
}
