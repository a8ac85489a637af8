//! A stored login and an issuer that answers as a test says.

mod issuer;
mod log;
mod together;

use std::{
    sync::atomic::{AtomicU64, Ordering::SeqCst},
    task::{Context, Waker},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde_json::json;
use tempfile::TempDir;

use self::issuer::{Answer, Issuer};
use super::{
    super::{super::DpopKey, FileLogins, LoginLock, LoginStoreError, LoginStoreErrorKind},
    *,
};

const SERVER: &str = "https://mcp.example/mcp";

/// When the login was made; its token lives for an hour.
const START: u64 = 1_000_000_000;

/// Well after its end: what is renewed then is renewed by the real clock, which is later still.
const SPENT: u64 = START + 7200;

struct Place {
    issuer: Issuer,
    store: FileLogins,
    now: Arc<AtomicU64>,
    source: StoredLogin<FileLogins>,
    _home: TempDir,
}

impl Place {
    async fn new() -> Self {
        Self::with(|login| login).await
    }

    /// With this login in the store. The clock stands where its token has ended.
    async fn with(change: impl FnOnce(Login) -> Login) -> Self {
        let issuer = Issuer::start().await;
        let home = TempDir::new().expect("a folder");
        let store = FileLogins::new(home.path().join("logins"));
        let login = change(login(&issuer));
        store.save(&login).await.expect("saved");
        let now = Arc::new(AtomicU64::new(SPENT));
        let seconds = Arc::clone(&now);
        let clock = move || match seconds.load(SeqCst) {
            0 => SystemTime::now(),
            then => UNIX_EPOCH + Duration::from_secs(then),
        };
        let source = StoredLogin::new(store.clone(), login.key().clone()).with_clock(clock);
        Self {
            issuer,
            store,
            now,
            source,
            _home: home,
        }
    }

    async fn token(&self) -> Result<String, TokenError> {
        let token = self.source.token(&server(SERVER)).await?;
        Ok(token.expect("a token").secret().expose_secret().to_owned())
    }

    async fn refused(&self, status: u16, token: &str) -> Result<Reaction, TokenError> {
        let sent = OutgoingToken::new(BearerToken::parse(token).expect("a token"));
        let refused = RefusedRequest {
            status,
            header: None,
            challenge: None,
            sent: Some(sent),
            operation: "tools/call:echo".to_owned(),
        };
        self.source.on_challenge(&server(SERVER), &refused).await
    }

    async fn kept(&self) -> Login {
        let kept = self.store.load(self.source.key()).await.expect("readable");
        kept.expect("it is kept")
    }

    async fn kept_refresh_token(&self) -> String {
        self.kept()
            .await
            .expose_refresh_token()
            .expect("a token")
            .to_owned()
    }

    /// The clock of the machine from now on, by which renewed tokens are good.
    fn present(&self) {
        self.now.store(0, SeqCst);
    }
}

fn server(url: &str) -> ProtectedServer {
    ProtectedServer::new(url.to_owned(), HttpSettings::default())
}

fn login(issuer: &Issuer) -> Login {
    let key = LoginKey {
        server: SERVER.to_owned(),
        resource: "https://mcp.example".to_owned(),
        issuer: issuer.url.clone(),
        client_id: "propusk client".to_owned(),
        account: None,
    };
    let start = UNIX_EPOCH + Duration::from_secs(START);
    let token = BearerToken::parse("old-access").expect("a token");
    Login::new(key, format!("{}/token", issuer.url), token)
        .with_refresh_token(Some("old-refresh".to_owned()))
        .with_times(start, Some(start + Duration::from_secs(3600)))
}

fn tokens(number: u32) -> Answer {
    let body = json!({
        "access_token": format!("access-{number}"),
        "token_type": "Bearer",
        "expires_in": 3600,
        "refresh_token": format!("refresh-{number}"),
    });
    Answer::new(200, &body.to_string())
}

#[tokio::test]
async fn a_good_token_is_used_and_a_spent_one_renewed() {
    let place = Place::new().await;
    place.now.store(START + 10, SeqCst);
    assert_eq!(place.token().await.expect("a token"), "old-access");
    assert_eq!(place.issuer.requests().len(), 0);

    place.present();
    place.issuer.answers([tokens(1)]);
    assert_eq!(place.token().await.expect("a token"), "access-1");
    assert_eq!(place.kept_refresh_token().await, "refresh-1");
    assert_eq!(place.token().await.expect("a token"), "access-1");
    let requests = place.issuer.requests();
    assert_eq!(requests.len(), 1, "then it is in memory");
    // RFC 8707 §2.2: the resource as its metadata wrote it, without a slash.
    assert_eq!(
        requests[0].form,
        "grant_type=refresh_token&refresh_token=old-refresh&client_id=propusk+client\
         &resource=https%3A%2F%2Fmcp.example"
    );
    assert_eq!(requests[0].authorization, None);
}

#[tokio::test]
async fn rfc6749_2_3_1_the_client_authenticates_as_agreed() {
    // "propusk+client:a%2Bb%3A%2F" in base64.
    const BASIC: &str = "Basic cHJvcHVzaytjbGllbnQ6YSUyQmIlM0ElMkY=";
    for (method, secret, authorization, in_form) in [
        (None, None, None, false),
        (Some("none"), None, None, false),
        (Some("none"), Some("a+b:/"), None, false),
        (None, Some("a+b:/"), Some(BASIC), false),
        (
            Some("client_secret_basic"),
            Some("a+b:/"),
            Some(BASIC),
            false,
        ),
        (Some("client_secret_post"), Some("a+b:/"), None, true),
    ] {
        let place = Place::with(|login| {
            let (secret, method) = (secret.map(str::to_owned), method.map(str::to_owned));
            login.with_client_authentication(secret, method)
        })
        .await;
        place.issuer.answers([tokens(1)]);
        place.token().await.expect("a token");
        let request = place.issuer.requests().remove(0);
        assert_eq!(
            request.authorization.as_deref(),
            authorization,
            "{method:?}"
        );
        let sent = request.form.contains("&client_secret=a%2Bb%3A%2F");
        assert_eq!(sent, in_form, "{method:?}");
    }
    for (method, secret) in [
        ("client_secret_basic", None),
        ("private_key_jwt", Some("x")),
    ] {
        let place = Place::with(|login| {
            login.with_client_authentication(secret.map(str::to_owned), Some(method.to_owned()))
        })
        .await;
        let error = place.token().await.expect_err(method);
        assert_eq!(error.kind(), TokenErrorKind::Misconfigured, "{error}");
        assert_eq!(place.issuer.requests().len(), 0);
    }
}

#[tokio::test]
async fn rfc9449_5_a_bound_login_is_renewed_with_a_proof() {
    let key = DpopKey::generate().expect("random numbers");
    let place =
        Place::with(|login| login.with_dpop_key(Some(key.to_pem().to_string()), true)).await;
    let wants_nonce = Answer::new(400, r#"{"error":"use_dpop_nonce"}"#).nonce("n-1");
    let bound = Answer::new(200, &tokens(1).body.replace("Bearer", "DPoP"));
    place.issuer.answers([wants_nonce, bound]);
    let token = place
        .source
        .token(&server(SERVER))
        .await
        .expect("a token")
        .expect("one");
    assert!(token.is_bound_to_key());
    let requests = place.issuer.requests();
    assert_eq!(requests.len(), 2, "the second with the nonce");
    assert!(requests.iter().all(|request| request.has_proof));
    assert!(
        place.kept().await.expose_dpop_key().is_some(),
        "the key stays"
    );
}

#[tokio::test]
async fn a_login_that_has_ended_says_what_to_do_and_stays() {
    for body in [
        r#"{"error":"invalid_grant"}"#,
        r#"{"error":"invalid_client"}"#,
    ] {
        let place = Place::new().await;
        place.issuer.answers([Answer::new(400, body)]);
        for _ in 0..2 {
            let error = place.token().await.expect_err(body);
            assert_eq!(error.kind(), TokenErrorKind::LoginRequired, "{error}");
            assert!(
                error
                    .to_string()
                    .ends_with(&format!("run: propusk login {SERVER}"))
            );
        }
        assert_eq!(place.issuer.requests().len(), 1, "it is not asked again");
        assert_eq!(place.kept_refresh_token().await, "old-refresh");

        // A new login ends that.
        let again = login(&place.issuer).with_times(SystemTime::now(), None);
        let token = BearerToken::parse("signed-in").expect("a token");
        place
            .store
            .save(&Login {
                access_token: token,
                ..again
            })
            .await
            .expect("saved");
        assert_eq!(place.token().await.expect("a token"), "signed-in");
    }
}

#[tokio::test]
async fn without_a_login_or_a_way_to_renew_it_a_human_is_asked_for() {
    let place = Place::with(|login| login.with_refresh_token(None)).await;
    let error = place.token().await.expect_err("it has ended");
    assert_eq!(error.kind(), TokenErrorKind::LoginRequired, "{error}");
    place.now.store(START + 3599, SeqCst);
    let none = Place::with(|login| login.with_refresh_token(None)).await;
    none.now.store(START + 3599, SeqCst);
    assert_eq!(none.token().await.expect("until its end"), "old-access");
    none.store.remove(none.source.key()).await.expect("removed");
    let error = none.token().await.expect_err("nobody is signed in");
    assert_eq!(error.kind(), TokenErrorKind::LoginRequired, "{error}");
}

#[tokio::test]
async fn while_the_issuer_is_down_the_old_token_is_used_until_its_end() {
    let elsewhere = "https://other.example/token";
    for answer in [
        Answer::new(503, ""),
        Answer::new(500, r#"{"error":"invalid_grant"}"#),
        Answer::new(429, ""),
        Answer::new(200, "<html>hunter2</html>"),
        Answer::new(400, "<html>hunter2</html>"),
        Answer::new(307, "").location(elsewhere),
        Answer::new(200, &"x".repeat(1_000_000)),
        Answer::hang_up(),
    ] {
        let place = Place::new().await;
        place
            .issuer
            .answers([answer.clone(), answer.clone(), tokens(1)]);
        let error = place.token().await.expect_err("it has ended");
        assert_eq!(
            error.kind(),
            TokenErrorKind::Unavailable,
            "{answer:?}: {error}"
        );
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        assert_eq!(place.kept_refresh_token().await, "old-refresh");

        let other = StoredLogin::new(place.store.clone(), place.source.key().clone());
        let end = UNIX_EPOCH + Duration::from_secs(START + 3590);
        let other = other.with_clock(move || end);
        for _ in 0..3 {
            let token = other.token(&server(SERVER)).await.expect("still good");
            assert_eq!(token.expect("one").secret().expose_secret(), "old-access");
        }
        assert_eq!(
            place.issuer.requests().len(),
            2,
            "{answer:?}: it is left alone for a while"
        );
        assert_eq!(place.token().await.expect("it is back"), "access-1");
    }
}

#[tokio::test]
async fn a_login_goes_to_its_own_server_and_its_own_issuer() {
    let place = Place::new().await;
    for other in [
        "https://mcp.example/mcp/",
        "https://mcp.example",
        "https://MCP.example/mcp",
    ] {
        let error = place.source.token(&server(other)).await.expect_err(other);
        assert_eq!(error.kind(), TokenErrorKind::Misconfigured, "{error}");
    }
    for endpoint in [
        "http://login.example/token",
        "ftp://login.example/token",
        "token",
        "",
    ] {
        let place = Place::with(|login| Login {
            token_endpoint: endpoint.to_owned(),
            ..login
        })
        .await;
        let error = place.token().await.expect_err(endpoint);
        assert_eq!(error.kind(), TokenErrorKind::Unsafe, "{error}");
    }
    // An issuer elsewhere cannot point at a port of this machine.
    let place = Place::with(|mut login| {
        login.key.issuer = "https://login.example".to_owned();
        login
    })
    .await;
    let error = place.token().await.expect_err("of this machine");
    assert_eq!(error.kind(), TokenErrorKind::Unsafe, "{error}");
    assert_eq!(place.issuer.requests().len(), 0);
}

/// Whatever the issuer answers, at the finest level of every crate.
#[tokio::test]
async fn no_secret_is_logged_or_told() {
    let log = log::Log::begin();
    let mut shown = String::new();
    for answer in [
        tokens(1),
        Answer::new(
            400,
            r#"{"error":"invalid_grant","error_description":"old-refresh"}"#,
        ),
        Answer::new(400, r#"{"error":"old-refresh"}"#),
        Answer::new(200, r#"{"access_token":"access-1 ","token_type":"Bearer"}"#),
        Answer::new(
            200,
            r#"{"access_token":"access-1","token_type":"refresh-1"}"#,
        ),
        Answer::new(503, "refresh-1"),
        Answer::hang_up(),
    ] {
        let place = Place::with(|login| {
            let secret = Some("client-hunter2".to_owned());
            login.with_client_authentication(secret, Some("client_secret_post".to_owned()))
        })
        .await;
        place.issuer.answers([answer.clone(), answer]);
        for now in [START + 3590, SPENT] {
            place.now.store(now, SeqCst);
            let outcome = place.source.token(&server(SERVER)).await;
            shown.push_str(&format!("{outcome:?}\n"));
        }
        let (kept, Place { source, store, .. }) = (place.kept().await, &place);
        let renewal = Renewal::of(&kept);
        shown.push_str(&format!("{kept:?} {renewal:?} {source:?} {store:?}\n"));
    }
    shown.push_str(&log.end());
    assert!(
        shown.contains("the present token is used"),
        "it is heard: {shown}"
    );
    for secret in [
        "old-access",
        "old-refresh",
        "access-1",
        "refresh-1",
        "hunter2",
    ] {
        let line = shown.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret} was shown");
    }
}
