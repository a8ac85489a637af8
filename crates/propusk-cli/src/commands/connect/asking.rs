//! A kept login, and somebody at the terminal who can be asked for another one.

use std::sync::Arc;

use propusk::{
    Challenge,
    client::{
        AuthorizationCode, DpopKey, InteractiveLogin, Login, LoginKey, LoginStore, Logins,
        OutgoingToken, ProtectedServer, Reaction, RefusedRequest, TokenError, TokenSource,
    },
};

use super::helper;
use crate::{
    commands::{login::TerminalBrowser, screen::Screen},
    failure::Failure,
    output::visible,
    terminal,
};

/// Takes the tokens from a kept login, and asks before anybody is sent to sign in once more.
pub(super) struct Asking {
    inner: InteractiveLogin<Logins, TerminalBrowser>,
    browser: TerminalBrowser,
    store: Logins,
    key: LoginKey,
    screen: Arc<Screen>,
}

impl Asking {
    pub(super) fn new(store: Logins, login: &Login, screen: Arc<Screen>) -> Result<Self, Failure> {
        let key = login.key();
        // The issuer is the one that the user signed in at: no other is asked.
        let mut flow = AuthorizationCode::new("propusk")
            .issuer(&*key.issuer)
            .account(key.account.clone());
        if let Some(pem) = login.expose_dpop_key() {
            let key = DpopKey::from_pem(pem);
            flow = flow.dpop(key.map_err(|error| {
                Failure::usage(format!("the key of the login cannot be read: {error}"))
                    .hint("forget the login with: propusk logout URL")
            })?);
        }
        let question = format!(
            "the login at {} has ended; sign in again?",
            visible(&key.issuer)
        );
        let browser = TerminalBrowser::new(true)
            .asking(question)
            .on(Arc::clone(&screen));
        let mut inner = InteractiveLogin::new(store.clone(), flow, browser.clone());
        if let Some(process) = helper() {
            inner = inner.renew_in(process);
        }
        Ok(Self {
            inner,
            browser,
            store,
            key: key.clone(),
            screen,
        })
    }

    /// Whether another sign-in could help with this refusal, and somebody wants that.
    async fn wants_more(&self, refused: &RefusedRequest) -> Result<bool, TokenError> {
        let wanted = refused.challenge().and_then(Challenge::scope);
        let Some(wanted) = wanted.filter(|wanted| !wanted.is_empty()) else {
            return Ok(false);
        };
        let sent = refused.sent().map(OutgoingToken::secret);
        match self.store.load(&self.key).await? {
            // Another process has a wider one by now, or this one has it and is refused all the same.
            Some(login) if Some(login.access_token()) != sent => return Ok(true),
            Some(login) if login.scopes().covers(&wanted) => return Ok(true),
            _ => {}
        }
        let operation = visible(refused.operation());
        let question = format!("{operation} needs {wanted}; sign in again for it?");
        let alone = self.screen.ask().await;
        let agrees = terminal::agrees(&question).await;
        drop(alone);
        if agrees {
            self.browser.agree();
        }
        Ok(agrees)
    }
}

impl TokenSource for Asking {
    async fn token(&self, server: &ProtectedServer) -> Result<Option<OutgoingToken>, TokenError> {
        self.inner.token(server).await
    }

    async fn on_challenge(
        &self,
        server: &ProtectedServer,
        refused: &RefusedRequest,
    ) -> Result<Reaction, TokenError> {
        if refused.is_insufficient_scope() && !self.wants_more(refused).await? {
            return Ok(Reaction::GiveUp);
        }
        self.inner.on_challenge(server, refused).await
    }
}
