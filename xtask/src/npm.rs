//! Packages from the npm registry, at the versions and hashes of a lock file, below `.work/`.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, ensure};

/// Installs the packages of `manifest` (a folder with `package.json` and `package-lock.json`) into
/// `home`, both relative to the workspace, unless the lock file is the one of the last installation
/// and `works` says that what is there works. No install script runs.
///
/// # Errors
///
/// Fails when npm is missing or fails, and when what it installed does not work.
pub(crate) fn install(
    root: &Path,
    manifest: &str,
    home: &str,
    works: impl Fn() -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let wanted = root.join(manifest).join("package-lock.json");
    let lock = fs::read(&wanted).with_context(|| format!("reading {}", wanted.display()))?;
    // Written last, so that an installation that was cut short does not count.
    let installed = root.join(home).join("installed-lock.json");
    if fs::read(&installed).ok().as_ref() == Some(&lock) && works().is_ok() {
        return Ok(());
    }
    if installed.exists() {
        fs::remove_file(&installed)?;
    }
    println!("installing {manifest}/package.json into {home} (npm ci)");
    npm_ci(&root.join(manifest), &root.join(home))?;
    works()?;
    fs::write(&installed, lock)?;
    Ok(())
}

fn npm_ci(manifest: &Path, home: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(home)?;
    for file in ["package.json", "package-lock.json"] {
        fs::copy(manifest.join(file), home.join(file))?;
    }
    let status = Command::new("npm")
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        // Without this the system's own, older Node is warned about.
        .args(["--loglevel", "error"])
        .current_dir(home)
        .status()
        .context("running npm, which must be installed")?;
    ensure!(status.success(), "npm ci failed in {}", home.display());
    Ok(())
}
