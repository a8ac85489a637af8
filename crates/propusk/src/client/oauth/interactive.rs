//! A kept login, and a user who can be asked for another one.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex as Lock, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::Mutex;

use super::{AuthorizationCode, Browser};
use crate::{
    BearerToken, Challenge,
    client::{
        Login, LoginKey, LoginStore, LoginStoreError, OutgoingToken, ProtectedServer, Reaction,
        RefusedRequest, RenewalProcess, StoredLogin, TokenError, TokenErrorKind, TokenSource,
    },
};

/// How often a user is asked within [`PERIOD`]: whoever is asked without end clicks without looking.
const MOST_QUESTIONS: usize = 3;
const PERIOD: Duration = Duration::from_secs(5 * 60);

/// How often a user is asked for more scopes for one operation (MCP 2026-07-28, step-up: "no more
/// than a few times").
const MOST_STEP_UPS: usize = 2;

/// A server that refuses a token this soon after somebody signed in for it refuses for another
/// reason.
const TRIAL: Duration = Duration::from_secs(60);

/// Takes a client's tokens from the login that is kept for its server, as [`StoredLogin`] does. Where
/// there is none, or it has ended, the user signs in with a browser; where a token permits too
/// little, the user is asked for one that permits more.
///
/// A program that cannot ask anybody uses [`StoredLogin`].
///
/// ```no_run
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// use propusk::{
///     Client,
///     client::{AuthorizationCode, FileLogins, InteractiveLogin, SystemBrowser},
/// };
///
/// let logins = FileLogins::new("/home/me/.local/share/my-program");
/// let flow = AuthorizationCode::new("My program");
/// let tokens = InteractiveLogin::new(logins, flow, SystemBrowser);
/// let session = Client::new("https://mcp.example.com/mcp").tokens(tokens).connect().await?;
/// # drop(session);
/// # Ok(())
/// # }
/// ```
pub struct InteractiveLogin<S, B> {
    store: Arc<S>,
    flow: AuthorizationCode,
    browser: B,
    process: Option<RenewalProcess>,
    current: Lock<Option<StoredLogin<Arc<S>>>>,
    /// One question at a time.
    asking: Mutex<Asked>,
}

/// What the user has been asked so far.
#[derive(Default)]
struct Asked {
    looked: bool,
    questions: Vec<Instant>,
    step_ups: HashMap<String, usize>,
    last: Option<(BearerToken, Instant)>,
}

impl<S: LoginStore, B: Browser> InteractiveLogin<S, B> {
    /// Logins from this store, and this way to sign in.
    pub fn new(store: S, flow: AuthorizationCode, browser: B) -> Self {
        Self {
            store: Arc::new(store),
            flow,
            browser,
            process: None,
            current: Lock::default(),
            asking: Mutex::default(),
        }
    }

    /// Has renewals done by a process of their own; see [`StoredLogin::renew_in`].
    #[must_use]
    pub fn renew_in(mut self, process: RenewalProcess) -> Self {
        self.process = Some(process);
        self
    }

    /// The login that is kept for this server: of the client, the issuer and the account that the
    /// flow is for, where it says so; the newest where there are several.
    ///
    /// # Errors
    /// [`LoginStoreError`].
    pub async fn find(
        store: &S,
        flow: &AuthorizationCode,
        server: &str,
    ) -> Result<Option<LoginKey>, LoginStoreError> {
        let mut newest: Option<Login> = None;
        for key in store.list().await? {
            if key.server != server || !flow.is_for(&key) {
                continue;
            }
            let login = store.load(&key).await?;
            let login = login.filter(|login| {
                let than = newest.as_ref().map(Login::obtained_at);
                than.is_none_or(|than| login.obtained_at() > than)
            });
            newest = login.or(newest);
        }
        Ok(newest.map(|login| login.key().clone()))
    }

    /// The login in use, looked for in the store the first time.
    async fn current(
        &self,
        server: &ProtectedServer,
    ) -> Result<Option<StoredLogin<Arc<S>>>, TokenError> {
        if let Some(current) = self.used() {
            return Ok(Some(current));
        }
        let mut asked = self.asking.lock().await;
        if !asked.looked {
            if let Some(key) = Self::find(&self.store, &self.flow, server.url()).await? {
                self.take(key);
            }
            asked.looked = true;
        }
        Ok(self.used())
    }

    fn used(&self) -> Option<StoredLogin<Arc<S>>> {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        current.clone()
    }

    fn take(&self, key: LoginKey) {
        let mut stored = StoredLogin::new(Arc::clone(&self.store), key);
        if let Some(process) = &self.process {
            stored = stored.renew_in(process.clone());
        }
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        *current = Some(stored);
    }

    /// Whether there is another token by now than the one that was refused.
    async fn has_another(&self, server: &ProtectedServer, refused: &RefusedRequest) -> bool {
        let Some(current) = self.used() else {
            return false;
        };
        let token = current.token(server).await.ok().flatten();
        token.is_some_and(|token| Some(token.secret()) != refused.sent().map(OutgoingToken::secret))
    }

    /// 401: nobody is signed in, or the login has ended.
    async fn on_invalid(
        &self,
        server: &ProtectedServer,
        refused: &RefusedRequest,
    ) -> Result<Reaction, TokenError> {
        let mut in_vain = false;
        if let Some(current) = self.current(server).await? {
            match current.on_challenge(server, refused).await {
                Ok(Reaction::Retry) => return Ok(Reaction::Retry),
                // It got another token just now, and the server wants none of them.
                Ok(Reaction::GiveUp) => in_vain = refused.sent().is_some(),
                Err(error) if error.kind() == TokenErrorKind::LoginRequired => {}
                Err(error) => return Err(error),
            }
        }
        let mut asked = self.asking.lock().await;
        if self.has_another(server, refused).await {
            return Ok(Reaction::Retry);
        }
        let sent = refused.sent().map(OutgoingToken::secret);
        in_vain |= asked.has_just_got(sent);
        if !asked.may_ask() || (in_vain && !self.has_moved(server, refused).await) {
            return Ok(Reaction::GiveUp);
        }
        self.sign_in(server, refused.header(), &mut asked).await?;
        Ok(Reaction::Retry)
    }

    /// Whether the server names another issuer by now than that of the login in use.
    async fn has_moved(&self, server: &ProtectedServer, refused: &RefusedRequest) -> bool {
        let Some(current) = self.used() else {
            return false;
        };
        let issuer = self.flow.issuer_of(server, refused.header()).await;
        // Where that cannot be found out, the refusal is the news.
        issuer.is_ok_and(|issuer| issuer != current.key().issuer)
    }

    /// 403: the token permits too little.
    async fn on_insufficient(
        &self,
        server: &ProtectedServer,
        refused: &RefusedRequest,
    ) -> Result<Reaction, TokenError> {
        let wanted = refused.challenge().and_then(Challenge::scope);
        let Some(wanted) = wanted.filter(|wanted| !wanted.is_empty()) else {
            return Ok(Reaction::GiveUp);
        };
        let current = self.current(server).await?;
        if let Some(current) = &current
            && current.on_challenge(server, refused).await? == Reaction::Retry
        {
            return Ok(Reaction::Retry);
        }
        let mut asked = self.asking.lock().await;
        if self.has_another(server, refused).await {
            return Ok(Reaction::Retry);
        }
        if !asked.may_ask() || !asked.may_step_up(refused.operation()) {
            return Ok(Reaction::GiveUp);
        }
        let login = match &current {
            Some(current) => self.store.load(current.key()).await?,
            None => None,
        };
        match login {
            // It has all of them, and was refused: asking the user changes nothing.
            Some(login) if login.scopes().covers(&wanted) => return Ok(Reaction::GiveUp),
            Some(login) => self.step_up(server, &login, refused, &mut asked).await?,
            None => self.sign_in(server, refused.header(), &mut asked).await?,
        }
        Ok(Reaction::Retry)
    }

    /// The token after a login has ended.
    async fn renewed_by_user(
        &self,
        server: &ProtectedServer,
    ) -> Result<Option<OutgoingToken>, TokenError> {
        let mut asked = self.asking.lock().await;
        let Some(current) = self.used() else {
            return Ok(None);
        };
        // Somebody else may have asked meanwhile.
        let error = match current.token(server).await {
            Err(error) if error.kind() == TokenErrorKind::LoginRequired => error,
            other => return other,
        };
        if !asked.may_ask() {
            return Err(error);
        }
        self.sign_in(server, None, &mut asked).await?;
        match self.used() {
            Some(current) => current.token(server).await,
            None => Ok(None),
        }
    }

    async fn sign_in(
        &self,
        server: &ProtectedServer,
        challenge: Option<&str>,
        asked: &mut Asked,
    ) -> Result<(), TokenError> {
        let before = self.used().map(|current| current.key().clone());
        let mut flow = self.flow.clone();
        if let Some(key) = &before
            && let Some(login) = self.store.load(key).await?
        {
            flow = flow.registered_as(&login);
        }
        asked.note();
        let login = flow.sign_in(server, challenge, &self.browser).await?;
        self.keep(login, before, asked).await
    }

    async fn step_up(
        &self,
        server: &ProtectedServer,
        login: &Login,
        refused: &RefusedRequest,
        asked: &mut Asked,
    ) -> Result<(), TokenError> {
        asked.note();
        let stepped = self
            .flow
            .step_up(server, login, refused, &self.browser)
            .await;
        match stepped {
            Ok(stepped) => self.keep(stepped, Some(login.key().clone()), asked).await,
            // The server has moved: what is left is a new login there.
            Err(error) if error.kind() == TokenErrorKind::LoginRequired && asked.may_ask() => {
                self.sign_in(server, refused.header(), asked).await
            }
            Err(error) => Err(error),
        }
    }

    /// Keeps a login in the place of the one before, and uses it.
    async fn keep(
        &self,
        login: Login,
        before: Option<LoginKey>,
        asked: &mut Asked,
    ) -> Result<(), TokenError> {
        let key = login.key().clone();
        let lock = self.store.lock(&key).await?;
        self.store.save(&login).await?;
        drop(lock);
        if let Some(before) = before.filter(|before| *before != key) {
            let lock = self.store.lock(&before).await?;
            self.store.remove(&before).await?;
            drop(lock);
        }
        asked.last = Some((login.access_token().clone(), Instant::now()));
        self.take(key);
        Ok(())
    }
}

impl Asked {
    fn may_ask(&mut self) -> bool {
        self.questions.retain(|at| at.elapsed() < PERIOD);
        self.questions.len() < MOST_QUESTIONS
    }

    fn note(&mut self) {
        self.questions.push(Instant::now());
    }

    /// Counts a step-up for this operation, if there may be another one.
    fn may_step_up(&mut self, operation: &str) -> bool {
        let count = self.step_ups.entry(operation.to_owned()).or_default();
        *count += 1;
        *count <= MOST_STEP_UPS
    }

    /// Whether this token came from the last question, a moment ago.
    fn has_just_got(&self, token: Option<&BearerToken>) -> bool {
        self.last
            .as_ref()
            .is_some_and(|(got, at)| Some(got) == token && at.elapsed() < TRIAL)
    }
}

impl<S: LoginStore, B: Browser> TokenSource for InteractiveLogin<S, B> {
    async fn token(&self, server: &ProtectedServer) -> Result<Option<OutgoingToken>, TokenError> {
        // Without a login the server is asked first: its challenge says what to sign in for.
        let Some(current) = self.current(server).await? else {
            return Ok(None);
        };
        match current.token(server).await {
            Err(error) if error.kind() == TokenErrorKind::LoginRequired => {
                self.renewed_by_user(server).await
            }
            other => other,
        }
    }

    async fn on_challenge(
        &self,
        server: &ProtectedServer,
        refused: &RefusedRequest,
    ) -> Result<Reaction, TokenError> {
        match refused.status() {
            401 => self.on_invalid(server, refused).await,
            _ if refused.is_insufficient_scope() => self.on_insufficient(server, refused).await,
            _ => Ok(Reaction::GiveUp),
        }
    }
}

impl<S, B> fmt::Debug for InteractiveLogin<S, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InteractiveLogin")
            .field("flow", &self.flow)
            .finish_non_exhaustive()
    }
}
