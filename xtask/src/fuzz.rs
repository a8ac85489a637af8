//! `cargo xtask fuzz`: libFuzzer on the parsers, each for a bounded time. What must hold for every
//! input is in the crate `fuzz/`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, bail};

use crate::{
    debian::{self, is_installed},
    process,
};

/// How long each target is tried, if not told otherwise.
const SECONDS: u32 = 10;

/// A little more than the longest token.
const LONGEST_INPUT: &str = "-max_len=20000";
/// No parser may take long, or much memory, for so little.
const LIMITS: [&str; 3] = ["-timeout=5", "-rss_limit_mb=512", "-malloc_limit_mb=64"];

/// Tries every target for the time that the arguments give, or only those that they name.
///
/// # Errors
/// An input was found for which a property does not hold: it is kept below `.work/fuzz`.
pub(crate) fn run(root: &Path, arguments: &[String]) -> anyhow::Result<()> {
    let (mut seconds, mut names) = (SECONDS, Vec::new());
    for argument in arguments {
        match argument.parse() {
            Ok(number) => seconds = number,
            Err(_) => names.push(argument.clone()),
        }
    }
    let fuzzer = Fuzzer::build(root)?;
    let targets = targets(root)?;
    if let Some(unknown) = names.iter().find(|name| !targets.contains(name)) {
        bail!("no target {unknown:?}; there are {}", targets.join(", "));
    }
    for target in targets {
        if names.is_empty() || names.contains(&target) {
            fuzzer.fuzz(&target, seconds)?;
        }
    }
    Ok(())
}

/// A step of `cargo xtask test`.
///
/// # Errors
/// As [`run`].
pub(crate) fn briefly(root: &Path) -> anyhow::Result<()> {
    run(root, &[])
}

/// They have a folder of inputs each.
fn targets(root: &Path) -> anyhow::Result<Vec<String>> {
    let mut names = Vec::new();
    for folder in fs::read_dir(root.join("fuzz/corpus"))? {
        names.push(folder?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

struct Fuzzer<'a> {
    root: &'a Path,
    program: PathBuf,
    /// Inputs that take new ways are kept here, so that the next run begins with them.
    scratch: PathBuf,
}

impl<'a> Fuzzer<'a> {
    /// Builds the targets with their branches counted. libFuzzer itself is C++.
    fn build(root: &'a Path) -> anyhow::Result<Self> {
        debian::install("g++", || is_installed("c++"))?;
        let arguments = ["--package", "propusk-fuzz", "--features", "libfuzzer"];
        let mut cargo = process::cargo(root);
        cargo.env("RUSTC_WORKSPACE_WRAPPER", root.join("fuzz/instrument"));
        Ok(Self {
            root,
            program: process::build_with(cargo, &arguments, "fuzz")?,
            scratch: root.join(".work/fuzz"),
        })
    }

    fn fuzz(&self, target: &str, seconds: u32) -> anyhow::Result<()> {
        println!("fuzzing {target} for {seconds} s");
        let kept = self.scratch.join(target);
        fs::create_dir_all(&kept).with_context(|| kept.display().to_string())?;
        let crash = self.scratch.join(format!("{target}-"));
        let log = self.scratch.join(format!("{target}.log"));
        let status = Command::new(&self.program)
            .env("PROPUSK_FUZZ_TARGET", target)
            .arg(format!("-max_total_time={seconds}"))
            .arg(format!("-artifact_prefix={}", crash.display()))
            .arg(format!(
                "-dict={}",
                self.root.join("fuzz/words.dict").display()
            ))
            .arg(LONGEST_INPUT)
            .args(LIMITS)
            .arg("-print_final_stats=1")
            .arg(&kept)
            .arg(self.root.join("fuzz/corpus").join(target))
            .stderr(fs::File::create(&log)?)
            .status()
            .context("running the fuzzer")?;
        let said = fs::read_to_string(&log)?;
        if !status.success() {
            let input = said
                .lines()
                .find_map(|line| line.split_once("Test unit written to "));
            let again = input.map_or_else(String::new, |(_, path)| {
                let program = self.program.display();
                format!("\nAgain: PROPUSK_FUZZ_TARGET={target} {program} {path}")
            });
            bail!("{target}:\n{}{again}", reason(&said));
        }
        let executed = said
            .lines()
            .find_map(|line| line.strip_prefix("stat::number_of_executed_units:"));
        println!("  {} inputs, no offence", executed.unwrap_or("?").trim());
        Ok(())
    }
}

/// The words of a panic, or how libFuzzer ended.
fn reason(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    let panic = lines.iter().position(|line| line.contains("panicked at"));
    let first = panic.unwrap_or(lines.len().saturating_sub(10));
    let reason = lines[first..].iter().take(10);
    let reason = reason.take_while(|line| !line.starts_with("stack backtrace"));
    reason.copied().collect::<Vec<_>>().join("\n")
}
