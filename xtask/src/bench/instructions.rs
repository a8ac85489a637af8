//! Instructions per request, counted by valgrind's callgrind: the figure that repeats on any
//! machine, however busy.
//!
//! A server is run twice, with 200 and with 1,200 requests one after another, and the difference of
//! its instructions is divided by 1,000: what it takes to start and to end cancels out.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, ensure};

use crate::debian::{self, is_installed};

use super::{
    load::{self, Amount, Mode},
    programs::Programs,
    server::{Contender, Kind, Server, Store},
    table::{markdown, thousands},
};

const FEW: u64 = 200;
const MANY: u64 = 1200;

/// What `propusk serve` may take at most for a 2026-07-28 request.
const MODERN_BUDGET: f64 = 200_000.0;
/// The same for a 2025-11-25 request without a session.
const LEGACY_BUDGET: f64 = 155_000.0;

/// The instructions of one server for one kind of request.
#[derive(Debug, Clone)]
pub(crate) struct Instr {
    kind: Kind,
    mode: Mode,
    /// Instructions in user space for each request.
    pub(crate) per_request: f64,
    /// What they must not exceed.
    pub(crate) budget: Option<f64>,
}

/// Counts the instructions of all servers.
///
/// # Errors
/// There is no valgrind and it cannot be installed, or a server does not run under it.
pub(crate) fn instructions(root: &Path) -> anyhow::Result<Vec<Instr>> {
    let counter = Counter::new(root)?;
    let modes = [Mode::Modern, Mode::LegacyStateless];
    let all = modes
        .into_iter()
        .flat_map(|mode| Kind::ALL.map(|kind| (kind, mode)));
    all.map(|(kind, mode)| counter.count(kind, mode)).collect()
}

/// Counts those of `propusk serve` alone.
///
/// # Errors
/// They exceed their budget, or as [`instructions`].
pub(crate) fn budget(root: &Path) -> anyhow::Result<()> {
    let counter = Counter::new(root)?;
    let counted = [Mode::Modern, Mode::LegacyStateless]
        .into_iter()
        .map(|mode| counter.count(Kind::Propusk, mode))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let text = table(&counted);
    print!("{text}");
    ensure!(
        counted.iter().all(Instr::is_within_budget),
        "the budget is exceeded:\n{text}"
    );
    Ok(())
}

impl Instr {
    fn is_within_budget(&self) -> bool {
        self.budget.is_none_or(|budget| self.per_request <= budget)
    }
}

struct Counter {
    programs: Programs,
}

impl Counter {
    fn new(root: &Path) -> anyhow::Result<Self> {
        install()?;
        Ok(Self {
            programs: Programs::build(root)?,
        })
    }

    fn count(&self, kind: Kind, mode: Mode) -> anyhow::Result<Instr> {
        let few = self.total(kind, mode, FEW)?;
        let many = self.total(kind, mode, MANY)?;
        let budget = match (kind, mode) {
            (Kind::Propusk, Mode::Modern) => Some(MODERN_BUDGET),
            (Kind::Propusk, Mode::LegacyStateless) => Some(LEGACY_BUDGET),
            _ => None,
        };
        let per_request = (many as f64 - few as f64) / (MANY - FEW) as f64;
        Ok(Instr {
            kind,
            mode,
            per_request,
            budget,
        })
    }

    /// All instructions of a server that answered so many requests on one connection.
    fn total(&self, kind: Kind, mode: Mode, requests: u64) -> anyhow::Result<u64> {
        let contender = Contender {
            kind,
            sessions: mode != Mode::LegacyStateless,
        };
        let store = Store::create(&self.programs)?;
        let name = format!("{}-{}-{requests}", contender.program_name(), mode.flag());
        total_of(&self.programs, &name, |mut valgrind| {
            valgrind.arg(contender.program(&self.programs));
            let server = Server::listen(valgrind, contender, &store)?;
            let amount = Amount::Requests(requests);
            load::send(&self.programs, &server, &store, mode, 1, amount)?;
            Ok(server)
        })
    }
}

/// All instructions of a server that is started, and sent its requests, with a command that only
/// lacks the program.
pub(super) fn total_of(
    programs: &Programs,
    name: &str,
    run: impl FnOnce(Command) -> anyhow::Result<Server>,
) -> anyhow::Result<u64> {
    // They are kept, for `callgrind_annotate --inclusive=yes` to tell where the time goes.
    let folder = programs.path("callgrind");
    fs::create_dir_all(&folder)?;
    let counts = folder.join(format!("{name}.out"));
    let mut valgrind = Command::new("valgrind");
    valgrind
        .args(["--tool=callgrind", "--quiet"])
        .arg(format!("--callgrind-out-file={}", counts.display()))
        // With several, how often they wake and rob each other is a matter of chance.
        .env("TOKIO_WORKER_THREADS", "1");
    run(valgrind)?.stop()?;
    let text = fs::read_to_string(&counts).with_context(|| counts.display().to_string())?;
    let total = text.lines().find_map(|line| line.strip_prefix("summary: "));
    let total = total.context("no summary in the output of callgrind")?;
    Ok(total.trim().parse()?)
}

/// Makes sure that there is a valgrind.
pub(super) fn install() -> anyhow::Result<()> {
    debian::install("valgrind", || is_installed("valgrind"))
}

/// The counts, beside the bare handler's and the budget.
pub(super) fn table(measured: &[Instr]) -> String {
    let of = |kind, mode| measured.iter().find(|i| i.kind == kind && i.mode == mode);
    let rows: Vec<_> = measured
        .iter()
        .map(|instr| {
            let reference = of(Kind::Rmcp, instr.mode);
            let over = reference.map(|rmcp| 100.0 * (instr.per_request / rmcp.per_request - 1.0));
            let verdict = instr.budget.map(|budget| {
                let kept = if instr.is_within_budget() {
                    "kept"
                } else {
                    "**exceeded**"
                };
                format!("{}, {kept}", thousands(budget))
            });
            let era = match instr.mode {
                Mode::Modern => "2026-07-28",
                Mode::LegacySession => "2025-11-25 session",
                Mode::LegacyStateless => "2025-11-25 without session",
            };
            vec![
                format!("{era}, {}", instr.kind.name()),
                thousands(instr.per_request),
                over.map_or_else(String::new, |over| format!("{over:+.1} %")),
                verdict.unwrap_or_default(),
            ]
        })
        .collect();
    markdown(
        &[
            "requests, server",
            "instructions/request",
            "over rmcp",
            "budget",
        ],
        &rows,
    )
}
