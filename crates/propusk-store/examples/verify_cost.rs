//! What verifying a token costs, from memory and from the database:
//! `cargo run --release -p propusk-store --example verify_cost`

use std::{error::Error, time::Instant};

use propusk::{TokenVerifier, Unavailable};
use propusk_store::{NewToken, StoreUrl, TokenStore};

const FROM_MEMORY: u32 = 2_000_000;
const FROM_DATABASE: u32 = 5_000;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let url = StoreUrl::parse(&format!("sqlite:{}/propusk.db", folder.path().display()))?;
    let store = TokenStore::open(&url).await?;
    let known = store.issue(NewToken::new("alice")).await?;
    // A token of another store: well-formed, and unknown here.
    let elsewhere = TokenStore::open(&StoreUrl::parse("sqlite::memory:")?).await?;
    let unknown = elsewhere.issue(NewToken::new("alice")).await?;

    for (what, token, times) in [
        (
            "known, from memory",
            known.token.expose_secret(),
            FROM_MEMORY,
        ),
        (
            "unknown, from the database",
            unknown.token.expose_secret(),
            FROM_DATABASE,
        ),
        ("not well-formed", "propusk_0123456789AB_x", FROM_MEMORY),
    ] {
        let began = Instant::now();
        for _ in 0..times {
            store
                .verify_token(token)
                .await
                .map_err(|e: Unavailable| e.to_string())?;
        }
        println!("{what}: {:?}", began.elapsed() / times);
    }
    Ok(store.close().await?)
}
