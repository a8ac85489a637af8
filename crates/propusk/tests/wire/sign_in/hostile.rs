//! The hostile servers: each row misbehaves in one way, and the client stops there. It says why in
//! words that help, within bounds of time and size, and nobody got what was not for them.

use std::time::Duration;

use propusk::client::{
    AuthorizationCode, HttpSettings, Login, ProtectedServer, TokenError, TokenErrorKind,
};
use serde_json::{Value, json};

use super::{
    browser::Clicks,
    world::{Answer, CODE, SECRET, World},
};
use crate::support::soon;

use TokenErrorKind::{Declined, Misconfigured, Unavailable, Unsafe};

/// How the server misbehaves; the second server is another one that nobody should ask.
type Twist = fn(&World, &World);

/// What it ends with: the kind of the error, and words of its text.
type End = (TokenErrorKind, &'static str);

const METADATA: &str = "GET /.well-known/oauth-authorization-server";

/// Signs in where one server misbehaves, and checks what holds for all rows.
async fn misled(name: &str, twist: Twist, flow: &AuthorizationCode) -> (World, TokenError) {
    let (world, elsewhere) = (World::start().await, World::start().await);
    twist(&world, &elsewhere);
    let server = ProtectedServer::new(world.url(), HttpSettings::default());
    let challenge = world.challenge();
    let browser = Clicks::pasting();
    let ended = soon(flow.sign_in(&server, Some(&challenge), &browser)).await;
    let error = ended.err().unwrap_or_else(|| panic!("{name}: signed in"));
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains("hunter2"), "{name}: {shown}");
    assert!(!shown.contains('\u{1b}'), "{name}: {shown}");
    assert!(shown.len() < 2000, "{name}: {shown}");
    assert!(!shown.contains('\n'), "{name}: {shown}");
    assert_eq!(elsewhere.routes(), [""; 0], "{name}");
    (world, error)
}

/// Goes through a table. None of its rows gets as far as `never`.
async fn check(rows: &[(&str, Twist, End)], never: &[&str]) {
    let flow = flow();
    for (name, twist, (kind, words)) in rows {
        let (world, error) = misled(name, *twist, &flow).await;
        assert_eq!(error.kind(), *kind, "{name}: {error}");
        assert!(error.to_string().contains(words), "{name}: {error}");
        for route in world.routes() {
            assert!(!never.contains(&&*route), "{name}: {route}");
        }
    }
}

/// Patient enough for this machine, not so much that a drip takes long.
fn flow() -> AuthorizationCode {
    AuthorizationCode::new("A test").exchange_timeout(Duration::from_secs(2))
}

#[tokio::test]
async fn metadata_of_the_resource() {
    let rows: &[(&str, Twist, End)] = &[
        (
            "redirected to another origin",
            |own, other| own.answer("GET /prm", to(&other.origin())),
            (Unsafe, "redirects to another origin"),
        ),
        (
            "redirected to a private address",
            |own, _| own.answer("GET /prm", to("http://169.254.169.254/latest/meta-data")),
            (Unsafe, "redirects to another origin"),
        ),
        (
            "redirected for ever",
            |own, _| own.answer("GET /prm", to("{origin}/prm")),
            (Unavailable, "where to sign in"),
        ),
        (
            "a gigabyte",
            |own, _| own.answer("GET /prm", Answer::Endless),
            (Unsafe, "larger than 524288 bytes"),
        ),
        (
            "a slow drip",
            |own, _| own.answer("GET /prm", Answer::Drip),
            (Unavailable, "no answer in time"),
        ),
        (
            "of another server",
            |own, other| own.resource_says(&json!({"resource": other.url()})),
            (Unsafe, "not those of this server"),
        ),
        (
            "of a server beside this one",
            |own, _| own.resource_says(&json!({"resource": format!("{}x", own.url())})),
            (Unsafe, "not those of this server"),
        ),
        (
            "of a part of this server",
            |own, _| own.resource_says(&json!({"resource": format!("{}/evil", own.url())})),
            (Unsafe, "not those of this server"),
        ),
        (
            "of this server with a query",
            |own, _| own.resource_says(&json!({"resource": format!("{}?x=1", own.url())})),
            (Unsafe, "not those of this server"),
        ),
        (
            "of this server with a fragment",
            |own, _| own.resource_says(&json!({"resource": format!("{}#x", own.url())})),
            (Unsafe, "not those of this server"),
        ),
        (
            "no resource",
            |own, _| own.resource_says(&json!({"resource": null})),
            (Unsafe, "not those of this server"),
        ),
        (
            "no authorization server",
            |own, _| own.resource_says(&json!({"authorization_servers": []})),
            (Unsafe, "name no authorization server"),
        ),
        (
            "an authorization server at a private address",
            |own, _| own.resource_says(&json!({"authorization_servers": ["https://10.0.0.1"]})),
            (Unsafe, "its address is not public"),
        ),
        (
            "an authorization server at a private address in disguise",
            |own, _| own.resource_says(&json!({"authorization_servers": ["https://0xa.1"]})),
            (Unsafe, "its address is not public"),
        ),
        (
            "an authorization server over http",
            |own, _| own.resource_says(&json!({"authorization_servers": ["http://login.example"]})),
            (Unsafe, "its scheme is not https"),
        ),
        (
            "an authorization server that is a file",
            |own, _| own.resource_says(&json!({"authorization_servers": ["file:///etc/passwd"]})),
            (Unsafe, "its scheme is not https"),
        ),
        (
            "a thousand authorization servers",
            |own, _| {
                let at = |n: usize| format!("{}/{n}", own.origin());
                let servers: Vec<_> = (0..1000).map(at).collect();
                own.resource_says(&json!({"authorization_servers": servers}));
                own.answer(METADATA, Answer::Json(404, json!({})));
            },
            (Unsafe, "more than 40 requests"),
        ),
        (
            "nothing, and nothing else either",
            |own, _| {
                for route in ["GET /prm", METADATA] {
                    own.answer(route, Answer::Json(404, json!({})));
                }
            },
            (Misconfigured, "--token"),
        ),
        (
            "an error",
            |own, _| own.answer("GET /prm", Answer::Json(503, json!({}))),
            (Unavailable, "try again later"),
        ),
    ];
    check(rows, &["POST /register", "GET /authorize", "POST /token"]).await;
}

#[tokio::test]
async fn metadata_of_the_authorization_server() {
    let rows: &[(&str, Twist, End)] = &[
        (
            "redirected to another origin",
            |own, other| own.answer(METADATA, to(&other.origin())),
            (Unsafe, "redirects to another origin"),
        ),
        (
            "a gigabyte",
            |own, _| own.answer(METADATA, Answer::Endless),
            (Unsafe, "larger than 524288 bytes"),
        ),
        (
            "a slow drip",
            |own, _| own.answer(METADATA, Answer::Drip),
            (Unavailable, "no answer in time"),
        ),
        (
            "another issuer",
            |own, other| own.server_says(&json!({"issuer": other.origin()})),
            (Unsafe, "another issuer"),
        ),
        (
            "another issuer, by a slash",
            |own, _| own.server_says(&json!({"issuer": format!("{}/", own.origin())})),
            (Unsafe, "another issuer"),
        ),
        (
            "another issuer, by a slash of the resource",
            |own, _| {
                let with_slash = format!("{}/", own.origin());
                own.resource_says(&json!({"authorization_servers": [with_slash]}));
            },
            (Unsafe, "another issuer"),
        ),
        (
            "no issuer",
            |own, _| own.server_says(&json!({"issuer": null})),
            (Unsafe, "do not name their issuer"),
        ),
        (
            "no PKCE",
            |own, _| own.server_says(&json!({"code_challenge_methods_supported": null})),
            (Unsafe, "PKCE"),
        ),
        (
            "PKCE without a digest",
            |own, _| own.server_says(&json!({"code_challenge_methods_supported": ["plain"]})),
            (Unsafe, "PKCE"),
        ),
        (
            "no response type code",
            |own, _| own.server_says(&json!({"response_types_supported": ["token"]})),
            (Misconfigured, "response type code"),
        ),
    ];
    check(rows, &["POST /register", "GET /authorize", "POST /token"]).await;
}

/// MCP Security Best Practices, authorization URL validation and SSRF. No browser opens.
#[tokio::test]
async fn endpoints_that_are_no_places_to_go_to() {
    for endpoint in [
        "authorization_endpoint",
        "token_endpoint",
        "registration_endpoint",
        "revocation_endpoint",
    ] {
        for place in [
            "javascript:alert(1)",
            "data:text/html,<script>alert(1)</script>",
            "file:///etc/passwd",
            "vbscript:x",
            "http://login.example/x",
            "http://10.0.0.1/x",
            "https://10.0.0.1/x",
            "https://169.254.169.254/x",
            "https://[::ffff:10.0.0.1]/x",
            "https://me:hunter2@login.example/x",
            "https://login.example/x#y",
            "-oProxyCommand=x",
            "/x",
            "",
        ] {
            let (own, browser) = (World::start().await, Clicks::pasting());
            own.server_says(&json!({endpoint: place}));
            let server = ProtectedServer::new(own.url(), HttpSettings::default());
            let challenge = own.challenge();
            let ended = soon(flow().sign_in(&server, Some(&challenge), &browser)).await;
            let error = ended.err().unwrap_or_else(|| panic!("{endpoint} {place}"));
            assert_eq!(error.kind(), Unsafe, "{endpoint} {place}: {error}");
            assert!(browser.pages().is_empty(), "{endpoint} {place}");
            let routes = own.routes();
            assert!(!routes.contains(&"POST /register".to_owned()), "{routes:?}");
        }
    }
}

#[tokio::test]
async fn an_authorization_endpoint_that_fills_in_our_parameters() {
    for parameter in ["state=x", "resource=https://evil.example", "redirect_uri=x"] {
        let (own, browser) = (World::start().await, Clicks::pasting());
        let endpoint = format!("{}/authorize?{parameter}", own.origin());
        own.server_says(&json!({"authorization_endpoint": endpoint}));
        let server = ProtectedServer::new(own.url(), HttpSettings::default());
        let challenge = own.challenge();
        let ended = soon(flow().sign_in(&server, Some(&challenge), &browser)).await;
        let error = ended.err().unwrap_or_else(|| panic!("{parameter}"));
        assert_eq!(error.kind(), Unsafe, "{parameter}: {error}");
        assert!(browser.pages().is_empty(), "{parameter}");
    }
}

#[tokio::test]
async fn registration() {
    let rows: &[(&str, Twist, End)] = &[
        (
            "redirected to another origin",
            |own, other| own.answer("POST /register", moved(&other.origin())),
            (Unsafe, "redirects (HTTP 307)"),
        ),
        (
            "refused",
            |own, _| {
                own.answer(
                    "POST /register",
                    error(400, "invalid_redirect_uri", "no \u{1b}[2J"),
                );
            },
            (Declined, "invalid_redirect_uri: no ?[2J"),
        ),
        (
            "refused without a word",
            |own, _| own.answer("POST /register", html(403)),
            (Declined, "HTTP 403"),
        ),
        (
            "failed",
            |own, _| own.answer("POST /register", html(500)),
            (Unavailable, "HTTP 500"),
        ),
        (
            "no answer to speak of",
            |own, _| own.answer("POST /register", html(200)),
            (Unavailable, "--client-id"),
        ),
        (
            "nobody",
            |own, _| {
                let client = json!({"client_id": "", "redirect_uris": []});
                own.answer("POST /register", Answer::Json(201, client));
            },
            (Unavailable, "--client-id"),
        ),
        (
            "a gigabyte",
            |own, _| own.answer("POST /register", Answer::Endless),
            (Unsafe, "larger than 524288 bytes"),
        ),
        (
            "a slow drip",
            |own, _| own.answer("POST /register", Answer::Drip),
            (Unavailable, "no answer in time"),
        ),
        (
            "more scopes than an address holds",
            |own, _| {
                let scopes: Vec<_> = (0..5000).map(|n| format!("scope-{n}")).collect();
                own.resource_says(&json!({"scopes_supported": scopes}));
            },
            (Unsafe, "too long an address"),
        ),
    ];
    check(rows, &["GET /authorize", "POST /token"]).await;
}

/// RFC 9207 §2.4 and RFC 6749 §10.12: the code stays here.
#[tokio::test]
async fn rfc9207_2_4_the_way_back() {
    let rows: &[(&str, Twist, End)] = &[
        (
            "another state",
            |own, _| back(own, "code=x&state=other&iss={origin}"),
            (Unsafe, "does not belong to this sign-in"),
        ),
        (
            "no state",
            |own, _| back(own, "code=x&iss={origin}"),
            (Unsafe, "does not belong to this sign-in"),
        ),
        (
            "no issuer although it is advertised",
            |own, _| back(own, "code=x&state={state}"),
            (Unsafe, "does not say which authorization server"),
        ),
        (
            "another issuer",
            |own, _| back(own, "code=x&state={state}&iss=https://evil.example"),
            (Unsafe, "another authorization server"),
        ),
        (
            "another issuer although none is advertised",
            |own, _| {
                let member = "authorization_response_iss_parameter_supported";
                own.server_says(&json!({member: null}));
                back(own, "code=x&state={state}&iss=https://evil.example");
            },
            (Unsafe, "another authorization server"),
        ),
        (
            "the issuer, normalized",
            |own, _| back(own, "code=x&state={state}&iss={origin}/"),
            (Unsafe, "another authorization server"),
        ),
        (
            "an error of another issuer",
            |own, _| back(own, "error=hunter2&state={state}&iss=https://evil.example"),
            (Unsafe, "another authorization server"),
        ),
        (
            "an error of nobody",
            |own, _| back(own, "error=hunter2&state={state}"),
            (Unsafe, "does not say which authorization server"),
        ),
        (
            "an error",
            |own, _| {
                back(
                    own,
                    "error=access_denied&error_description=no%0Away&state={state}&iss={origin}",
                );
            },
            (Declined, "access_denied: no?way"),
        ),
        (
            "an error with a code",
            |own, _| {
                back(
                    own,
                    "error=access_denied&code=hunter2&state={state}&iss={origin}",
                );
            },
            (Declined, "access_denied"),
        ),
        (
            "two codes",
            |own, _| back(own, "code=x&code=y&state={state}&iss={origin}"),
            (Unsafe, "one thing twice"),
        ),
        (
            "to another place",
            |own, other| {
                let place = format!("{}/?code=x&state={{state}}&iss={{origin}}", other.origin());
                own.answer("GET /authorize", to(&place));
            },
            (Unsafe, "not the address"),
        ),
    ];
    check(rows, &["POST /token"]).await;
}

#[tokio::test]
async fn the_token_endpoint() {
    const TOKEN: &str = "POST /token";
    let rows: &[(&str, Twist, End)] = &[
        (
            "redirected to another origin",
            |own, other| own.answer(TOKEN, moved(&other.origin())),
            (Unsafe, "redirects (HTTP 307)"),
        ),
        (
            "redirected within its origin",
            |own, _| own.answer(TOKEN, to("{origin}/register")),
            (Unsafe, "redirects (HTTP 302)"),
        ),
        (
            "refused, with the code in the text",
            |own, _| own.answer(TOKEN, error(400, "invalid_grant", CODE)),
            (Declined, "invalid_grant"),
        ),
        (
            "refused, with the code as the reason",
            |own, _| own.answer(TOKEN, error(400, CODE, "why not")),
            (Declined, "why not"),
        ),
        (
            "refused in markup",
            |own, _| own.answer(TOKEN, html(400)),
            (Declined, "HTTP 400"),
        ),
        (
            "failed",
            |own, _| own.answer(TOKEN, html(502)),
            (Unavailable, "HTTP 502"),
        ),
        (
            "markup",
            |own, _| own.answer(TOKEN, html(200)),
            (Unavailable, "no token answer"),
        ),
        (
            "a gigabyte",
            |own, _| own.answer(TOKEN, Answer::Endless),
            (Unsafe, "larger than 524288 bytes"),
        ),
        (
            "a slow drip",
            |own, _| own.answer(TOKEN, Answer::Drip),
            (Unavailable, "no answer in time"),
        ),
        (
            "another type of token",
            |own, _| own.token_says(&json!({"token_type": "mac"})),
            (Unsafe, "neither of type Bearer nor DPoP"),
        ),
        (
            "no type of token",
            |own, _| own.token_says(&json!({"token_type": null})),
            (Unavailable, "no token answer"),
        ),
        (
            "no token",
            |own, _| own.token_says(&json!({"access_token": null})),
            (Unavailable, "no token answer"),
        ),
        (
            "a token with a line break",
            |own, _| own.token_says(&json!({"access_token": "a\r\nX: hunter2"})),
            (Unavailable, "cannot go into a header"),
        ),
        (
            "a token without end",
            |own, _| own.token_says(&json!({"access_token": "a".repeat(20_000)})),
            (Unavailable, "cannot go into a header"),
        ),
        (
            // rmcp, which reads the same answer, does not accept it.
            "a lifetime below zero",
            |own, _| own.token_says(&json!({"expires_in": -5})),
            (Unavailable, "cannot be used"),
        ),
        (
            "a lifetime that is a text",
            |own, _| own.token_says(&json!({"expires_in": "hunter2"})),
            (Unavailable, "cannot be used"),
        ),
    ];
    check(rows, &[]).await;
}

#[tokio::test]
async fn a_lifetime_of_ages_is_cut() {
    let own = World::start().await;
    own.token_says(&json!({"expires_in": u64::MAX}));
    let login = signed_in(&flow(), &own).await.expect("signed in");
    assert!(login.is_fresh(std::time::SystemTime::now()));
    assert!(login.expires_at().is_some());
}

/// A secret that a server was told is not shown to whoever reads the error.
#[tokio::test]
async fn a_secret_that_is_repeated_is_not_shown() {
    for offered in ["client_secret_basic", "client_secret_post"] {
        let secret = format!("{SECRET} &%+");
        let flow = flow().client_id("by-hand", Some(secret.clone()));
        let own = World::start().await;
        own.server_says(&json!({"token_endpoint_auth_methods_supported": [offered]}));
        own.answer(
            "POST /token",
            error(401, "invalid_client", &format!("no: {secret}")),
        );
        let error = signed_in(&flow, &own).await.expect_err("refused");
        let shown = format!("{error} {error:?}");
        assert_eq!(error.kind(), Declined);
        assert!(shown.contains("invalid_client"), "{shown}");
        assert!(!shown.contains("hunter2"), "{offered}: {shown}");
    }
}

/// MCP 2026-07-28, authorization server location: what belongs to one issuer is not sent to the one
/// that a server names in its place.
#[tokio::test]
async fn a_secret_for_one_issuer_is_not_sent_to_another() {
    let (own, other) = (World::start().await, World::start().await);
    own.resource_says(&json!({"authorization_servers": [other.origin()]}));
    let secret = Some(SECRET.to_owned());
    let flow = flow().client_id("by-hand", secret).issuer(own.origin());
    let error = signed_in(&flow, &own).await.expect_err("another issuer");
    assert_eq!(error.kind(), Unsafe, "{error}");
    assert!(
        error.to_string().contains("nothing was sent there"),
        "{error}"
    );
    for asked in other.log() {
        assert!(
            asked.line.starts_with("GET /.well-known/"),
            "{}",
            asked.line
        );
        assert!(!asked.head.contains("hunter2"), "{}", asked.head);
    }
}

/// The same where nobody named the issuer, and an earlier login tells whose secret it is.
#[tokio::test]
async fn a_secret_stays_at_the_issuer_of_the_earlier_login() {
    let (own, other) = (World::start().await, World::start().await);
    let flow = flow().client_id("by-hand", Some(SECRET.to_owned()));
    let earlier = signed_in(&flow, &own).await.expect("signed in");
    own.resource_says(&json!({"authorization_servers": [other.origin()]}));
    let again = flow.registered_as(&earlier);
    let error = signed_in(&again, &own).await.expect_err("another issuer");
    assert_eq!(error.kind(), Unsafe, "{error}");
    for asked in other.log() {
        assert!(
            asked.line.starts_with("GET /.well-known/"),
            "{}",
            asked.line
        );
        assert!(!asked.head.contains("hunter2"), "{}", asked.head);
    }
}

/// A redirect with another state is not ours: the listener waits for the right one, in its time.
#[tokio::test]
async fn a_wrong_state_does_not_end_the_wait() {
    let own = World::start().await;
    back(&own, "code=x&state=other&iss={origin}");
    let server = ProtectedServer::new(own.url(), HttpSettings::default());
    let flow = flow().sign_in_timeout(Duration::from_millis(300));
    let challenge = own.challenge();
    let ended = soon(flow.sign_in(&server, Some(&challenge), &Clicks::default())).await;
    let error = ended.expect_err("nobody came");
    assert_eq!(error.kind(), TokenErrorKind::LoginRequired, "{error}");
    assert!(!own.routes().contains(&"POST /token".to_owned()));
}

#[tokio::test]
async fn a_server_over_http_on_another_machine_is_not_asked() {
    for url in [
        "http://mcp.example/mcp",
        "ftp://mcp.example",
        "mcp",
        "http://0.0.0.0/mcp",
    ] {
        let server = ProtectedServer::new(url, HttpSettings::default());
        let ended = soon(flow().sign_in(&server, None, &Clicks::pasting())).await;
        let error = ended.expect_err(url);
        assert!(
            matches!(error.kind(), Unsafe | Misconfigured),
            "{url}: {error}"
        );
    }
}

async fn signed_in(flow: &AuthorizationCode, world: &World) -> Result<Login, TokenError> {
    let server = ProtectedServer::new(world.url(), HttpSettings::default());
    let challenge = world.challenge();
    soon(flow.sign_in(&server, Some(&challenge), &Clicks::pasting())).await
}

/// The browser is sent back with this.
fn back(world: &World, query: &str) {
    world.answer("GET /authorize", to(&format!("{{redirect_uri}}?{query}")));
}

fn to(place: &str) -> Answer {
    Answer::Redirect(302, place.to_owned())
}

fn moved(place: &str) -> Answer {
    Answer::Redirect(307, place.to_owned())
}

fn html(status: u16) -> Answer {
    let page = "<html><script>alert('hunter2')</script></html>";
    Answer::Text(status, "text/html", page.to_owned())
}

fn error(status: u16, error: &str, description: &str) -> Answer {
    let body: Value = json!({"error": error, "error_description": description});
    Answer::Json(status, body)
}
