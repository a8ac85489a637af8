//! The first token of a new store, and the line to try it with.

use std::time::Duration;

use propusk::ScopeSet;
use propusk_store::{NewToken, TokenStore};
use tokio::task::JoinSet;

use crate::commands::store;
use crate::{failure::Failure, output::note};

/// What the first token may do: everything that the built-in tools need.
const SCOPES: &str = "echo notes:read notes:write";

/// The pauses between attempts to reach the database server begin with the one and grow to the other.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(10)];

/// Issues a first token where the store is new: now, or when the store is reached. What is returned is
/// the waiting for that, which ends when it is dropped.
///
/// `scopes` are those of the first token, where it is not for the built-in server.
pub(super) async fn begin(
    store: Option<&TokenStore>,
    url: &str,
    scopes: Option<String>,
) -> Result<JoinSet<()>, Failure> {
    let mut waiting = JoinSet::new();
    match store {
        Some(store) if store.is_set_up() => first_token(store, url, scopes.as_deref()).await?,
        Some(store) => {
            waiting.spawn(when_reached(store.clone(), url.to_owned(), scopes));
        }
        None => {}
    }
    Ok(waiting)
}

async fn when_reached(store: TokenStore, url: String, scopes: Option<String>) {
    let [mut pause, longest] = PAUSES;
    let mut said = String::new();
    while let Err(error) = store.set_up().await {
        let why = error.to_string();
        if why != said {
            tracing::warn!(cause = %why, "no token of the store can be verified yet (503); trying again");
            said = why;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(longest);
    }
    tracing::info!("the token store {} is reached", store.url());
    if let Err(failure) = first_token(&store, &url, scopes.as_deref()).await {
        failure.report();
    }
}

/// Issues a first token where the store is new; else says how to get one.
async fn first_token(store: &TokenStore, url: &str, scopes: Option<&str>) -> Result<(), Failure> {
    let program = program();
    // Without the password that may be in what was typed.
    let place = store.url().to_string();
    let tokens = match &place {
        place if place == store::DEFAULT => String::new(),
        place if store.url().has_password() => {
            format!(" --tokens {} (its password in PGPASSWORD)", quoted(place))
        }
        place => format!(" --tokens {}", quoted(place)),
    };
    if !store.created() {
        note(&format!(
            "tokens are in {place}; issue one with: {program} token issue --subject NAME{tokens}"
        ));
        return Ok(());
    }
    let new = NewToken::new("admin")
        .name("first token")
        .scopes(ScopeSet::from_claim(scopes.unwrap_or(SCOPES)));
    let issued = store.issue(new).await?;
    let may = match scopes {
        Some("") => String::new(),
        scopes => format!(" ({})", scopes.unwrap_or(SCOPES)),
    };
    let trial = match scopes {
        None => format!("call {} whoami", quoted(url)),
        Some(_) => format!("tools {}", quoted(url)),
    };
    note(&format!(
        "\
created the token store {place} and issued a first token, for \"admin\"{may}.
It is shown only this once. Try it from another terminal:

  PROPUSK_TOKEN={} {program} {trial}

More tokens: {program} token issue --subject NAME --scope SCOPE{tokens}
",
        issued.token.expose_secret(),
    ));
    Ok(())
}

/// This program as the reader can type it, `propusk` or `target/release/propusk`.
fn program() -> String {
    std::env::args()
        .next()
        .map_or_else(|| "propusk".to_owned(), |name| quoted(&name))
}

/// Quoted for a shell where it needs to be.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,[]".contains(c);
    if text.chars().all(|c| plain(c) && c != '[' && c != ']') {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}
