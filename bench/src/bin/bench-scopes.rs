//! `bench-scopes`: what the decisions about scopes cost by themselves, in this process. The samples
//! are printed as JSON; `cargo xtask bench scopes` makes a table of them.

use std::{hint::black_box, time::SystemTime};

use anyhow::{anyhow, ensure};
use clap::Parser;
use propusk::{
    AuthSettings, Operation, Permit, Presented, Requirement, ScopePolicy, decide,
    layer::DeclaredScopes, server::Guard,
};
use propusk_bench::{
    areas,
    rounds::{Cpu, Group, Plan},
    tools::Tools,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures what a decision about scopes costs
#[derive(Parser)]
struct Options {
    /// How many rounds
    #[arg(long, default_value_t = 41)]
    rounds: u32,
    /// How long a contender's turn is, in milliseconds
    #[arg(long, default_value_t = 20)]
    turn: u64,
}

/// How many tools there are, or rules about them.
const NUMBERS: [usize; 3] = [1, 100, 10_000];

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let plan = Plan::new(options.rounds, options.turn);
    let open = areas::settings(ScopePolicy::new())?;
    let token = areas::caller(areas::HALF);
    let mut group = Group::new("decisions", Cpu::Thread).contender("decide", |count| {
        for _ in 0..count {
            black_box(admit(&open, &token)?);
        }
        Ok(())
    });
    for number in NUMBERS {
        let guard = Guard::new(Tools::new(number, true), open.clone());
        let declared =
            move |operation: Operation| operation.declaring(|target| guard.declared_scopes(target));
        let nothing = |operation| operation;
        for (name, policy, declare) in [
            (
                "declared",
                ScopePolicy::new(),
                Box::new(declared) as Declare,
            ),
            ("by name", areas::by_name(number)?, Box::new(nothing)),
            ("by pattern", areas::by_pattern(number)?, Box::new(nothing)),
        ] {
            let mut calls = Calls::new(areas::settings(policy)?, declare, number)?;
            group = group.contender(format!("{name}, {number}"), move |count| calls.allow(count));
        }
    }
    let samples = group.measure(&plan)?;
    println!("{}", serde_json::to_string(&samples)?);
    Ok(())
}

/// What is decided before the body has been read.
fn admit(settings: &AuthSettings, token: &propusk::AccessToken) -> anyhow::Result<Permit> {
    let presented = Presented::Verified(token.clone());
    decide(
        settings,
        &Operation::Request,
        presented,
        SystemTime::UNIX_EPOCH,
    )
    .map_err(|refusal| anyhow!("refused: {refusal}"))
}

/// Looks up what is declared for an operation.
type Declare = Box<dyn Fn(Operation) -> Operation>;

/// Calls of one tool after the other, all of them allowed.
struct Calls {
    settings: AuthSettings,
    declare: Declare,
    permit: Permit,
    names: Vec<String>,
    next: usize,
}

impl Calls {
    fn new(settings: AuthSettings, declare: Declare, tools: usize) -> anyhow::Result<Self> {
        let permit = admit(&settings, &areas::caller(areas::HALF))?;
        let calls = Self {
            names: areas::half_of(tools).map(areas::tool_name).collect(),
            settings,
            declare,
            permit,
            next: 0,
        };
        let other = (calls.declare)(Operation::tool(areas::tool_name(areas::AREAS - 1)));
        ensure!(
            tools < areas::AREAS || calls.permit.allows(&calls.settings, &other).is_err(),
            "a tool of another area is allowed"
        );
        Ok(calls)
    }

    /// Decides twice about each call: at the layer, which looks up what is declared, and at the
    /// guard, which has it from there.
    fn allow(&mut self, count: u64) -> anyhow::Result<()> {
        for _ in 0..count {
            // Far from the one before, so that the processor does not remember it by chance.
            self.next = (self.next + 7919) % self.names.len();
            let name = self.names[self.next].as_str();
            let first = (self.declare)(Operation::tool(name));
            self.judge(&first)?;
            let again = Operation::tool(name).declaring(|_| known(&first));
            self.judge(&again)?;
        }
        Ok(())
    }

    fn judge(&self, operation: &Operation) -> anyhow::Result<()> {
        let allowed = self.permit.allows(&self.settings, operation);
        allowed.map_err(|refusal| anyhow!("refused: {refusal}"))
    }
}

/// What has been looked up for an operation.
fn known(operation: &Operation) -> Option<Requirement> {
    match operation {
        Operation::Method { targets, .. } => targets.first()?.declared().cloned(),
        _ => None,
    }
}
