//! The handler of `propusk serve` on rmcp alone, without authorization: the reference.
//!
//! It is mounted as a careful engineer would mount it by hand: the tool router built once, JSON
//! answers, `TCP_NODELAY`, the same allocator and the same log filter as `propusk serve`.

use clap::{Parser, ValueEnum};
use propusk_cli::builtin::Builtin;

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
    propusk_bench::log()?;
    let sessions = arguments.sessions == Sessions::On;
    propusk_bench::serve(propusk_bench::on_rmcp(Builtin::default(), sessions)).await
}
