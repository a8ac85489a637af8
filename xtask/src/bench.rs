//! `cargo xtask bench`: what authorization costs. `bench/README.md` says what is measured and how to
//! read it.

mod aims;
mod gate;
mod instructions;
mod load;
mod memory;
mod processor;
mod programs;
mod rounds;
mod samples;
mod scopes;
mod server;
mod startup;
mod statistics;
mod table;
mod verify;

use std::path::Path;

use anyhow::bail;

pub(crate) use instructions::{Instr, budget, instructions};
use programs::Programs;
use rounds::Plan;

const USAGE: &str = "\
usage: cargo xtask bench [--quick | --million | startup | instructions | budget | verify [--quick] |
                          scopes [--quick | instructions] | gate [--quick]]

  (nothing)      all of the tables, five interleaved rounds and a million requests
  --quick        one short round and the start-up time, without the million requests
  --million      resident memory after a million requests, alone
  startup        from start to ready, alone
  instructions   instructions per request under valgrind, alone
  budget         fails where propusk takes more instructions than it may
  verify         each verifier beside the bare signature check, query and request, alone
  scopes         scopes on many tools beside the same server without, alone
  gate           an upstream directly, through the gate, and through nginx, alone";

/// Runs what the arguments ask for and prints Markdown.
///
/// # Errors
/// A program cannot be built or started, an answer was wrong, or (`budget`) a budget is exceeded.
pub(crate) fn run(root: &Path, args: &[String]) -> anyhow::Result<()> {
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => {
            measure(&Programs::build(root)?, &Plan::FULL, true)?;
            print_instructions(&instructions(root)?);
        }
        ["--quick"] => measure(&Programs::build(root)?, &Plan::QUICK, false)?,
        ["--million"] => print!("{}", memory::measure(&Programs::build(root)?)?.table()),
        ["startup"] => print!("{}", startup::measure(&Programs::build(root)?)?.table()),
        ["instructions"] => print_instructions(&instructions(root)?),
        ["budget"] => budget(root)?,
        ["verify"] => verify::run(root, false)?,
        ["verify", "--quick"] => verify::run(root, true)?,
        ["scopes"] => scopes::run(root, scopes::Extent::Full)?,
        ["scopes", "--quick"] => scopes::run(root, scopes::Extent::Quick)?,
        ["scopes", "instructions"] => scopes::run(root, scopes::Extent::Instructions)?,
        ["gate"] => gate::run(root, &Plan::FULL)?,
        ["gate", "--quick"] => gate::run(root, &Plan::QUICK)?,
        ["--help" | "-h"] => println!("{USAGE}"),
        _ => bail!("{USAGE}"),
    }
    Ok(())
}

fn measure(programs: &Programs, plan: &Plan, million: bool) -> anyhow::Result<()> {
    println!("{}\n", processor::describe());
    let rounds = rounds::run(programs, plan)?;
    println!("{}", rounds::table(&rounds));
    let startup = startup::measure(programs)?;
    println!("{}", startup.table());
    let memory = million.then(|| memory::measure(programs)).transpose()?;
    if let Some(memory) = &memory {
        println!("{}", memory.table());
    }
    println!("{}", aims::table(&rounds, &startup, memory.as_ref()));
    Ok(())
}

fn print_instructions(measured: &[Instr]) {
    println!("{}", instructions::table(measured));
}
