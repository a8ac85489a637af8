//! From the arguments of `propusk login` to a way to sign in.

use std::path::PathBuf;

use propusk::{
    ScopeSet,
    client::{AuthorizationCode, ClientCredentials, DpopKey, Logins, MachineClient},
};

use super::{TerminalBrowser, kept};
use crate::{
    args::LoginArgs,
    commands::{secret_place, verification::either},
    config::LoginConfig,
    failure::Failure,
};

pub(super) struct Settings {
    pub(super) account: Option<String>,
    /// The client whose secret is at hand, where nobody said whom it is for.
    pub(super) unaddressed: Option<String>,
    pub(super) way: Way,
}

pub(super) enum Way {
    Machine(Box<ClientCredentials>),
    Person(Box<AuthorizationCode>, TerminalBrowser),
}

impl Settings {
    /// Finds out whom the client's secret is for: the issuer of the logins that this client has at
    /// this server. The server itself is not believed, or it could have the secret sent anywhere.
    pub(super) async fn address(mut self, store: &Logins, server: &str) -> Result<Self, Failure> {
        let Some(client) = self.unaddressed.take() else {
            return Ok(self);
        };
        let mut keys = kept::keys(store, Some(server), None).await?;
        keys.retain(|key| key.client_id == client);
        keys.sort_by(|one, other| one.issuer.cmp(&other.issuer));
        keys.dedup_by(|one, other| one.issuer == other.issuer);
        let issuer = match keys.pop() {
            Some(key) if keys.is_empty() => key.issuer,
            _ => return Err(no_addressee()),
        };
        self.way = match self.way {
            Way::Machine(machine) => Way::Machine(Box::new(machine.for_issuer(issuer))),
            Way::Person(flow, browser) => Way::Person(Box::new(flow.issuer(issuer)), browser),
        };
        Ok(self)
    }
}

fn no_addressee() -> Failure {
    Failure::usage(
        "a client's secret is for one authorization server, and the MCP server does not choose it; \
         name it with --issuer",
    )
}

pub(super) fn resolve(args: LoginArgs, mut config: LoginConfig) -> Result<Settings, Failure> {
    let scopes = scopes(&args.scope, &mut config.scope)?;
    let issuer = args.issuer.or(config.issuer.take());
    let account = kept::account(args.account.or(config.account.take()))?;
    let client_id = args.client_id.or(config.client_id.take());
    let machine = args.client_credentials || config.client_credentials == Some(true);
    let no_browser = args.no_browser || config.no_browser == Some(true);
    let bound = args.dpop || config.dpop == Some(true);
    let secret = secret(args.client_secret_file, &mut config)?;
    let key = bound
        .then(DpopKey::generate)
        .transpose()
        .map_err(Failure::unavailable)?;
    let unaddressed = client_id.clone();
    let unaddressed = unaddressed.filter(|_| secret.is_some() && issuer.is_none());
    let way = match machine {
        true => Way::Machine(Box::new(by_machine(
            client_id, secret, issuer, scopes, key,
        )?)),
        false => {
            let flow = by_person(client_id, secret, issuer, scopes, key)?.account(account.clone());
            Way::Person(Box::new(flow), TerminalBrowser::new(!no_browser))
        }
    };
    Ok(Settings {
        account,
        unaddressed,
        way,
    })
}

fn by_machine(
    client_id: Option<String>,
    secret: Option<String>,
    issuer: Option<String>,
    scopes: Option<ScopeSet>,
    key: Option<DpopKey>,
) -> Result<ClientCredentials, Failure> {
    let id = client_id.ok_or_else(|| {
        Failure::usage("--client-credentials: the client's id is missing; give it with --client-id")
    })?;
    let secret = secret.ok_or_else(|| {
        Failure::usage("--client-credentials: the client's secret is missing")
            .hint("put it into PROPUSK_CLIENT_SECRET or name a file with --client-secret-file")
    })?;
    let mut machine = ClientCredentials::new(MachineClient::secret(id, secret));
    if let Some(issuer) = issuer {
        machine = machine.for_issuer(issuer);
    }
    if let Some(scopes) = scopes {
        machine = machine.scopes(scopes);
    }
    if let Some(key) = key {
        machine = machine.dpop(key);
    }
    Ok(machine)
}

fn by_person(
    client_id: Option<String>,
    secret: Option<String>,
    issuer: Option<String>,
    scopes: Option<ScopeSet>,
    key: Option<DpopKey>,
) -> Result<AuthorizationCode, Failure> {
    let mut flow = AuthorizationCode::new("propusk");
    flow = match client_id {
        Some(id) if id.starts_with("https://") && secret.is_none() => flow.client_metadata_url(id),
        Some(id) => flow.client_id(id, secret),
        None if secret.is_some() => {
            return Err(Failure::usage(
                "there is a client's secret and no client's id; give it with --client-id",
            ));
        }
        None => flow,
    };
    if let Some(issuer) = issuer {
        flow = flow.issuer(issuer);
    }
    if let Some(scopes) = scopes {
        flow = flow.scopes(scopes);
    }
    if let Some(key) = key {
        flow = flow.dpop(key);
    }
    Ok(flow)
}

fn scopes(typed: &[String], configured: &mut Vec<String>) -> Result<Option<ScopeSet>, Failure> {
    let texts = either("--scope", typed, configured)?;
    if texts.is_empty() {
        return Ok(None);
    }
    let scopes = ScopeSet::parse(&texts.join(" "));
    scopes
        .map(Some)
        .map_err(|error| Failure::usage(format!("--scope: {error}")))
}

fn secret(file: Option<PathBuf>, config: &mut LoginConfig) -> Result<Option<String>, Failure> {
    let place = secret_place::Places {
        flag: None,
        flag_file: file,
        variable: "PROPUSK_CLIENT_SECRET",
        file_variable: "PROPUSK_CLIENT_SECRET_FILE",
        configured: config.client_secret.take(),
        configured_file: config.client_secret_file.take(),
    };
    let Some(found) = place.find()? else {
        return Ok(None);
    };
    let text = found.text.trim_end_matches(['\r', '\n']).to_owned();
    match text.is_empty() {
        true => Err(Failure::usage(format!(
            "{}: there is nothing in it",
            found.name
        ))),
        false => Ok(Some(text)),
    }
}
