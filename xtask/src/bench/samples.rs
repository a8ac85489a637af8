//! What a program that measures in its own process has printed.

use std::process::{Command, Stdio};

use anyhow::{Context, bail, ensure};
use serde_json::Value;

use super::statistics::median;

/// All contenders, with what it took once, in each round.
pub(super) struct Samples(Vec<Sample>);

struct Sample {
    group: String,
    contender: String,
    rounds: Vec<Spent>,
}

/// Nanoseconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spent {
    pub(super) cpu: f64,
    pub(super) elapsed: f64,
}

pub(super) fn cpu(spent: Spent) -> f64 {
    spent.cpu
}

pub(super) fn elapsed(spent: Spent) -> f64 {
    spent.elapsed
}

impl Samples {
    /// What this program prints.
    pub(super) fn of(program: &mut Command) -> anyhow::Result<Self> {
        let output = program.stderr(Stdio::inherit()).output();
        let output = output.with_context(|| format!("running {program:?}"))?;
        ensure!(output.status.success(), "{program:?} failed");
        Self::parse(&output.stdout)
    }

    fn parse(json: &[u8]) -> anyhow::Result<Self> {
        let samples: Vec<Value> = serde_json::from_slice(json)?;
        let samples = samples.iter().map(sample);
        Ok(Self(samples.collect::<anyhow::Result<_>>()?))
    }

    /// Takes over those of another run.
    pub(super) fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// The names of the groups that begin like this, in the order of their measurement.
    pub(super) fn groups(&self, beginning: &str) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for sample in &self.0 {
            if sample.group.starts_with(beginning) && !names.contains(&sample.group.as_str()) {
                names.push(&sample.group);
            }
        }
        names
    }

    /// The contenders of a group, in the order of their measurement.
    pub(super) fn contenders(&self, group: &str) -> impl Iterator<Item = &str> {
        let own = self.0.iter().filter(move |sample| sample.group == group);
        own.map(|sample| sample.contender.as_str())
    }

    /// The median of a figure over the rounds.
    pub(super) fn median(
        &self,
        (group, contender): (&str, &str),
        figure: fn(Spent) -> f64,
    ) -> anyhow::Result<f64> {
        let sample = self.find(group, contender)?;
        Ok(median(sample.rounds.iter().copied().map(figure)))
    }

    /// The median over the rounds of the ratio of a figure to that of another contender in the same
    /// round, which may be of another group that was measured in the same rounds.
    pub(super) fn ratio(
        &self,
        own: (&str, &str),
        reference: (&str, &str),
        figure: fn(Spent) -> f64,
    ) -> anyhow::Result<f64> {
        let (own, reference) = (
            self.find(own.0, own.1)?,
            self.find(reference.0, reference.1)?,
        );
        ensure!(
            own.rounds.len() == reference.rounds.len(),
            "not measured in the same rounds"
        );
        let pairs = own.rounds.iter().zip(&reference.rounds);
        Ok(median(
            pairs.map(|(own, other)| figure(*own) / figure(*other)),
        ))
    }

    fn find(&self, group: &str, contender: &str) -> anyhow::Result<&Sample> {
        let mut samples = self.0.iter();
        samples
            .find(|sample| sample.group == group && sample.contender == contender)
            .with_context(|| format!("{contender} ({group}) was not measured"))
    }
}

fn sample(json: &Value) -> anyhow::Result<Sample> {
    let text = |name: &str| {
        let text = json[name].as_str().map(str::to_owned);
        text.with_context(|| format!("no {name}"))
    };
    let Some(rounds) = json["rounds"].as_array() else {
        bail!("no rounds")
    };
    let spent = |round: &Value| {
        Some(Spent {
            cpu: round["cpu"].as_f64()?,
            elapsed: round["elapsed"].as_f64()?,
        })
    };
    let rounds = rounds.iter().map(spent).collect::<Option<_>>();
    Ok(Sample {
        group: text("group")?,
        contender: text("contender")?,
        rounds: rounds.context("a round without its figures")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_taken_within_a_round() {
        let json = br#"[
            {"group":"g","contender":"a","rounds":[{"cpu":2,"elapsed":9},{"cpu":40,"elapsed":9},
             {"cpu":3,"elapsed":9}]},
            {"group":"g","contender":"b","rounds":[{"cpu":1,"elapsed":3},{"cpu":20,"elapsed":3},
             {"cpu":1,"elapsed":3}]}]"#;
        let samples = Samples::parse(json).expect("samples");
        let ratio = samples.ratio(("g", "a"), ("g", "b"), cpu).expect("both");
        assert!((ratio - 2.0).abs() < 1e-9, "{ratio}");
        let median = samples.median(("g", "a"), cpu).expect("one");
        assert!((median - 3.0).abs() < 1e-9, "{median}");
        assert_eq!(samples.contenders("g").collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(samples.groups(""), ["g"]);
        assert!(samples.median(("g", "c"), elapsed).is_err());
    }
}
