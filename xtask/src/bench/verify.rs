//! `cargo xtask bench verify`: what it costs to verify a token, as multiples of what nobody can do
//! without. `bench-verify` measures, in one process.

mod aims;
mod tables;

use std::{path::Path, process::Command};

use super::{
    processor::{self, Core},
    samples::Samples,
};
use crate::process;

/// How many tokens the large store holds.
const MILLION: u64 = 1_000_000;
/// The same where it must not take long.
const FEWER: u64 = 50_000;

/// Measures and prints Markdown.
///
/// # Errors
/// The program cannot be built, or a token was not accepted.
pub(super) fn run(root: &Path, quick: bool) -> anyhow::Result<()> {
    let program = process::build(root, "propusk-bench", "bench-verify", true)?;
    println!("{}\n", processor::describe_alone());
    // On one core: else what it costs to wake SQLite's thread is a matter of chance.
    let mut one_core = Core::Load.command(&program);
    one_core.args(["signatures", "memory", "database", "introspection"]);
    let mut samples = measure(&mut one_core, quick)?;
    samples.extend(measure(Command::new(&program).arg("threads"), quick)?);
    for table in tables::all(&samples, if quick { FEWER } else { MILLION })? {
        println!("{table}");
    }
    println!("{}", aims::table(&samples, processor::cores())?);
    Ok(())
}

fn measure(command: &mut Command, quick: bool) -> anyhow::Result<Samples> {
    if quick {
        command.args(["--rounds", "3"]);
    }
    let tokens = if quick { FEWER } else { MILLION };
    command.args(["--tokens", &tokens.to_string()]);
    Samples::of(command)
}
