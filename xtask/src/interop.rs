//! Real clients in other languages against the built server.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Context;

use crate::process::{self, Server};

/// The token and the subject that the checks expect.
const TOKEN: &str = "interop-token-123";
const SUBJECT: &str = "alice";

/// The official Python client, in every era that it speaks.
///
/// # Errors
///
/// Fails where a check does, or Python or its packages cannot be had.
pub(crate) fn run(root: &Path) -> anyhow::Result<()> {
    let python = python(root)?;
    let program = process::build(root, "propusk-cli", "propusk", false)?;
    let mut serve = Command::new(program);
    serve.args(["serve", "--listen", "127.0.0.1:0", "--log", "warn,rmcp=off"]);
    let server = Server::start(
        serve
            .arg("--token")
            .arg(format!("{TOKEN}={SUBJECT}:echo"))
            .env_remove("PROPUSK_TOKENS"),
    )?;
    let mut check = Command::new(&python);
    check
        .arg(root.join("interop/python/check.py"))
        .arg(&server.url);
    process::run(
        check
            .env("PROPUSK_TOKEN", TOKEN)
            .env("EXPECT_SUBJECT", SUBJECT),
    )?;
    // The example that the README shows.
    let mut example = Command::new(&python);
    example
        .arg(root.join("examples/python/client.py"))
        .arg(&server.url);
    process::run(example.env("PROPUSK_TOKEN", TOKEN))
}

/// A Python with the pinned packages, in `.work/python`.
fn python(root: &Path) -> anyhow::Result<PathBuf> {
    let home = root.join(".work/python");
    let python = home.join("bin/python");
    let wanted = root.join("interop/python/requirements.txt");
    let wanted = fs::read(&wanted).with_context(|| format!("reading {}", wanted.display()))?;
    // Written last, so that an installation that was cut short does not count.
    let installed = home.join("installed-requirements.txt");
    if fs::read(&installed).ok().as_ref() != Some(&wanted) {
        println!("installing interop/python/requirements.txt into .work/python (venv and pip)");
        process::run(
            Command::new("python3")
                .args(["-m", "venv", "--clear"])
                .arg(&home),
        )
        .context("Python 3.11 or newer with its venv module is needed")?;
        let mut pip = Command::new(&python);
        pip.args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--requirement",
        ]);
        process::run(pip.arg(root.join("interop/python/requirements.txt")))?;
        fs::write(&installed, &wanted)?;
    }
    Ok(python)
}
