//! Interleaved rounds in one process: contenders that take turns, so that ratios can be taken within a
//! round.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;

/// How much is measured.
pub struct Plan {
    /// How often each contender has its turn.
    pub rounds: u32,
    /// What each contender gets of a round, in slices.
    pub turn: Duration,
}

/// Contenders take turns after so much time, so that what else happens on the machine meets all of
/// them alike.
const SLICE: Duration = Duration::from_millis(1);

impl Plan {
    /// At least one round, and turns of at least a millisecond.
    #[must_use]
    pub fn new(rounds: u32, turn_millis: u64) -> Self {
        Self {
            rounds: rounds.max(1),
            turn: Duration::from_millis(turn_millis.max(1)),
        }
    }

    /// The same with longer turns.
    #[must_use]
    pub fn with_longer_turns(&self, times: u32) -> Self {
        Self {
            rounds: self.rounds,
            turn: self.turn * times,
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

    /// Lets them take turns; every time another one begins.
    ///
    /// # Errors
    /// What a contender does failed.
    pub fn measure(mut self, plan: &Plan) -> anyhow::Result<Vec<Sample>> {
        let mut samples = Vec::new();
        let mut counts = Vec::new();
        for (name, work) in &mut self.contenders {
            counts.push(calibrate(work)?);
            samples.push(Sample::of(&self.name, name.as_str()));
        }
        for _ in 0..plan.rounds {
            let spent = self.round(plan, &counts)?;
            for (index, (cpu, elapsed, slices)) in spent.into_iter().enumerate() {
                samples[index].push(Spent::new(cpu, elapsed, counts[index] * slices));
            }
        }
        Ok(samples)
    }

    /// CPU time, time, and the number of slices, for each.
    fn round(&mut self, plan: &Plan, counts: &[u64]) -> anyhow::Result<Vec<Took>> {
        let several = self.contenders.len();
        let mut took: Vec<Took> = vec![Took::default(); several];
        let slices = (plan.turn.as_micros() / SLICE.as_micros()).max(1) as usize;
        for slice in 0..slices {
            for turn in 0..several {
                let index = (slice + turn) % several;
                let (began, before) = (Instant::now(), self.cpu.now());
                self.contenders[index].1(counts[index])?;
                let (cpu, elapsed, done) = &mut took[index];
                *cpu += self.cpu.now() - before;
                *elapsed += began.elapsed();
                *done += 1;
            }
        }
        Ok(took)
    }
}

type Took = (Duration, Duration, u64);

/// How many times make a slice.
fn calibrate(work: &mut Work<'_>) -> anyhow::Result<u64> {
    // The first attempt fills what is to be filled, and is slower for it.
    let warmed = calibrate_from(1, work)?;
    calibrate_from(warmed, work)
}

fn calibrate_from(mut count: u64, work: &mut Work<'_>) -> anyhow::Result<u64> {
    loop {
        // The shortest of three: the others may have been interrupted.
        let mut took = Duration::MAX;
        for _ in 0..3 {
            let began = Instant::now();
            work(count)?;
            took = took.min(began.elapsed());
        }
        if took * 2 >= SLICE {
            let scale = SLICE.as_secs_f64() / took.as_secs_f64();
            return Ok(((count as f64 * scale) as u64).max(1));
        }
        count *= 2;
    }
}
