//! JSON Web Tokens without any memory of them, beside the bare signature check.

use anyhow::ensure;

use crate::{
    Options,
    rounds::{Cpu, Group, Plan, Sample},
    tokens::{Signer, Token, accept_at_once},
};

/// So many that none is still in the processor's nearest memory by chance.
const TOKENS: u64 = 256;

pub(crate) fn measure(plan: &Plan, _: &Options) -> anyhow::Result<Vec<Sample>> {
    let mut samples = Vec::new();
    for algorithm in Signer::ALL {
        let signer = Signer::generate(algorithm)?;
        // The claims of RFC 9068, and with a list of groups besides.
        for length in [0, 1_000] {
            samples.extend(measure_one(plan, algorithm, &signer, length)?);
        }
    }
    Ok(samples)
}

fn measure_one(
    plan: &Plan,
    algorithm: &str,
    signer: &Signer,
    length: usize,
) -> anyhow::Result<Vec<Sample>> {
    let tokens = signer.tokens(TOKENS, length)?;
    let verifier = signer.verifier()?;
    let key = signer.parsed_public_key()?;
    let bare = |token: &Token| key.verify_sig(token.signing_input(), &token.signature);
    let mut wrong = tokens[0].signature.clone();
    wrong[7] ^= 1;
    ensure!(
        key.verify_sig(tokens[0].signing_input(), &wrong).is_err(),
        "a wrong signature passes the bare check"
    );
    let name = format!("{algorithm}, {} bytes", tokens[0].text.len());
    let mut own = tokens.iter().cycle();
    let mut others = tokens.iter().cycle();
    Group::new(name, Cpu::Thread)
        .contender("JwtVerifier", |count| {
            own.by_ref()
                .take(count as usize)
                .try_for_each(|token| accept_at_once(&verifier, &token.text))
        })
        .contender("bare", |count| {
            let mut some = others.by_ref().take(count as usize);
            Ok(some.try_for_each(bare)?)
        })
        .measure(plan)
}
