//! A person signs in with a real browser at a real identity provider, on pages that the provider
//! wrote, and the login lives on: a refresh with rotation, a stop of the provider, a step-up, and at last
//! a revocation.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use propusk::{
    Client,
    client::{
        AuthorizationCode, AuthorizationUrl, Browser, ClientError, Era, ErrorKind, FileLogins,
        InteractiveLogin, Login, LoginStore, Redirect, StoredLogin, TokenError, TokenErrorKind,
        TokenSource,
    },
};
use propusk_testing::{
    browser::{Person, Visit},
    identity_provider::{Endpoint, IdentityProvider, Options},
};
use tempfile::TempDir;
use tokio::process::Command;

use super::machines::server;
use crate::{machines::call, support::soon};

/// Opens the browser as [`propusk::client::SystemBrowser`] does, with this person before it.
#[derive(Clone)]
struct Before(Arc<Person>);

impl Browser for Before {
    async fn authorize(
        &self,
        url: &AuthorizationUrl,
        redirect: Redirect,
    ) -> Result<String, TokenError> {
        let mut visit = Command::new(self.0.program())
            .arg(url.as_str())
            .kill_on_drop(true)
            .spawn()
            .expect("a browser");
        let ended = async {
            let status = visit.wait().await.expect("it ran");
            assert!(status.success(), "{}", self.0.complaints());
        };
        // The browser reads the page after we have the answer.
        let (came, ()) = soon(async { tokio::join!(redirect.wait(), ended) }).await;
        came
    }
}

/// A desk: a provider with pages, a server that trusts it, a person, and a folder of logins.
struct Desk {
    provider: IdentityProvider,
    url: String,
    person: Arc<Person>,
    logins: TempDir,
    flow: AuthorizationCode,
}

impl Desk {
    async fn new(person: Person) -> Self {
        let provider = IdentityProvider::start(Options::new().pages()).await;
        let provider = provider.expect("started");
        let flow = AuthorizationCode::new("A test").issuer(provider.issuer());
        Self {
            url: server(&provider).await,
            provider,
            person: Arc::new(person),
            logins: tempfile::tempdir().expect("a folder"),
            flow: flow.client_id("native", None),
        }
    }

    fn store(&self) -> FileLogins {
        FileLogins::new(self.logins.path().join("logins"))
    }

    /// Calls a tool as a new program would, whose user can be asked.
    async fn call(&self, tool: &str) -> Result<(), ClientError> {
        let browser = Before(Arc::clone(&self.person));
        let source = InteractiveLogin::new(self.store(), self.flow.clone(), browser);
        self.call_with(source, tool).await
    }

    async fn call_with(&self, source: impl TokenSource, tool: &str) -> Result<(), ClientError> {
        call(&Client::new(&self.url).era(Era::Auto).tokens(source), tool).await
    }

    fn visits(&self) -> Vec<Visit> {
        self.person.visits().expect("a report")
    }

    /// The only login that is kept.
    async fn login(&self) -> Login {
        let keys = self.store().list().await.expect("listed");
        let [key] = &keys[..] else {
            panic!("{keys:?}");
        };
        let login = self.store().load(key).await.expect("read");
        login.expect("there")
    }

    /// Lets the access token that is kept come to its end.
    async fn age(&self) {
        let ago = |seconds| SystemTime::now() - Duration::from_secs(seconds);
        let old = self.login().await.with_times(ago(900), Some(ago(300)));
        self.store().save(&old).await.expect("kept");
    }

    /// Calls a tool with the token renewed; the refresh tokens before and after.
    async fn renewed(&self, tool: &str) -> [String; 2] {
        self.age().await;
        let before = refresh_token(&self.login().await);
        self.provider.reset_counts().await.expect("reset");
        self.call(tool).await.expect("renewed");
        let counts = self.provider.counts().await.expect("counted");
        assert_eq!(counts.of(Endpoint::Token), 1, "one refresh");
        assert_eq!(counts.of(Endpoint::Authorization), 0, "and no sign-in");
        [before, refresh_token(&self.login().await)]
    }
}

fn refresh_token(login: &Login) -> String {
    let token = login.expose_refresh_token().expect("a refresh token");
    token.to_owned()
}

/// What the provider's pages said, and that the way ended on our page, in which nothing runs.
#[track_caller]
fn saw(visit: &Visit, expected: &[&[&str]]) {
    let (ours, theirs) = visit.pages.split_last().expect("pages");
    assert_eq!(theirs.len(), expected.len(), "{visit:?}");
    for (page, words) in theirs.iter().zip(expected) {
        assert!(
            words.iter().all(|word| page.text.contains(word)),
            "{page:?}"
        );
    }
    assert_eq!(ours.title, "Signing in");
    assert_eq!(
        ours.text,
        "The answer has arrived. You can close this window and go back to the program."
    );
    assert_eq!(ours.scripts, 0);
    let security = visit.security.as_deref();
    assert_eq!(security, Some("default-src 'none'; frame-ancestors 'none'"));
}

#[tokio::test]
async fn a_login_from_the_browser_to_its_revocation() {
    let mut desk = Desk::new(Person::new().expect("a person")).await;

    desk.call("free").await.expect("signed in");
    let consent: &[&str] = &["Authorize", "notes:read", &desk.url.clone()];
    saw(&desk.visits()[0], &[&["Sign-in"], consent]);
    desk.call("free").await.expect("the login is kept");

    let [first, second] = desk.renewed("free").await;
    assert_ne!(first, second, "rotated");

    desk.provider.stop().await.expect("stopped");
    desk.call("free").await.expect("the token is good still");
    desk.provider.start_again().await.expect("started");
    let [_, third] = desk.renewed("free").await;
    assert_ne!(second, third, "rotated");
    assert_eq!(desk.visits().len(), 1, "the person was left alone");

    // The browser knows the person still, and the provider asks for what is new.
    desk.call("add").await.expect("stepped up");
    saw(&desk.visits()[1], &[&["Authorize", "notes:write"]]);
    let scopes = desk.login().await.scopes().to_string();
    assert!(scopes.contains("notes:read") && scopes.contains("notes:write"));
    desk.renewed("add").await;
    assert_eq!(desk.visits().len(), 2, "what was granted stays granted");

    let login = desk.login().await;
    let revoked = desk.provider.revoke(&refresh_token(&login)).await;
    revoked.expect("revoked");
    desk.age().await;
    // Nobody is there to be asked.
    let alone = StoredLogin::new(desk.store(), login.key().clone());
    let error = desk.call_with(alone, "free").await.expect_err("revoked");
    let kind = ErrorKind::NoToken(TokenErrorKind::LoginRequired);
    assert_eq!(error.kind(), &kind, "{error}");
    assert!(error.to_string().contains("the login has ended"), "{error}");
    assert_eq!(desk.visits().len(), 2);
    // Somebody is.
    desk.call("free").await.expect("signed in again");
    saw(&desk.visits()[2], &[&["Authorize"]]);
}

/// A program that nobody has registered does that itself.
#[tokio::test]
async fn a_client_that_registers_itself_signs_in_and_steps_up() {
    let mut desk = Desk::new(Person::new().expect("a person")).await;
    desk.flow = AuthorizationCode::new("A test");
    desk.call("free").await.expect("signed in");
    desk.call("add").await.expect("stepped up");
    desk.renewed("add").await;
    let visits = desk.visits();
    assert_eq!(visits.len(), 2, "{visits:?}");
    saw(&visits[0], &[&["Sign-in"], &["Authorize", "notes:read"]]);
    saw(&visits[1], &[&["Authorize", "notes:write"]]);
}

/// Whoever uses a refresh token a second time, be it a thief or its owner, ends the login
/// (OAuth 2.1 §4.3.1).
#[tokio::test]
async fn a_stolen_refresh_token_ends_the_login() {
    let desk = Desk::new(Person::new().expect("a person")).await;
    desk.call("free").await.expect("signed in");
    let [stolen, _] = desk.renewed("free").await;
    let reused = desk.provider.refresh("native", &stolen).await;
    assert!(reused.is_err(), "used up");
    desk.age().await;
    let alone = StoredLogin::new(desk.store(), desk.login().await.key().clone());
    let error = desk.call_with(alone, "free").await.expect_err("ended");
    let kind = ErrorKind::NoToken(TokenErrorKind::LoginRequired);
    assert_eq!(error.kind(), &kind, "{error}");
}

#[tokio::test]
async fn a_person_who_cancels() {
    let desk = Desk::new(Person::refusing().expect("a person")).await;
    let error = desk.call("free").await.expect_err("refused");
    let kind = ErrorKind::NoToken(TokenErrorKind::Declined);
    assert_eq!(error.kind(), &kind, "{error}");
    saw(&desk.visits()[0], &[&["Sign-in"], &["Authorize"]]);
    assert!(desk.store().list().await.expect("listed").is_empty());
}
