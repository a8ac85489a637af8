//! `cargo xtask bench verify`: what it costs to verify a token, as multiples of what nobody can do
//! without. `bench-verify` measures, in one process.

mod aims;
mod samples;
mod tables;

use std::{
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, ensure};

use super::processor;
use crate::process;
use samples::Samples;

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
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .context("running bench-verify")?;
    ensure!(output.status.success(), "bench-verify failed");
    let samples = Samples::parse(&output.stdout)?;
    for table in tables::all(&samples)? {
        println!("{table}");
    }
    println!("{}", aims::table(&samples, processor::cores())?);
    Ok(())
}
