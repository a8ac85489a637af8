//! The command `propusk`.

use std::process::ExitCode;

use propusk_cli::{Cli, run};

/// An MCP request allocates many small pieces; this allocator takes a third less time for them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // A wrong usage ends here with 2.
    run(Cli::typed())
}
