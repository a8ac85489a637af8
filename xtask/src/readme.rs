//! The commands of the README, typed as they stand there.
//!
//! The first `sh` block is the main job; it is started, and the line that it prints to try it is
//! pasted. Another is the gate in front of a server of others; it is started too. Then every `console` block is typed into one shell: what follows a `$ ` is the command,
//! the rest is what it must print, where `…` stands for anything.

mod console;

use std::{
    env, fs,
    io::{BufRead, BufReader, Read},
    net::TcpListener,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};

use crate::process::{self, Group};

/// What the README says; the test uses free ports instead.
const ADDRESS: &str = "127.0.0.1:8000";
const GATE: &str = "127.0.0.1:8700";

/// Files with `console` blocks beside the README, whose commands need no server.
const REFERENCES: &[&str] = &["docs/cli.md"];

/// Types the commands of the README and of the reference.
///
/// # Errors
///
/// Fails where a command prints something else than what stands there.
pub(crate) fn run(root: &Path) -> anyhow::Result<()> {
    let readme = fs::read_to_string(root.join("README.md")).context("README.md")?;
    let scratch = root.join(".work/readme");
    if scratch.exists() {
        fs::remove_dir_all(&scratch)?;
    }
    fs::create_dir_all(&scratch)?;
    let store = format!("sqlite:{}", scratch.join("propusk.db").display());
    let address = free_address()?;
    let mut shells = console::blocks(&readme, "sh");
    let main_job = shells
        .next()
        .context("README.md has no sh block")?
        .trim()
        .to_owned();
    ensure!(
        !main_job.contains('\n'),
        "the first sh block is the main job alone"
    );
    // Built first, so that its start can be waited for.
    process::build(root, "propusk-cli", "propusk", true)?;

    let mut serve = shell(root, &main_job);
    serve
        .env("PROPUSK_TOKENS", &store)
        .env("PROPUSK_LISTEN", &address);
    let serve = Group::start(serve.stdout(Stdio::piped()).stderr(Stdio::piped()))?;
    let (first_line, notes) = greeting(serve)?;
    ensure!(
        first_line == format!("listening on http://{address}/mcp"),
        "the main job printed {first_line:?}"
    );
    println!("{main_job}: listens");
    paste(root, &notes.text)?;

    let path = env::var("PATH").unwrap_or_default();
    let path = format!("{}:{path}", root.join("target/release").display());
    let gate_address = free_address()?;
    let in_front = shells
        .find(|block| block.contains(GATE))
        .with_context(|| format!("README.md has no sh block with the gate at {GATE}"))?;
    let in_front = in_front.trim().replace(GATE, &gate_address);
    let _gate = start_gate(root, &in_front, &path, &store)?;

    let readme = readme
        .replace(ADDRESS, &address)
        .replace(GATE, &gate_address);
    type_file(root, "README.md", &readme, &[("PROPUSK_TOKENS", &store)])?;
    for file in REFERENCES {
        let text = fs::read_to_string(root.join(file)).with_context(|| (*file).to_owned())?;
        type_file(root, file, &text, &[("PATH", &path)])?;
    }
    Ok(())
}

/// Starts the gate and waits until it listens. The server behind it starts with the first request, and
/// npm has fetched it by then.
fn start_gate(root: &Path, command: &str, path: &str, store: &str) -> anyhow::Result<Group> {
    let (_, behind) = command.split_once(" -- ").context("no server behind")?;
    let fetched = shell(root, behind)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    ensure!(fetched.success(), "{behind} does not start");
    let mut gate = shell(root, &format!("exec {command}"));
    gate.env("PATH", path).env("PROPUSK_TOKENS", store);
    let mut gate = Group::start(gate.stdout(Stdio::piped()).stderr(Stdio::null()))?;
    let stdout = gate.child.stdout.take().context("no standard output")?;
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line)?;
    ensure!(line.starts_with("listening on"), "{command} does not start");
    println!("{command}: listens");
    Ok(gate)
}

fn type_file(
    root: &Path,
    file: &str,
    text: &str,
    environment: &[(&str, &str)],
) -> anyhow::Result<()> {
    let count = console::check(root, text, environment).with_context(|| file.to_owned())?;
    println!("{file}: {count} commands print what stands there");
    Ok(())
}

fn shell(root: &Path, command: &str) -> Command {
    let mut shell = Command::new("bash");
    shell
        .args(["-c", command])
        .current_dir(root)
        .stdin(Stdio::null());
    for name in [
        "PROPUSK_TOKEN",
        "PROPUSK_TOKEN_FILE",
        "PROPUSK_CONFIG",
        "PROPUSK_LOG",
    ] {
        shell.env_remove(name);
    }
    shell
}

/// A running main job, with what it has written to stderr.
struct Notes {
    text: String,
    _serve: Group,
}

fn greeting(mut serve: Group) -> anyhow::Result<(String, Notes)> {
    let mut stdout = BufReader::new(serve.child.stdout.take().context("no standard output")?);
    let mut stderr = serve.child.stderr.take().context("no standard error")?;
    let mut first_line = String::new();
    stdout.read_line(&mut first_line)?;
    // The notes come before the first line; what is there now is all of them.
    let mut text = Vec::new();
    let mut piece = [0; 4096];
    let deadline = Instant::now() + Duration::from_secs(20);
    while !String::from_utf8_lossy(&text).contains("More tokens") {
        ensure!(
            Instant::now() < deadline,
            "the main job did not show a token"
        );
        let length = stderr.read(&mut piece)?;
        ensure!(
            length > 0,
            "the main job ended: {}",
            String::from_utf8_lossy(&text)
        );
        text.extend_from_slice(&piece[..length]);
    }
    std::thread::spawn(move || {
        // So that the server never waits for somebody to read its log.
        let _ = std::io::copy(&mut stdout, &mut std::io::sink());
    });
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut stderr, &mut std::io::sink());
    });
    Ok((
        first_line.trim_end().to_owned(),
        Notes {
            text: String::from_utf8(text)?,
            _serve: serve,
        },
    ))
}

/// Pastes the line that the main job offers.
fn paste(root: &Path, notes: &str) -> anyhow::Result<()> {
    let line = notes
        .lines()
        .find(|line| line.trim_start().starts_with("PROPUSK_TOKEN="))
        .context("no line to paste")?;
    let output = shell(root, line.trim()).output()?;
    let answer = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() || !answer.contains("\"subject\": \"admin\"") {
        bail!(
            "the pasted line answered: {answer}{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    println!("the propusk call line that it prints: works when pasted");
    Ok(())
}

fn free_address() -> anyhow::Result<String> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string())
}
