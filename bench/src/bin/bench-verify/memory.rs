//! Tokens that were verified before and are remembered.

use propusk::Cached;

use crate::{
    Options,
    rounds::{Cpu, Group, Plan, Sample},
    tokens::{LONG, Signer, accept_at_once},
};

/// As many different tokens as a busy server sees in a minute.
const TOKENS: u64 = 256;

pub(crate) fn measure(plan: &Plan, _: &Options) -> anyhow::Result<Vec<Sample>> {
    let signer = Signer::generate("ES256")?;
    let mut group = Group::new("remembered", Cpu::Thread);
    for length in [600, 1_000] {
        let tokens = signer.tokens(TOKENS, length)?;
        let cached = Cached::new(signer.verifier()?).ceiling(LONG);
        let longest = tokens.iter().map(|token| token.text.len()).max();
        let name = format!("Cached, {} bytes", longest.unwrap_or_default());
        let mut next = 0;
        group = group.contender(name, move |count| {
            for _ in 0..count {
                next = (next + 1) % tokens.len();
                accept_at_once(&cached, &tokens[next].text)?;
            }
            Ok(())
        });
    }
    group.measure(plan)
}
