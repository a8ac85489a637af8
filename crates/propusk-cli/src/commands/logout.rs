//! `propusk logout`: revokes the tokens at their issuer, and forgets them.

use std::process::ExitCode;

use propusk::client::{
    HttpSettings, LoginKey, LoginStore, Logins, Revocation, TokenError, TokenErrorKind,
};
use serde_json::{Value, json};

use super::login::kept;
use crate::{
    args::LogoutArgs,
    config::LoginConfig,
    failure::{Code, Failure},
    output::{answer, date, json as pretty, note, visible},
};

pub(crate) async fn run(args: LogoutArgs, config: LoginConfig) -> Result<ExitCode, Failure> {
    let store = Logins::open_default().await.map_err(TokenError::from)?;
    let account = account(args.all, args.account, config)?;
    let url = args.url.as_deref();
    let keys = kept::keys(&store, url, account.as_deref()).await?;
    let mut told = Vec::new();
    let mut all_went_well = true;
    for key in &keys {
        let end = end(&store, key).await.unwrap_or_else(|error| {
            // The others are to go all the same.
            let server = visible(&key.server);
            let sentence = format!(
                "not signed out of {server}: {}",
                visible(&error.to_string())
            );
            End {
                went_well: false,
                revoked: "no",
                sentence,
            }
        });
        if !args.json || !end.went_well {
            note(&end.sentence);
        }
        all_went_well &= end.went_well;
        told.push(end.as_value(key));
    }
    if args.json {
        answer(&pretty(&told)?)?;
    }
    let unreadable = kept::unreadable(&store).await?;
    for sentence in &unreadable {
        note(&format!("nothing was revoked here: {sentence}"));
    }
    all_went_well &= unreadable.is_empty();
    match url {
        Some(url) if keys.is_empty() => {
            kept::note_near_miss(&store, url).await;
            let message = format!("nobody is signed in at {}", visible(url));
            Err(Failure::new(Code::Error, message).hint("see: propusk status"))
        }
        _ if keys.is_empty() && unreadable.is_empty() && !args.json => {
            note("nobody is signed in");
            Ok(ExitCode::SUCCESS)
        }
        _ if all_went_well => Ok(ExitCode::SUCCESS),
        _ => Ok(ExitCode::from(Code::Unavailable as u8)),
    }
}

/// Whose login: a name that was given, unless all of them are meant.
fn account(
    all: bool,
    flag: Option<String>,
    config: LoginConfig,
) -> Result<Option<String>, Failure> {
    if all {
        return Ok(None);
    }
    let variable = || std::env::var("PROPUSK_ACCOUNT").ok();
    kept::account(flag.or_else(variable).or(config.account))
}

/// How one login ended.
struct End {
    went_well: bool,
    revoked: &'static str,
    sentence: String,
}

impl End {
    fn as_value(&self, key: &LoginKey) -> Value {
        json!({
            "server": key.server,
            "issuer": key.issuer,
            "account": key.account,
            "revoked": self.revoked,
        })
    }
}

/// Revokes under the lock, so that no other process gets new tokens meanwhile, and forgets in any
/// case: whoever logs out wants to be gone from this machine.
async fn end(store: &Logins, key: &LoginKey) -> Result<End, TokenError> {
    let lock = store.lock(key).await?;
    // One that cannot be read can still be forgotten.
    let login = store.load(key).await;
    let outcome = match &login {
        Ok(Some(login)) => Some(login.revoke(&HttpSettings::default()).await),
        _ => None,
    };
    store.remove(key).await?;
    drop(lock);
    let login = login.ok().flatten();
    let until = login.and_then(|login| login.expires_at());
    let until = until.map_or("for as long as its issuer says".to_owned(), |end| {
        format!("until {}", date(end))
    });
    let (server, issuer) = (visible(&key.server), visible(&key.issuer));
    let gone = format!("signed out of {server}");
    Ok(match outcome {
        Some(Ok(Revocation::Revoked)) => End {
            went_well: true,
            revoked: "yes",
            sentence: format!("{gone}; the tokens are revoked at {issuer}"),
        },
        Some(Ok(Revocation::UntilAccessTokenEnds)) => End {
            went_well: true,
            revoked: "refresh_token",
            sentence: format!(
                "{gone}; it cannot be renewed any more; {issuer} does not revoke access tokens, so \
                 the last one is valid {until}"
            ),
        },
        Some(Ok(_)) => End {
            went_well: true,
            revoked: "not_offered",
            sentence: format!(
                "{gone}; no way to revoke its tokens at {issuer} is known, so the last one is valid {until}"
            ),
        },
        Some(Err(error)) => End {
            went_well: false,
            revoked: "no",
            sentence: format!(
                "{gone} here, but {error}; the tokens are valid there {until}{}",
                hint(&error)
            ),
        },
        None => End {
            went_well: false,
            revoked: "no",
            sentence: format!("{gone}; the login could not be read, so nothing was revoked"),
        },
    })
}

fn hint(error: &TokenError) -> &'static str {
    match error.kind() {
        TokenErrorKind::Declined => "; its owner can end them in the account's settings there",
        _ => "",
    }
}
