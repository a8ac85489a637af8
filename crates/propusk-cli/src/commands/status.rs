//! `propusk status`.

use std::process::ExitCode;

use propusk::client::{Logins, TokenError};

use super::{
    login::{kept, shown},
    refusal::login_command,
};
use crate::{
    args::StatusArgs,
    config::LoginConfig,
    failure::{Code, Failure},
    output::{answer, note, visible},
};

pub(crate) async fn run(args: StatusArgs, config: LoginConfig) -> Result<ExitCode, Failure> {
    let store = Logins::open_default().await.map_err(TokenError::from)?;
    let account = kept::account(args.account.or(config.account))?;
    let url = args.url.as_deref();
    let logins = kept::all(&store, url, account.as_deref()).await?;
    let unreadable = kept::unreadable(&store).await?;
    for sentence in &unreadable {
        note(sentence);
    }
    if logins.is_empty() {
        if args.json {
            answer("[]")?;
        }
        if unreadable.is_empty() || url.is_some() {
            return nobody(&store, url, account.as_deref()).await;
        }
    } else {
        shown::print_all(&logins, args.json)?;
    }
    if url.is_some() && !logins.iter().any(shown::is_alive) {
        let url = url.unwrap_or_default();
        note(&format!(
            "the login has ended; sign in again with: {}",
            login_command(url)
        ));
        return Ok(ExitCode::from(Code::NotAuthenticated as u8));
    }
    Ok(match unreadable.is_empty() || url.is_some() {
        true => ExitCode::SUCCESS,
        // Nobody knows who is signed in there.
        false => ExitCode::from(Code::Unavailable as u8),
    })
}

async fn nobody(
    store: &Logins,
    url: Option<&str>,
    account: Option<&str>,
) -> Result<ExitCode, Failure> {
    let whom = account.map_or("nobody is signed in".to_owned(), |account| {
        format!("nobody is signed in as {}", visible(account))
    });
    let Some(url) = url else {
        note(&format!("{whom}; sign in with: propusk login URL"));
        return Ok(ExitCode::SUCCESS);
    };
    kept::note_near_miss(store, url).await;
    let failure = Failure::new(
        Code::NotAuthenticated,
        format!("{whom} at {}", visible(url)),
    );
    Err(failure.hint(format!("sign in with: {}", login_command(url))))
}
