//! `bench-verify`: what it costs to verify a token, beside what nobody can do without: the bare
//! signature check, the bare query, the bare request.
//!
//! Everything runs in this process. The contenders of a group take turns in every round, so that
//! ratios can be taken within one. The samples are printed as JSON; `cargo xtask bench verify`
//! makes tables of them.

mod database;
mod filler;
mod introspection;
mod memory;
mod signatures;
mod stub;
mod threads;
mod tokens;

use clap::Parser;

use propusk_bench::rounds::{self, Plan, Sample};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures what verifying a token costs
#[derive(Parser)]
struct Options {
    /// How many rounds
    #[arg(long, default_value_t = 41)]
    rounds: u32,
    /// What each contender gets of a round, in milliseconds
    #[arg(long, default_value_t = 20)]
    turn: u64,
    /// How many tokens the large store holds
    #[arg(long, default_value_t = 1_000_000)]
    tokens: u64,
    /// Only these parts (signatures, memory, database, introspection, threads)
    parts: Vec<String>,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let plan = Plan::new(options.rounds, options.turn);
    let mut samples: Vec<Sample> = Vec::new();
    let parts: [(&str, Part); 5] = [
        ("signatures", signatures::measure),
        ("memory", memory::measure),
        ("database", |plan, options| {
            database::measure(plan, options.tokens)
        }),
        ("introspection", introspection::measure),
        ("threads", threads::measure),
    ];
    for (name, measure) in parts {
        if options.parts.is_empty() || options.parts.iter().any(|part| part == name) {
            eprintln!("{name}");
            samples.extend(measure(&plan, &options)?);
        }
    }
    println!("{}", serde_json::to_string(&samples)?);
    Ok(())
}

type Part = fn(&Plan, &Options) -> anyhow::Result<Vec<Sample>>;
