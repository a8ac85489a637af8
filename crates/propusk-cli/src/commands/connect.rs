//! From the arguments of a client command to a session.

mod asking;

use std::sync::Arc;

use propusk::{
    BearerToken, Client,
    client::{ClientError, Era, Login, Logins, RenewalProcess, Session, StoredLogin},
};

use self::asking::Asking;
use super::{
    dialogue::Dialogue,
    login::kept,
    refusal::{Explainer, Token},
    screen::Screen,
    secret_place,
};
use crate::{args::ClientArgs, config::CallConfig, failure::Failure, terminal};

/// What this program is started with to renew a login.
pub(crate) const RENEW_LOGIN: &str = "renew-login";

/// A session, and what explains its refusals.
pub(super) struct Connected {
    pub(super) session: Session<Dialogue>,
    explainer: Explainer,
    pub(super) screen: Arc<Screen>,
}

impl Connected {
    /// What an error of this session means to a human.
    pub(super) fn explain(&self, error: ClientError) -> Failure {
        self.explainer.explain(error)
    }
}

pub(super) async fn connect(
    url: &str,
    args: ClientArgs,
    mut config: CallConfig,
) -> Result<Connected, Failure> {
    let era = era(args.era.as_deref().or(config.era.as_deref()))?;
    let account = kept::account(args.account.clone().or(config.account.take()))?;
    let client = Client::new(url).era(era);
    let screen = Arc::new(Screen::new());
    let mut unreadable = Vec::new();
    let (client, token) = match token(args, config)? {
        Some((token, place)) => (
            client.bearer(token.expose_secret()),
            Token::Given(token, place),
        ),
        None => with_login(client, url, account.as_deref(), &screen, &mut unreadable).await?,
    };
    let explainer = Explainer {
        url: url.to_owned(),
        token,
        unreadable,
    };
    let dialogue = Dialogue::new(url, Arc::clone(&screen));
    match client.connect_with(dialogue).await {
        Ok(session) => Ok(Connected {
            session,
            explainer,
            screen,
        }),
        Err(error) => Err(explainer.explain(error)),
    }
}

fn era(name: Option<&str>) -> Result<Era, Failure> {
    Ok(match name {
        None | Some("auto") => Era::Auto,
        Some("modern" | "2026-07-28") => Era::Modern,
        Some("legacy" | "2025-11-25") => Era::Legacy,
        Some(other) => {
            return Err(Failure::usage(format!(
                "--era: {other:?} is none of auto, modern, legacy"
            )));
        }
    })
}

/// The login that is kept for this server, where there is one.
async fn with_login(
    client: Client,
    url: &str,
    account: Option<&str>,
    screen: &Arc<Screen>,
    unreadable: &mut Vec<String>,
) -> Result<(Client, Token), Failure> {
    let store = match Logins::open_default().await {
        Ok(store) => store,
        Err(error) if account.is_none() => {
            tracing::debug!("{error}; no login is looked for");
            return Ok((client, Token::None));
        }
        Err(error) => return Err(propusk::client::TokenError::from(error).into()),
    };
    let Some(login) = kept::for_call(&store, url, account).await? else {
        *unreadable = kept::unreadable(&store).await?;
        return Ok((client, Token::None));
    };
    let token = Token::Login {
        issuer: login.key().issuer.clone(),
        account: login.key().account.clone(),
        scopes: login.scopes().clone(),
        machine: login.is_of_machine().then(|| login.key().client_id.clone()),
    };
    let client = match terminal::can_ask() && !login.is_of_machine() {
        // A person is another subject than the machine that signed in.
        true => client.tokens(Asking::new(store, &login, Arc::clone(screen))?),
        false => client.tokens(quiet(store, &login)),
    };
    Ok((client, token))
}

/// A login whose renewal outlives this process.
fn quiet(store: Logins, login: &Login) -> StoredLogin<Logins> {
    let stored = StoredLogin::new(store, login.key().clone());
    match helper() {
        Some(process) => stored.renew_in(process),
        None => stored,
    }
}

/// This very program, as the process that renews.
fn helper() -> Option<RenewalProcess> {
    let process = RenewalProcess::this_program();
    process.ok().map(|process| process.arg(RENEW_LOGIN))
}

/// A flag comes before a variable, and that before the file of settings.
fn token(args: ClientArgs, config: CallConfig) -> Result<Option<(BearerToken, String)>, Failure> {
    let places = secret_place::Places {
        flag: args.token.map(|text| (text, "--token")),
        flag_file: args.token_file,
        variable: "PROPUSK_TOKEN",
        file_variable: "PROPUSK_TOKEN_FILE",
        configured: config.token,
        configured_file: config.token_file,
    };
    let Some(found) = places.find()? else {
        return Ok(None);
    };
    // Says where a text came from that is no token, and not the text.
    let token = BearerToken::parse(&found.text);
    let token = token.map_err(|error| Failure::usage(format!("{}: {error}", found.name)))?;
    Ok(Some((token, found.name)))
}
