//! `cargo xtask bench scopes`: what scopes on many tools cost, beside the same server without scopes
//! and the same without authorization.

mod aims;
mod case;
mod counts;
mod decisions;
mod rounds;
mod tables;

use std::path::Path;

use super::{
    processor::{self, Core},
    programs::Programs,
    samples::Samples,
};
use counts::Counts;
use rounds::Plan;

/// How much is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    Full,
    /// One short round.
    Quick,
    /// Instructions alone.
    Instructions,
}

/// Measures and prints Markdown.
///
/// # Errors
/// A program cannot be built or started, there is no valgrind, or an answer was wrong.
pub(super) fn run(root: &Path, extent: Extent) -> anyhow::Result<()> {
    let programs = Programs::build(root)?;
    println!("{}\n", processor::describe());
    if extent == Extent::Instructions {
        println!("{}", tables::counts(&Counts::take(&programs)?));
        return Ok(());
    }
    let quick = extent == Extent::Quick;
    let mut command = Core::Load.command(programs.path("bench-scopes"));
    if quick {
        command.args(["--rounds", "3"]);
    }
    let decisions = Samples::of(&mut command)?;
    println!("{}", decisions::table(&decisions)?);
    let plan = if quick { &Plan::QUICK } else { &Plan::FULL };
    let rounds = rounds::run(&programs, plan)?;
    println!("{}", tables::rounds(&rounds));
    let counts = Counts::take(&programs)?;
    println!("{}", tables::counts(&counts));
    println!("{}", aims::table(&decisions, &rounds, &counts)?);
    Ok(())
}
