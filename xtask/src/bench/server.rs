//! A server that is measured: a child process with a token store of its own, and its accounts.

use std::{
    fs,
    io::{BufRead, BufReader, Lines},
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};

use super::{processor::Core, programs::Programs};

/// How long a server may take to end, which under valgrind is long.
const PATIENCE: Duration = Duration::from_secs(60);

/// Which server, and how it treats 2025-11-25 clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Contender {
    pub(super) kind: Kind,
    pub(super) sessions: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Propusk,
    /// The same handler on rmcp without authorization.
    Rmcp,
    /// An axum handler without an MCP library.
    Bare,
}

impl Kind {
    pub(super) const ALL: [Self; 3] = [Self::Propusk, Self::Rmcp, Self::Bare];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Propusk => "`propusk serve`",
            Self::Rmcp => "rmcp, no authorization",
            Self::Bare => "bare axum",
        }
    }
}

/// A folder with a token store of one token.
pub(super) struct Store {
    folder: PathBuf,
    pub(super) url: String,
    pub(super) token: String,
}

impl Store {
    pub(super) fn create(programs: &Programs) -> anyhow::Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("propusk-bench-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir(&folder).with_context(|| format!("creating {}", folder.display()))?;
        let url = format!("sqlite:{}", folder.join("tokens.db").display());
        let mut store = Self {
            folder,
            url,
            token: String::new(),
        };
        let issued = Command::new(programs.path("propusk"))
            .args([
                "token",
                "issue",
                "--subject",
                "bench",
                "--tokens",
                &store.url,
            ])
            .stderr(Stdio::null())
            .output()
            .context("running propusk token issue")?;
        ensure!(issued.status.success(), "propusk token issue failed");
        String::from_utf8(issued.stdout)?
            .trim()
            .clone_into(&mut store.token);
        Ok(store)
    }
}

impl Store {
    /// Where its file is, and what else belongs to a run.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // It is below the system's folder for temporary files: one left behind does no harm.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A running server. It is killed when dropped.
pub(super) struct Server {
    child: Child,
    /// Kept open: a server that writes to a closed pipe ends.
    _output: Lines<BufReader<ChildStdout>>,
    pub(super) url: String,
}

impl Server {
    /// Starts a server on a core and waits until it listens.
    pub(super) fn start(
        programs: &Programs,
        contender: Contender,
        store: &Store,
        core: Core,
    ) -> anyhow::Result<Self> {
        let program = contender.program(programs);
        Self::listen(core.command(&program), contender, store)
    }

    /// Starts whatever runs the server's program, the arguments of which are still to come.
    pub(super) fn listen(
        mut command: Command,
        contender: Contender,
        store: &Store,
    ) -> anyhow::Result<Self> {
        command.args(contender.arguments(store));
        Self::launch(command)
    }

    /// Starts a server and waits until it listens.
    pub(super) fn launch(mut command: Command) -> anyhow::Result<Self> {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("starting {command:?}"))?;
        let stdout = child.stdout.take().context("a pipe was asked for")?;
        let mut output = BufReader::new(stdout).lines();
        let line = output.next().transpose()?.unwrap_or_default();
        let Some(url) = line.strip_prefix("listening on ") else {
            let _ = child.kill();
            bail!("{command:?} does not listen: {line:?}, {}", child.wait()?);
        };
        Ok(Self {
            url: url.to_owned(),
            child,
            _output: output,
        })
    }

    /// Starts a server that does not say when it listens, and waits until it does.
    pub(super) fn launch_at(
        mut command: Command,
        address: SocketAddr,
        url: &str,
    ) -> anyhow::Result<Self> {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("starting {command:?}"))?;
        let stdout = child.stdout.take().context("a pipe was asked for")?;
        let mut server = Self {
            url: url.to_owned(),
            child,
            _output: BufReader::new(stdout).lines(),
        };
        let asked = Instant::now();
        while TcpStream::connect(address).is_err() {
            let ended = server.child.try_wait()?;
            ensure!(
                ended.is_none() && asked.elapsed() < PATIENCE,
                "{command:?} does not listen"
            );
            thread::sleep(Duration::from_millis(10));
        }
        Ok(server)
    }

    /// CPU time so far, user and system.
    pub(super) fn cpu_time(&self) -> anyhow::Result<Duration> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // The name before it may contain blanks. Fields 14 and 15 of proc(5), in ticks of 10 ms:
        // Linux reports them so on every platform (USER_HZ).
        let (_, fields) = stat.rsplit_once(')').context("no name in /proc/PID/stat")?;
        let mut ticks = fields.split_whitespace().skip(11).map(str::parse::<u64>);
        let (user, system) = (ticks.next(), ticks.next());
        let sum = user.context("no utime")?? + system.context("no stime")??;
        Ok(Duration::from_millis(10 * sum))
    }

    /// Resident memory now, in KiB.
    pub(super) fn resident_kib(&self) -> anyhow::Result<u64> {
        self.status("VmRSS:")
    }

    /// The most that was ever resident, in KiB.
    pub(super) fn peak_kib(&self) -> anyhow::Result<u64> {
        self.status("VmHWM:")
    }

    fn status(&self, name: &str) -> anyhow::Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let number = line
            .and_then(|line| line.split_whitespace().next())
            .context("no such line")?;
        Ok(number.parse()?)
    }

    /// Asks it to end and waits for that.
    pub(super) fn stop(mut self) -> anyhow::Result<()> {
        // The standard library sends no other signal than SIGKILL; every shell does.
        let kill = format!("kill -TERM {}", self.child.id());
        Command::new("sh")
            .args(["-c", &kill])
            .status()
            .context("running sh")?;
        let asked = Instant::now();
        while self.child.try_wait()?.is_none() {
            ensure!(
                asked.elapsed() < PATIENCE,
                "the server did not end after SIGTERM"
            );
            thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // After `stop` both find nothing to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Contender {
    pub(super) fn program(self, programs: &Programs) -> PathBuf {
        programs.path(self.program_name())
    }

    pub(super) fn program_name(self) -> &'static str {
        match self.kind {
            Kind::Propusk => "propusk",
            Kind::Rmcp => "bench-rmcp",
            Kind::Bare => "bench-bare",
        }
    }

    fn arguments(self, store: &Store) -> Vec<&str> {
        match self.kind {
            Kind::Propusk => {
                let stateless = (!self.sessions).then_some("--stateless");
                let serve = ["serve", "--listen", "127.0.0.1:0", "--tokens", &store.url];
                serve.into_iter().chain(stateless).collect()
            }
            Kind::Rmcp => vec!["--sessions", if self.sessions { "on" } else { "off" }],
            Kind::Bare => Vec::new(),
        }
    }
}
