//! Several threads at once on one verifier, beside as many on nothing in common.

use std::{
    sync::{
        Barrier,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Instant,
};

use anyhow::anyhow;
use propusk::Cached;

use crate::{
    Options,
    rounds::{Cpu, Plan, Sample, Spent},
    tokens::{LONG, Signer, Token, accept_at_once},
};

const THREADS: [usize; 4] = [1, 2, 4, 8];
const TOKENS: u64 = 256;
/// Threads need more than a turn to be spread over the cores.
const TURNS: u32 = 10;
const BATCH: usize = 32;

type Verify<'a> = &'a (dyn Fn(&Token) -> anyhow::Result<()> + Sync);

pub(crate) fn measure(plan: &Plan, _: &Options) -> anyhow::Result<Vec<Sample>> {
    let signer = Signer::generate("ES256")?;
    let tokens = signer.tokens(TOKENS, 600)?;
    let verifier = signer.verifier()?;
    let cached = Cached::new(signer.verifier()?).ceiling(LONG);
    let key = signer.parsed_public_key()?;
    let contenders: [(&str, Verify<'_>); 3] = [
        ("Cached", &|token| accept_at_once(&cached, &token.text)),
        ("JwtVerifier", &|token| {
            accept_at_once(&verifier, &token.text)
        }),
        ("bare", &|token| {
            Ok(key.verify_sig(token.signing_input(), &token.signature)?)
        }),
    ];
    for token in &tokens {
        accept_at_once(&cached, &token.text)?;
    }
    let mut samples: Vec<Sample> = Vec::new();
    // A turn is longer here, so there are fewer rounds.
    for round in 0..plan.rounds.div_ceil(4) {
        for (index, (name, verify)) in contenders.iter().enumerate() {
            for (other, threads) in THREADS.into_iter().enumerate() {
                let spent = together(plan, threads, &tokens, *verify)?;
                if round == 0 {
                    samples.push(Sample::of(threads.to_string(), *name));
                }
                samples[index * THREADS.len() + other].push(spent);
            }
        }
    }
    Ok(samples)
}

/// What one verification takes: CPU time of all threads, and time that passed for all of them.
fn together(
    plan: &Plan,
    threads: usize,
    tokens: &[Token],
    verify: Verify<'_>,
) -> anyhow::Result<Spent> {
    let (start, stop) = (Barrier::new(threads + 1), AtomicBool::new(false));
    let work = |offset: usize| {
        let mut own = tokens.iter().cycle().skip(offset * 31);
        start.wait();
        let mut done = 0_u64;
        while !stop.load(Ordering::Relaxed) {
            own.by_ref().take(BATCH).try_for_each(verify)?;
            done += BATCH as u64;
        }
        Ok::<_, anyhow::Error>(done)
    };
    thread::scope(|scope| {
        let work = &work;
        let running: Vec<_> = (0..threads)
            .map(|number| scope.spawn(move || work(number)))
            .collect();
        start.wait();
        let (began, before) = (Instant::now(), Cpu::Process.now());
        thread::sleep(plan.turn * TURNS);
        stop.store(true, Ordering::Relaxed);
        let mut done = 0;
        for thread in running {
            done += thread.join().map_err(|_| anyhow!("a thread panicked"))??;
        }
        let cpu = Cpu::Process.now() - before;
        Ok(Spent::new(cpu, began.elapsed(), done))
    })
}
