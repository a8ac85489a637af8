//! Which of the kept logins is meant.

use propusk::client::{Login, LoginKey, LoginStore, Logins, TokenError};

use crate::{
    failure::{Code, Failure},
    output::{note, visible},
};

/// A name for a login; an empty one is a slip.
pub(in crate::commands) fn account(name: Option<String>) -> Result<Option<String>, Failure> {
    let odd = |name: &String| name.trim().is_empty() || name.chars().any(char::is_control);
    match name {
        Some(name) if odd(&name) => Err(Failure::usage(
            "--account: this is no name; write one such as work, or leave the flag out",
        )),
        name => Ok(name),
    }
}

/// The logins at a server, or all of them; of one name, where one is given. The newest comes first.
/// One that cannot be read is an error.
pub(in crate::commands) async fn all(
    store: &Logins,
    server: Option<&str>,
    account: Option<&str>,
) -> Result<Vec<Login>, TokenError> {
    let mut found = Vec::new();
    for key in keys(store, server, account).await? {
        found.extend(store.load(&key).await?);
    }
    found.sort_by_key(|login| std::cmp::Reverse(login.obtained_at()));
    found.sort_by(|one, other| one.key().server.cmp(&other.key().server));
    Ok(found)
}

/// The same without what is secret, and without reading them.
pub(in crate::commands) async fn keys(
    store: &Logins,
    server: Option<&str>,
    account: Option<&str>,
) -> Result<Vec<LoginKey>, TokenError> {
    let mut keys = store.list().await?;
    // Byte for byte: the token goes to the URL that was signed in at.
    keys.retain(|key| {
        server.is_none_or(|server| key.server == server)
            && account.is_none_or(|account| key.account.as_deref() == Some(account))
    });
    Ok(keys)
}

/// The login of exactly this name, or of none.
pub(super) async fn exactly(
    store: &Logins,
    server: &str,
    account: Option<&str>,
) -> Result<Option<Login>, TokenError> {
    let found = all(store, Some(server), account).await?;
    let mut found = found.into_iter();
    Ok(found.find(|login| login.key().account.as_deref() == account))
}

/// The login that a call uses: that of the name, else the one without a name, else the only one.
pub(in crate::commands) async fn for_call(
    store: &Logins,
    server: &str,
    account: Option<&str>,
) -> Result<Option<Login>, Failure> {
    let mut found = all(store, Some(server), account).await?;
    if let Some(at) = found.iter().position(|login| login.key().account.is_none()) {
        return Ok(Some(found.swap_remove(at)));
    }
    let mut names: Vec<_> = found
        .iter()
        .filter_map(|login| login.key().account.clone())
        .collect();
    names.dedup();
    match (names.len(), account) {
        (0, Some(account)) => {
            let message = format!("nobody is signed in as {account:?} at {}", visible(server));
            let mut failure = Failure::new(Code::NotAuthenticated, message);
            for sentence in unreadable(store).await? {
                failure = failure.hint(sentence);
            }
            Err(failure.hint(format!(
                "sign in with: propusk login {} --account {account}",
                visible(server)
            )))
        }
        (0 | 1, _) => Ok(found.into_iter().next()),
        _ => Err(Failure::usage(format!(
            "there are several logins at {}; say with --account which one: {}",
            visible(server),
            visible(&names.join(", "))
        ))),
    }
}

/// Sentences about logins that are there and cannot be read, of whatever server they are.
pub(in crate::commands) async fn unreadable(store: &Logins) -> Result<Vec<String>, TokenError> {
    let found = store.unreadable().await?;
    Ok(found
        .iter()
        .map(|error| visible(&error.to_string()))
        .collect())
}

/// Says that a server is known by another spelling of its URL, which is a slip that is hard to see.
pub(in crate::commands) async fn note_near_miss(store: &Logins, server: &str) {
    let keys = store.list().await.unwrap_or_default();
    let bare = |url: &str| url.trim_end_matches('/').to_lowercase();
    let near = keys.iter().find(|key| bare(&key.server) == bare(server));
    if let Some(key) = near.filter(|key| key.server != server) {
        note(&format!(
            "there is a login for {}, which is another URL than {}",
            visible(&key.server),
            visible(server)
        ));
    }
}
