//! A `token` command whose arguments are valid.

use std::time::SystemTime;

use propusk::{ResourceUrl, ScopeSet};
use propusk_store::{NewToken, TokenId, check_format};

use crate::{
    args::{IssueArgs, TokenCommand},
    failure::Failure,
};

pub(super) enum Request {
    Issue(Box<NewToken>),
    List,
    Show(TokenId),
    Rotate(TokenId),
    Revoke(TokenId),
}

impl Request {
    pub(super) fn parse(command: TokenCommand) -> Result<Self, Failure> {
        Ok(match command {
            TokenCommand::Issue(args) => Self::Issue(Box::new(new_token(args)?)),
            TokenCommand::List => Self::List,
            TokenCommand::Show { id } => Self::Show(token_id(&id)?),
            TokenCommand::Rotate { id } => Self::Rotate(token_id(&id)?),
            TokenCommand::Revoke { id } => Self::Revoke(token_id_or_token(&id)?),
        })
    }
}

fn new_token(args: IssueArgs) -> Result<NewToken, Failure> {
    let IssueArgs {
        subject,
        scope,
        client_id,
        expires_in,
        name,
        audience,
    } = args;
    not_empty("--subject", Some(&subject))?;
    not_empty("--client-id", client_id.as_deref())?;
    not_empty("--name", name.as_deref())?;
    let mut new = NewToken::new(subject).scopes(scopes(&scope)?);
    for audience in &audience {
        let url = ResourceUrl::parse(audience)
            .map_err(|error| Failure::usage(format!("--audience: {error}")))?;
        new = new.audience(&url);
    }
    if let Some(client_id) = client_id {
        new = new.client_id(client_id);
    }
    if let Some(name) = name {
        new = new.name(name);
    }
    if let Some(lifetime) = expires_in {
        new = new.expires(lifetime);
    }
    new.check(SystemTime::now()).map_err(Failure::usage)?;
    Ok(new)
}

fn scopes(texts: &[String]) -> Result<ScopeSet, Failure> {
    let mut scopes = ScopeSet::default();
    for text in texts {
        not_empty("--scope", Some(text))?;
        let parsed =
            ScopeSet::parse(text).map_err(|error| Failure::usage(format!("--scope: {error}")))?;
        scopes.extend(parsed.iter().cloned());
    }
    Ok(scopes)
}

fn not_empty(flag: &str, text: Option<&str>) -> Result<(), Failure> {
    match text {
        Some(text) if text.trim().is_empty() => Err(Failure::usage(format!(
            "{flag}: this is empty; say something or leave the flag out"
        ))),
        _ => Ok(()),
    }
}

fn token_id(text: &str) -> Result<TokenId, Failure> {
    if let Ok(id) = check_format(text) {
        return Err(
            Failure::usage("this is a token, and its id is needed").hint(format!("its id is {id}"))
        );
    }
    TokenId::parse(text).map_err(|error| Failure::usage(error).hint("see: propusk token list"))
}

fn token_id_or_token(text: &str) -> Result<TokenId, Failure> {
    if text.starts_with("propusk_") {
        // The text is a secret: the error does not repeat it.
        return check_format(text).map_err(Failure::usage);
    }
    token_id(text)
}
