//! `conformance-client URL`: does what a scenario of the official suite asks of a client, with
//! propusk's own client.
//!
//! The suite says which scenario in `MCP_CONFORMANCE_SCENARIO`, which revision in
//! `MCP_CONFORMANCE_PROTOCOL_VERSION`, and what the client has been given in
//! `MCP_CONFORMANCE_CONTEXT`. The exit code is 0 where everything that was tried worked.

mod browser;
mod context;
mod scenario;
mod tokens;
mod user;

use anyhow::Context as _;
use propusk::{
    Client,
    client::{ClientError, Era, HttpSettings},
};
use tempfile::TempDir;

use context::Context;
use user::User;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_max_level(tracing::Level::INFO)
        .init();
    let url = std::env::args().nth(1).context("the server's URL")?;
    let context = Context::read()?;
    // Where 2025-11-25 is tested, the suite checks that every message is one of that revision, and
    // the question which revision the server speaks is none.
    let era = match &*context.revision {
        "2025-11-25" => Era::Legacy,
        _ => Era::Auto,
    };
    let client = Client::new(url)
        .era(era)
        .http(HttpSettings::default().no_proxy());
    let folder = TempDir::with_prefix("propusk-conformance-")?;
    let client = tokens::give(client, &context, folder.path())?;
    Ok(run(client, &context).await?)
}

async fn run(client: Client, context: &Context) -> Result<(), ClientError> {
    let session = client.connect_with(User::new()).await?;
    let done = scenario::run(&session, context).await;
    session.close().await;
    done
}
