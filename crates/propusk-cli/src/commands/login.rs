//! `propusk login`: signs somebody in, or the program itself, and keeps the login.

mod browser;
pub(super) mod kept;
mod settings;
pub(super) mod shown;

use std::process::ExitCode;
use std::sync::Mutex;

use propusk::{
    Client,
    client::{
        HttpSettings, Login, LoginStore, Logins, OutgoingToken, ProtectedServer, Reaction,
        RefusedRequest, RenewalProcess, TokenError, TokenSource,
    },
};

pub(super) use browser::TerminalBrowser;

use self::settings::Way;
use crate::{
    args::LoginArgs,
    config::LoginConfig,
    failure::Failure,
    output::{note, visible},
};

pub(crate) async fn run(args: LoginArgs, config: LoginConfig) -> Result<ExitCode, Failure> {
    let as_json = args.json;
    let url = args.url.clone();
    let settings = settings::resolve(args, config)?;
    let store = Logins::open_default().await.map_err(TokenError::from)?;
    let settings = settings.address(&store, &url).await?;
    let challenge = challenge(&url).await?;
    let server = ProtectedServer::new(&*url, HttpSettings::default());
    let earlier = kept::exactly(&store, &url, settings.account.as_deref()).await?;
    let challenge = challenge.as_deref();
    let login = match settings.way {
        Way::Machine(machine) => {
            let account = settings.account.clone();
            machine.sign_in(&server, challenge, account).await?
        }
        Way::Person(flow, browser) => {
            let flow = match &earlier {
                Some(earlier) => flow.registered_as(earlier),
                None => *flow,
            };
            flow.sign_in(&server, challenge, &browser).await?
        }
    };
    keep(&store, &login, earlier.as_ref()).await?;
    if !as_json {
        let place = if store.has_keyring() {
            "the keyring"
        } else {
            "a file that only you can read"
        };
        let issuer = visible(&login.key().issuer);
        note(&format!(
            "signed in at {issuer}; the login is kept in {place}"
        ));
    }
    shown::print_one(&login, as_json)?;
    Ok(ExitCode::SUCCESS)
}

/// Renews a login for another process.
pub(crate) async fn renew() -> Result<ExitCode, Failure> {
    let store = Logins::open_default().await.map_err(TokenError::from)?;
    Ok(RenewalProcess::serve(&store, &HttpSettings::default()).await)
}

/// Keeps a login in the place of the one before.
async fn keep(store: &Logins, login: &Login, before: Option<&Login>) -> Result<(), TokenError> {
    let lock = store.lock(login.key()).await?;
    store.save(login).await?;
    drop(lock);
    if let Some(before) = before.map(Login::key).filter(|key| *key != login.key()) {
        let lock = store.lock(before).await?;
        store.remove(before).await?;
        drop(lock);
    }
    Ok(())
}

/// What the server asks for where nobody is signed in: it says where to sign in, and for what.
async fn challenge(url: &str) -> Result<Option<String>, Failure> {
    let heard = std::sync::Arc::new(Ear::default());
    let connected = Client::new(url)
        .tokens(std::sync::Arc::clone(&heard))
        .connect()
        .await;
    match connected {
        Ok(session) => {
            session.close().await;
            note("this server lets everybody in; signing in may still open more of it");
            Ok(None)
        }
        Err(error) if error.is_unauthenticated() => Ok(heard.header()),
        Err(error) => Err(error.into()),
    }
}

/// A source without tokens, which remembers the challenge.
#[derive(Default)]
struct Ear(Mutex<Option<String>>);

impl Ear {
    fn header(&self) -> Option<String> {
        self.0.lock().ok()?.take()
    }
}

impl TokenSource for Ear {
    async fn token(&self, _: &ProtectedServer) -> Result<Option<OutgoingToken>, TokenError> {
        Ok(None)
    }

    async fn on_challenge(
        &self,
        _: &ProtectedServer,
        refused: &RefusedRequest,
    ) -> Result<Reaction, TokenError> {
        if let Ok(mut header) = self.0.lock() {
            *header = refused.header().map(str::to_owned);
        }
        Ok(Reaction::GiveUp)
    }
}
