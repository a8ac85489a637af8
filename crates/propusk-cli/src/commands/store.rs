//! Opening the token store that the command line names.

use propusk_store::{StoreUrl, TokenStore};

use crate::failure::Failure;

/// The store where nothing else is said.
pub(super) const DEFAULT: &str = "sqlite:propusk.db";

pub(super) async fn open(url: &str) -> Result<TokenStore, Failure> {
    let url = StoreUrl::parse(url).map_err(|error| Failure::usage(format!("--tokens: {error}")))?;
    Ok(TokenStore::open(&url).await?)
}
