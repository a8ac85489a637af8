//! A server with many tools and their scopes, the same server without scopes, and the same without
//! any authorization.

use std::net::Ipv4Addr;

use clap::{Parser, ValueEnum};
use propusk::{FixedTokens, ScopePolicy, Server, server::shutdown_signal};
use propusk_bench::{areas, tools::Tools};
use tokio::net::TcpListener;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A server with many tools. The tokens are `all` and `half`, for what their callers may use
#[derive(Parser)]
struct Arguments {
    /// How many tools it has
    #[arg(long, default_value_t = 100)]
    tools: usize,
    /// What protects them
    #[arg(long, value_enum)]
    protection: Protection,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Protection {
    /// rmcp alone; the tools declare scopes, and nobody looks
    None,
    /// propusk, and no scopes
    Tokens,
    /// Scopes that are declared beside each tool
    Declared,
    /// A policy with a pattern for each area
    Patterns,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    propusk_bench::log()?;
    let declared = matches!(
        arguments.protection,
        Protection::None | Protection::Declared
    );
    let tools = Tools::new(arguments.tools, declared);
    let policy = match arguments.protection {
        Protection::None => {
            return propusk_bench::serve(propusk_bench::on_rmcp(tools, true)).await;
        }
        Protection::Tokens | Protection::Declared => ScopePolicy::new(),
        Protection::Patterns => areas::by_pattern(areas::AREAS)?,
    };
    let tokens = [areas::ALL, areas::HALF]
        .into_iter()
        .fold(FixedTokens::new(), |tokens, name| {
            tokens.with(name, areas::caller(name))
        });
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    println!("listening on http://{}/mcp", listener.local_addr()?);
    Server::new(tools)
        .auth(areas::settings(policy)?, tokens)
        .serve_on(listener, shutdown_signal()?)
        .await?;
    Ok(())
}
