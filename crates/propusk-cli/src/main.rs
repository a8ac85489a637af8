//! The command `propusk`.

use std::process::ExitCode;

use propusk_cli::{Cli, renew_login, run};

/// An MCP request allocates many small pieces, which this allocator is fast with.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    if propusk_gate::stdio::run_watchdog_if_asked() {
        return ExitCode::SUCCESS;
    }
    if let Some(ended) = renew_login() {
        return ended;
    }
    // A wrong usage ends here with 2.
    run(Cli::typed())
}
