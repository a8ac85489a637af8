//! `cargo xtask bench verify`: what it costs to verify a token, as multiples of what nobody can do
//! without. `bench-verify` measures, in one process.

mod aims;
mod tables;

use std::{path::Path, process::Command};

use super::{processor, samples::Samples};
use crate::process;

/// Measures and prints Markdown.
///
/// # Errors
/// The program cannot be built, or a token was not accepted.
pub(super) fn run(root: &Path, quick: bool) -> anyhow::Result<()> {
    let program = process::build(root, "propusk-bench", "bench-verify", true)?;
    println!("{}\n", processor::describe_alone());
    let mut command = Command::new(program);
    if quick {
        command.args(["--rounds", "3", "--tokens", "50000"]);
    }
    let samples = Samples::of(command)?;
    for table in tables::all(&samples)? {
        println!("{table}");
    }
    println!("{}", aims::table(&samples, processor::cores())?);
    Ok(())
}
