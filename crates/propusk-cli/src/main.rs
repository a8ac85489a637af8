//! The command `propusk`.

use std::process::ExitCode;

use propusk_cli::{Cli, run};

/// An MCP request allocates many small pieces, which this allocator is fast with.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // A wrong usage ends here with 2.
    run(Cli::typed())
}
