//! Opening the token store that the command line names.

use propusk_store::{StoreUrl, TokenStore};

use crate::{
    failure::{Code, Failure},
    output::note,
};

/// The store where nothing else is said.
pub(super) const DEFAULT: &str = "sqlite:propusk.db";

/// Opens a store, and creates it where it is missing.
pub(super) async fn open(url: &str) -> Result<TokenStore, Failure> {
    Ok(TokenStore::open(&parse(url)?).await?)
}

/// Opens a store for a server, which starts while the database server cannot be reached.
pub(super) async fn open_lazily(url: &str) -> Result<TokenStore, Failure> {
    Ok(TokenStore::open_lazily(&parse(url)?).await?)
}

/// Whether it is the URL of a store, whatever is there.
pub(super) fn check(url: &str) -> Result<(), Failure> {
    parse(url).map(|_| ())
}

/// Opens a store for something that is to outlive this command.
pub(super) async fn open_lasting(url: &str) -> Result<TokenStore, Failure> {
    if parse(url)?.is_in_memory() {
        return Err(
            Failure::usage("--tokens: a store in memory ends with this command")
                .hint("name a file, such as sqlite:propusk.db"),
        );
    }
    open(url).await
}

/// Opens a store that is there: a look into one must leave neither an empty file nor a schema behind.
pub(super) async fn open_existing(url: &str) -> Result<TokenStore, Failure> {
    let url = parse(url)?;
    TokenStore::open_existing(&url).await?.ok_or_else(|| {
        Failure::new(Code::Error, format!("there is no token store at {url}")).hint(
            "name another one with --tokens; `propusk token issue` and `propusk serve` create one",
        )
    })
}

/// Opens a store if it is there.
pub(super) async fn open_if_there(url: &str) -> Result<Option<TokenStore>, Failure> {
    let url = parse(url)?;
    let store = TokenStore::open_existing(&url).await?;
    if store.is_none() {
        note(&format!(
            "there is no token store at {url}; name another one with --tokens"
        ));
    }
    Ok(store)
}

/// Says what to do about a password that whoever lists the processes of this machine can read.
pub(crate) fn warn_of_password(typed_url: &str) {
    // One that cannot be parsed is an error anyway.
    if StoreUrl::parse(typed_url).is_ok_and(|url| url.has_password()) {
        note(
            "warning: other users of this machine can see the password in --tokens; give the URL \
             in PROPUSK_TOKENS or propusk.toml, or leave the password to PGPASSWORD or ~/.pgpass",
        );
    }
}

fn parse(url: &str) -> Result<StoreUrl, Failure> {
    StoreUrl::parse(url).map_err(|error| Failure::usage(format!("--tokens: {error}")))
}
