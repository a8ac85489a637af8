//! Clients and servers in other languages, installed into `.work/`, for `cargo xtask interop` and for
//! the tests that start them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, ensure};

use crate::{node, npm, process};

/// Installs all of them, and the Node that one needs. What is there already stays.
///
/// # Errors
///
/// Fails when Python or npm is missing or fails.
pub(crate) fn install(root: &Path) -> anyhow::Result<()> {
    const HOME: &str = ".work/typescript";
    python(root)?;
    node::suite_runtime(root)?;
    let packages = root.join(HOME).join("node_modules/@modelcontextprotocol");
    npm::install(root, "interop/typescript", HOME, || {
        for name in ["client", "server", "express", "node"] {
            let package = packages.join(name).join("package.json");
            ensure!(package.exists(), "{} is missing", package.display());
        }
        Ok(())
    })
}

/// A Python with the pinned packages of the official client and of the servers, in `.work/python`.
///
/// # Errors
///
/// Fails when Python or its packages cannot be had.
pub(crate) fn python(root: &Path) -> anyhow::Result<PathBuf> {
    python_in(root, ".work/python", "interop/python/requirements.txt")
}

/// A Python with pinned packages, in a folder of its own below `.work/`.
///
/// # Errors
///
/// As [`python`].
pub(crate) fn python_in(root: &Path, home: &str, requirements: &str) -> anyhow::Result<PathBuf> {
    let (place, requirements_file) = (home, root.join(requirements));
    let home = root.join(home);
    let python = home.join("bin/python");
    let wanted = fs::read(&requirements_file)
        .with_context(|| format!("reading {}", requirements_file.display()))?;
    // Written last, so that an installation that was cut short does not count.
    let installed = home.join("installed-requirements.txt");
    if fs::read(&installed).ok().as_ref() != Some(&wanted) {
        println!("installing {requirements} into {place} (venv and pip)");
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
        process::run(pip.arg(&requirements_file))?;
        fs::write(&installed, &wanted)?;
    }
    Ok(python)
}
