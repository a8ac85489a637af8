//! The handler of `propusk serve` on rmcp alone, without authorization: the reference.
//!
//! It is mounted as a careful engineer would mount it by hand: rmcp's service in an axum route,
//! the handler behind an `Arc`, the tool router built once, JSON answers, `TCP_NODELAY`, the same
//! allocator and the same log filter as `propusk serve`.

use std::sync::Arc;

use axum::Router;
use clap::{Parser, ValueEnum};
use propusk_cli::builtin::Builtin;
use rmcp::transport::streamable_http_server::{
    StreamableHttpServerConfig, StreamableHttpService, session::local::LocalSessionManager,
};
use tracing_subscriber::{filter::Targets, layer::SubscriberExt, util::SubscriberInitExt};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// An rmcp server without authorization, to measure propusk beside
#[derive(Parser)]
struct Arguments {
    /// Whether 2025-11-25 clients get sessions
    #[arg(long, value_enum, default_value = "on")]
    sessions: Sessions,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Sessions {
    On,
    Off,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let filter: Targets = "info,rmcp=warn".parse()?;
    tracing_subscriber::registry()
        .with(lines)
        .with(filter)
        .init();
    let handler = Arc::new(Builtin::default());
    let config = StreamableHttpServerConfig::default()
        .with_json_response(true)
        .with_legacy_session_mode(arguments.sessions == Sessions::On);
    let mcp = StreamableHttpService::new(
        move || Ok(Arc::clone(&handler)),
        Arc::<LocalSessionManager>::default(),
        config,
    );
    propusk_bench::serve(Router::new().route_service("/mcp", mcp)).await
}
