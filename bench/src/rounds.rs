//! Interleaved rounds in one process: contenders that take turns, so that ratios can be taken within a
//! round.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;

/// How much is measured.
pub struct Plan {
    /// How often each contender has its turn.
    pub rounds: u32,
    /// A contender's turn.
    pub turn: Duration,
}

impl Plan {
    /// At least one round, and turns of at least a millisecond.
    #[must_use]
    pub fn new(rounds: u32, turn_millis: u64) -> Self {
        Self {
            rounds: rounds.max(1),
            turn: Duration::from_millis(turn_millis.max(1)),
        }
    }
}

/// What one contender took, round by round.
#[derive(Serialize)]
pub struct Sample {
    group: String,
    contender: String,
    rounds: Vec<Spent>,
}

impl Sample {
    /// A contender of a group, before its first round.
    pub fn of(group: impl Into<String>, contender: impl Into<String>) -> Self {
        Self {
            group: group.into(),
            contender: contender.into(),
            rounds: Vec::new(),
        }
    }

    /// Adds a round.
    pub fn push(&mut self, spent: Spent) {
        self.rounds.push(spent);
    }
}

/// Nanoseconds for one time.
#[derive(Serialize)]
pub struct Spent {
    cpu: f64,
    elapsed: f64,
}

impl Spent {
    /// So much time for so many times.
    #[must_use]
    pub fn new(cpu: Duration, elapsed: Duration, count: u64) -> Self {
        let each = |time: Duration| time.as_nanos() as f64 / count as f64;
        Self {
            cpu: each(cpu),
            elapsed: each(elapsed),
        }
    }
}

/// Whose CPU time counts.
#[derive(Clone, Copy)]
pub enum Cpu {
    /// That of this thread.
    Thread,
    /// That of all threads: SQLite works on threads of its own.
    Process,
}

impl Cpu {
    /// CPU time so far.
    #[must_use]
    pub fn now(self) -> Duration {
        let clock = match self {
            Self::Thread => ClockId::ThreadCPUTime,
            Self::Process => ClockId::ProcessCPUTime,
        };
        let time = clock_gettime(clock);
        Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec as u32)
    }
}

/// Does it so many times.
pub type Work<'a> = Box<dyn FnMut(u64) -> anyhow::Result<()> + 'a>;

/// Contenders that are compared with each other, by their names.
pub struct Group<'a> {
    name: String,
    cpu: Cpu,
    contenders: Vec<(String, Work<'a>)>,
}

impl<'a> Group<'a> {
    /// A group without contenders.
    pub fn new(name: impl Into<String>, cpu: Cpu) -> Self {
        Self {
            name: name.into(),
            cpu,
            contenders: Vec::new(),
        }
    }

    /// Adds a contender.
    #[must_use]
    pub fn contender(
        mut self,
        name: impl Into<String>,
        work: impl FnMut(u64) -> anyhow::Result<()> + 'a,
    ) -> Self {
        self.contenders.push((name.into(), Box::new(work)));
        self
    }

    /// Lets them take turns; in every round another one begins.
    ///
    /// # Errors
    /// What a contender does failed.
    pub fn measure(mut self, plan: &Plan) -> anyhow::Result<Vec<Sample>> {
        let mut samples = Vec::new();
        let mut counts = Vec::new();
        for (name, work) in &mut self.contenders {
            counts.push(calibrate(work, plan.turn)?);
            samples.push(Sample::of(&self.name, name.as_str()));
        }
        let several = self.contenders.len();
        for round in 0..plan.rounds as usize {
            for turn in 0..several {
                let index = (round + turn) % several;
                let spent = spend(self.cpu, &mut self.contenders[index].1, counts[index])?;
                samples[index].push(spent);
            }
        }
        Ok(samples)
    }
}

fn spend(cpu: Cpu, work: &mut Work<'_>, count: u64) -> anyhow::Result<Spent> {
    let (began, before) = (Instant::now(), cpu.now());
    work(count)?;
    Ok(Spent::new(cpu.now() - before, began.elapsed(), count))
}

/// How many times make a turn. It warms up, too.
fn calibrate(work: &mut Work<'_>, turn: Duration) -> anyhow::Result<u64> {
    let mut count = 1;
    loop {
        let began = Instant::now();
        work(count)?;
        let took = began.elapsed();
        if took * 4 >= turn {
            let scale = turn.as_secs_f64() / took.as_secs_f64();
            return Ok(((count as f64 * scale) as u64).max(1));
        }
        count *= 2;
    }
}
