//! A client whose user can be asked: when, for what, and how often.

use propusk::{
    Client,
    client::{
        AuthorizationCode, ClientError, Era, ErrorKind, FileLogins, InteractiveLogin, LoginStore,
        TokenErrorKind,
    },
};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    browser::Clicks,
    world::{Answer, REFRESH, TOKEN, World, changed, token},
};
use crate::support::{Front, Scoped, soon};

/// A client with this folder of logins, as a process of its own would have it.
fn client(url: &str, folder: &TempDir, browser: &Clicks) -> Client {
    let logins = FileLogins::new(folder.path().join("logins"));
    let flow = AuthorizationCode::new("A test");
    let tokens = InteractiveLogin::new(logins, flow, browser.clone());
    Client::new(url).era(Era::Modern).tokens(tokens)
}

async fn call(client: Client, tool: &str) -> Result<(), ClientError> {
    soon(async {
        let session = client.connect().await?;
        let called = session.call_tool(tool.to_owned(), json!({})).await;
        session.close().await;
        called.map(drop)
    })
    .await
}

/// A server with real tools, whose users sign in at this one.
async fn site(world: &World) -> Scoped {
    let issuer = world.origin();
    Scoped::start(Front::Server, |settings| {
        settings.authorization_server(issuer)
    })
    .await
}

fn gives(scopes: &str) -> Answer {
    let text = format!("ok~{}", scopes.replace(' ', "~").replace(':', "."));
    let says = json!({"access_token": text, "scope": scopes});
    Answer::Json(200, changed(token(), &says))
}

#[tokio::test]
async fn the_user_is_asked_once_and_the_login_is_kept() {
    let (world, folder, browser) = (World::start().await, folder(), Clicks::default());
    let site = site(&world).await;
    world.answer("POST /token", gives("notes:read"));
    for _ in 0..2 {
        call(client(&site.url(), &folder, &browser), "free")
            .await
            .expect("answered");
    }
    assert_eq!(browser.pages().len(), 1);
    assert_eq!(browser.parameter("resource"), Some(site.url()));
    // One process, several requests at once: one question.
    let (other, browser) = (self::folder(), Clicks::default());
    let client = client(&site.url(), &other, &browser);
    let calls = (0..5).map(|_| tokio::spawn(call(client.clone(), "free")));
    for call in calls.collect::<Vec<_>>() {
        soon(call).await.expect("no panic").expect("answered");
    }
    assert_eq!(browser.pages().len(), 1);
}

/// MCP 2026-07-28, step-up: what was granted and what is wanted, once, and it is kept.
#[tokio::test]
async fn a_tool_that_needs_more_has_the_user_asked_for_more() {
    let (world, folder, browser) = (World::start().await, folder(), Clicks::default());
    let site = site(&world).await;
    let answers = vec![gives("notes:read"), gives("notes:read notes:write")];
    world.answer_in_turn("POST /token", answers);
    for tool in ["free", "add", "add"] {
        call(client(&site.url(), &folder, &browser), tool)
            .await
            .expect(tool);
    }
    assert_eq!(browser.pages().len(), 2);
    assert_eq!(
        browser.parameter("scope").as_deref(),
        Some("notes:read notes:write")
    );
    // RFC 7591 §2: strict authorization servers hold a client to the scopes that it registered
    // itself for, so it registers itself once more, for all of them.
    let routes = world.routes();
    let registered = routes.iter().filter(|route| *route == "POST /register");
    assert_eq!(registered.count(), 2, "{routes:?}");
    assert_eq!(keys(&folder).await, 1);
}

#[tokio::test]
async fn a_user_who_says_no_is_not_asked_again() {
    let (world, folder, browser) = (World::start().await, folder(), Clicks::default());
    let site = site(&world).await;
    let no = "{redirect_uri}?error=access_denied&state={state}&iss={origin}";
    world.answer("GET /authorize", Answer::Redirect(302, no.to_owned()));
    let error = call(client(&site.url(), &folder, &browser), "free").await;
    let error = error.expect_err("no login");
    assert_eq!(
        error.kind(),
        &ErrorKind::NoToken(TokenErrorKind::Declined),
        "{error}"
    );
    assert_eq!(browser.pages().len(), 1);
    assert_eq!(keys(&folder).await, 0);
}

/// The hostile table, continued: a server that refuses every token.
#[tokio::test]
async fn endless_401_asks_the_user_once() {
    for refresh_token in [json!(REFRESH), Value::Null] {
        let (world, folder, browser) = (World::start().await, folder(), Clicks::default());
        world.token_says(&json!({"refresh_token": refresh_token}));
        let error = call(client(&world.url(), &folder, &browser), "free").await;
        let error = error.expect_err("refused");
        assert!(error.is_unauthenticated(), "{error}");
        assert_eq!(browser.pages().len(), 1, "{refresh_token}");
        let posts = world
            .routes()
            .iter()
            .filter(|route| *route == "POST /mcp")
            .count();
        assert!(posts <= 4, "{posts} requests");
    }
}

/// MCP 2026-07-28: step-up is not tried "more than a few times", and not for what is granted.
#[tokio::test]
async fn endless_403_asks_the_user_a_few_times() {
    for (granted, most) in [("notes:read", 3), ("notes:read more", 1)] {
        let (world, folder, browser) = (World::start().await, folder(), Clicks::default());
        world.token_says(&json!({"scope": granted}));
        let challenge = format!(
            "{}, error=\"insufficient_scope\", scope=\"more\"",
            world.challenge()
        );
        let unknown = Answer::Header(401, "WWW-Authenticate", world.challenge());
        let poor = Answer::Header(403, "WWW-Authenticate", challenge);
        world.answer_in_turn("POST /mcp", vec![unknown, poor]);
        let client = client(&world.url(), &folder, &browser);
        for _ in 0..3 {
            let error = call(client.clone(), "free").await.expect_err("refused");
            assert!(error.is_forbidden(), "{granted}: {error}");
        }
        assert_eq!(browser.pages().len(), most, "{granted}");
    }
}

/// MCP 2026-07-28, authorization server location: after a move, what came from the first server is
/// not sent to the second.
#[tokio::test]
async fn what_came_from_one_issuer_does_not_go_to_the_next() {
    let (first, second) = (World::start().await, World::start().await);
    let (folder, browser) = (folder(), Clicks::default());
    call(client(&first.url(), &folder, &browser), "free")
        .await
        .expect_err("refused");
    assert_eq!(keys(&folder).await, 1);
    let no_longer = Answer::Json(400, json!({"error": "invalid_grant"}));
    first.answer("POST /token", no_longer);
    first.resource_says(&json!({"authorization_servers": [second.origin()]}));
    let client_of_second = json!({"client_id": "of-second", "redirect_uris": []});
    second.answer("POST /register", Answer::Json(201, client_of_second));
    second.token_says(&json!({"access_token": "of-second", "refresh_token": null}));
    call(client(&first.url(), &folder, &browser), "free")
        .await
        .expect_err("refused");

    assert_eq!(browser.pages().len(), 2);
    assert_eq!(browser.parameter("client_id").as_deref(), Some("of-second"));
    let exchanged = second.asked("POST /token");
    assert_eq!(
        exchanged.field("grant_type").as_deref(),
        Some("authorization_code")
    );
    for asked in second.log() {
        let all = format!("{}\n{}", asked.head, asked.body);
        for foreign in [REFRESH, TOKEN, "registered"] {
            assert!(!all.contains(foreign), "{foreign}: {all}");
        }
    }
    assert_eq!(
        keys(&folder).await,
        1,
        "the new login takes the place of the old one"
    );
}

/// The same where the server wants more scopes after the move: that is a sign-in, and no step-up.
#[tokio::test]
async fn a_step_up_does_not_follow_a_move() {
    let (first, second) = (World::start().await, World::start().await);
    let (folder, browser) = (folder(), Clicks::default());
    let client = client(&first.url(), &folder, &browser);
    call(client.clone(), "free").await.expect_err("refused");
    first.resource_says(&json!({"authorization_servers": [second.origin()]}));
    let challenge = format!(
        "{}, error=\"insufficient_scope\", scope=\"more\"",
        first.challenge()
    );
    let poor = Answer::Header(403, "WWW-Authenticate", challenge);
    first.answer("POST /mcp", poor);
    let client_of_second = json!({"client_id": "of-second", "redirect_uris": []});
    second.answer("POST /register", Answer::Json(201, client_of_second));
    let says = json!({"access_token": "of-second", "refresh_token": null, "scope": "more"});
    second.token_says(&says);
    let error = call(client, "free").await.expect_err("refused");
    assert!(error.is_forbidden(), "{error}");
    assert_eq!(browser.pages().len(), 2);
    assert_eq!(browser.parameter("client_id").as_deref(), Some("of-second"));
    assert_eq!(browser.parameter("scope").as_deref(), Some("more"));
    for asked in second.log() {
        let all = format!("{}\n{}", asked.head, asked.body);
        assert!(
            !all.contains("hunter2") || asked.route() == "POST /token",
            "{all}"
        );
        assert!(!all.contains(REFRESH) && !all.contains(TOKEN), "{all}");
    }
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

/// How many logins are kept.
async fn keys(folder: &TempDir) -> usize {
    let logins = FileLogins::new(folder.path().join("logins"));
    logins.list().await.expect("readable").len()
}
