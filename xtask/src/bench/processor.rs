//! Which core runs what.

use std::{ffi::OsStr, fs, process::Command, thread};

use crate::debian::is_installed;

/// The core that a process is bound to.
#[derive(Debug, Clone, Copy)]
pub(super) enum Core {
    Server,
    Load,
}

impl Core {
    /// A command that runs the program on this core, or on any where that cannot be had. The
    /// program replaces `taskset`, so that the process id is that of the program.
    pub(super) fn command(self, program: impl AsRef<OsStr>) -> Command {
        if !can_bind() {
            return Command::new(program);
        }
        let number = match self {
            Self::Server => "0",
            Self::Load => "1",
        };
        let mut command = Command::new("taskset");
        command.args(["-c", number]).arg(program);
        command
    }
}

fn can_bind() -> bool {
    cores() >= 2 && is_installed("taskset")
}

pub(super) fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// The machine in a sentence, with what it does not allow.
pub(super) fn describe() -> String {
    let binding = if can_bind() {
        "the server on core 0 and the load on core 1"
    } else {
        "server and load NOT on different cores (that needs two cores and taskset from util-linux): \
         compare only figures of the same round"
    };
    describe_with(&format!(", {binding}"))
}

/// The machine in a sentence, for what runs in one process.
pub(super) fn describe_alone() -> String {
    let binding = if can_bind() {
        ", all but the several threads on core 1"
    } else {
        ", NOT bound to a core (that needs two cores and taskset from util-linux)"
    };
    describe_with(binding)
}

fn describe_with(binding: &str) -> String {
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("an unknown processor", |(_, name)| name);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let busy = load.split_whitespace().next().unwrap_or("unknown");
    format!(
        "Measured on {} cores of {model}{binding}; load average before: {busy}.",
        cores()
    )
}
