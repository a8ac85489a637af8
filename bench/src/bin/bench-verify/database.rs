//! Issued tokens that the store does not remember, beside the bare query, in a store of usual size
//! and in a very large one.

use std::path::{Path, PathBuf};

use anyhow::Context;
use propusk::{ScopeSet, TokenVerifier};
use propusk_store::{NewToken, StoreUrl, TokenStore};
use sqlx::{
    ConnectOptions, Row, SqlitePool,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions},
};
use tokio::runtime::{Builder, Runtime};

use crate::{
    filler,
    rounds::{Cpu, Group, Plan, Sample},
    tokens::accepted,
};

/// More than the store remembers (10,000), so that one token after another is always looked up.
const ISSUED: u64 = 15_000;
/// How many connections the store reads with.
const READERS: u32 = 4;
/// The store looks for changes every 200 ms: in short rounds that would be a matter of chance.
const LONGER: u32 = 10;

pub(crate) fn measure(plan: &Plan, large: u64) -> anyhow::Result<Vec<Sample>> {
    let runtime = runtime()?;
    let folder = tempfile::Builder::new()
        .prefix("propusk-bench-")
        .tempdir_in(in_memory())?;
    let (small_path, large_path) = (folder.path().join("a.db"), folder.path().join("b.db"));
    let tokens = runtime.block_on(issue(&small_path))?;
    std::fs::copy(&small_path, &large_path)?;
    eprintln!("filling a store with {large} tokens");
    runtime.block_on(filler::fill(&large_path, large.saturating_sub(ISSUED)))?;
    let lookups = |path, tokens| Lookups::open(path, tokens);
    let (mut small, mut small_bare) = (
        lookups(&small_path, &tokens)?,
        lookups(&small_path, &tokens)?,
    );
    let (mut big, mut big_bare) = (
        lookups(&large_path, &tokens)?,
        lookups(&large_path, &tokens)?,
    );
    let mut remembered = lookups(&small_path, &tokens[..256])?;
    Group::new("store", Cpu::Process)
        .contender("TokenStore", |count| small.verify(count))
        .contender("bare", |count| small_bare.query(count))
        .contender("TokenStore, large", |count| big.verify(count))
        .contender("bare, large", |count| big_bare.query(count))
        .contender("remembered", |count| remembered.verify(count))
        .measure(&plan.with_longer_turns(LONGER))
}

/// One thread for the tasks; SQLite's connections have their own.
fn runtime() -> anyhow::Result<Runtime> {
    Ok(Builder::new_current_thread().enable_all().build()?)
}

/// A folder in memory where there is one: a disk would be measured otherwise.
fn in_memory() -> PathBuf {
    let shared = Path::new("/dev/shm");
    if shared.is_dir() {
        shared.to_owned()
    } else {
        std::env::temp_dir()
    }
}

/// Makes a store with tokens, and returns their texts.
async fn issue(path: &Path) -> anyhow::Result<Vec<String>> {
    let store = TokenStore::open(&url(path)?).await?;
    let mut tokens = Vec::new();
    for number in 0..ISSUED {
        let new = NewToken::new(format!("user-{number}"))
            .client_id("bench")
            .scopes(ScopeSet::parse("notes:read notes:write")?);
        let issued = store.issue(new).await?;
        tokens.push(issued.token.expose_secret().to_owned());
    }
    store.close().await?;
    Ok(tokens)
}

fn url(path: &Path) -> anyhow::Result<StoreUrl> {
    Ok(StoreUrl::parse(&format!("sqlite:{}", path.display()))?)
}

/// A store, a pool like its own on the same file, and tokens to look up. It has a runtime of its
/// own, so that nobody works in another's turn.
struct Lookups<'a> {
    runtime: Runtime,
    store: TokenStore,
    pool: SqlitePool,
    tokens: std::iter::Cycle<std::slice::Iter<'a, String>>,
}

impl<'a> Lookups<'a> {
    fn open(path: &Path, tokens: &'a [String]) -> anyhow::Result<Self> {
        let runtime = runtime()?;
        let (store, pool) = runtime.block_on(async {
            let store = TokenStore::open(&url(path)?).await?;
            anyhow::Ok((store, pool(path)))
        })?;
        Ok(Self {
            runtime,
            store,
            pool,
            tokens: tokens.iter().cycle(),
        })
    }

    fn verify(&mut self, count: u64) -> anyhow::Result<()> {
        self.runtime.block_on(async {
            for token in self.tokens.by_ref().take(count as usize) {
                accepted(self.store.verify_token(token).await)?;
            }
            Ok(())
        })
    }

    fn query(&mut self, count: u64) -> anyhow::Result<()> {
        const FIND: &str = "SELECT id, digest, subject, client_id, scopes, audience, name, \
                            created_at, expires_at, last_used_at, revoked_at \
                            FROM tokens WHERE id = $1";
        self.runtime.block_on(async {
            for token in self.tokens.by_ref().take(count as usize) {
                let id = &token["propusk_".len()..][..12];
                let query = sqlx::query(FIND).bind(id).fetch_optional(&self.pool);
                let row = query.await?.context("the token is not there")?;
                std::hint::black_box(row.try_get::<&[u8], _>("digest")?);
            }
            Ok(())
        })
    }
}

/// Set up as the store's own connections are.
fn pool(path: &Path) -> SqlitePool {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .foreign_keys(true)
        .pragma("trusted_schema", "OFF")
        .pragma("query_only", "ON")
        .disable_statement_logging();
    SqlitePoolOptions::new()
        .max_connections(READERS)
        .test_before_acquire(false)
        .connect_lazy_with(options)
}
