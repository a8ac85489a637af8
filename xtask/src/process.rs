//! Running other programs.

use std::{
    env,
    ffi::OsStr,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
};

use anyhow::{Context, ensure};
use serde_json::Value;

/// The cargo that runs this program.
pub(crate) fn cargo(root: &Path) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root);
    command
}

/// Runs a command to its end, with its output on ours.
///
/// # Errors
///
/// Fails when it cannot be started or does not succeed.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<()> {
    let shown = show(command);
    let status = command
        .status()
        .with_context(|| format!("running {shown}"))?;
    ensure!(status.success(), "{shown} failed ({status})");
    Ok(())
}

/// Builds one program and tells where cargo says it put it.
pub(crate) fn build(
    root: &Path,
    package: &str,
    bin: &str,
    release: bool,
) -> anyhow::Result<PathBuf> {
    let mut arguments = vec!["--package", package];
    if release {
        arguments.push("--release");
    }
    build_with(cargo(root), &arguments, bin)
}

/// The same, by a cargo that was set up and with these arguments.
pub(crate) fn build_with(
    mut cargo: Command,
    arguments: &[&str],
    bin: &str,
) -> anyhow::Result<PathBuf> {
    let output = cargo
        .args(["build", "--quiet", "--bin", bin])
        .args(arguments)
        .args(["--message-format", "json-render-diagnostics"])
        .stderr(Stdio::inherit())
        .output()
        .context("running cargo")?;
    ensure!(output.status.success(), "{bin} does not build");
    String::from_utf8(output.stdout)?
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter_map(|message| message["executable"].as_str().map(PathBuf::from))
        .next_back()
        .context("cargo named no executable")
}

/// A server that is stopped when this value goes away.
pub(crate) struct Server {
    child: Child,
    // Kept open: a server that prints later must not die of a closed pipe.
    _stdout: BufReader<ChildStdout>,
    pub(crate) url: String,
}

impl Server {
    /// The same for a program that ends when its standard input does.
    pub(crate) fn start_held(command: &mut Command) -> anyhow::Result<Self> {
        Self::start_with(command.stdin(Stdio::piped()))
    }

    /// Starts a program that prints its URL, or `listening on URL`, as its first line once it is
    /// ready.
    pub(crate) fn start(command: &mut Command) -> anyhow::Result<Self> {
        Self::start_with(command.stdin(Stdio::null()))
    }

    fn start_with(command: &mut Command) -> anyhow::Result<Self> {
        let shown = show(command);
        let mut child = command
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("starting {shown}"))?;
        let stdout = child.stdout.take().context("no standard output")?;
        let mut server = Self {
            child,
            _stdout: BufReader::new(stdout),
            url: String::new(),
        };
        let mut line = String::new();
        server._stdout.read_line(&mut line)?;
        ensure!(!line.is_empty(), "{shown} ended before it listened");
        line.trim()
            .trim_start_matches("listening on ")
            .clone_into(&mut server.url);
        Ok(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Failing means that it has ended already, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn show(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words
        .map(OsStr::to_string_lossy)
        .collect::<Vec<_>>()
        .join(" ")
}

/// A program and all that it starts (`cargo run` starts the real one), ended together.
pub(crate) struct Group {
    pub(crate) child: Child,
}

impl Group {
    pub(crate) fn start(command: &mut Command) -> anyhow::Result<Self> {
        use std::os::unix::process::CommandExt;
        let shown = show(command);
        let child = command
            .process_group(0)
            .spawn()
            .with_context(|| format!("starting {shown}"))?;
        Ok(Self { child })
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let group = format!("-{}", self.child.id());
        let _ = Command::new("kill").args(["-TERM", "--", &group]).status();
        let _ = self.child.wait();
    }
}
