//! Programs that the tests need and that Debian has packages of.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::bail;

/// Installs a package where its program is missing, and says so.
///
/// # Errors
///
/// Fails where that does not work, as for anybody but root.
pub(crate) fn install(package: &str, is_there: fn() -> bool) -> anyhow::Result<()> {
    if is_there() {
        return Ok(());
    }
    eprintln!("installing {package} (apt-get install {package})");
    // A fresh machine has no list of packages yet; an old list may do.
    let _ = Command::new("apt-get").args(["update", "-qq"]).status();
    let status = Command::new("apt-get")
        .args(["install", "--yes", package])
        .env("DEBIAN_FRONTEND", "noninteractive")
        .status();
    if !status.is_ok_and(|status| status.success()) || !is_there() {
        bail!("{package} is needed: install it with your package manager");
    }
    Ok(())
}

/// The server that the tests of the token store start on ports and in folders of their own.
///
/// # Errors
///
/// As [`install`].
pub(crate) fn postgresql(_root: &Path) -> anyhow::Result<()> {
    install("postgresql", has_postgresql)
}

/// The keyring that the tests of stored logins start, with a bus of their own.
///
/// # Errors
///
/// As [`install`].
pub(crate) fn keyring(_root: &Path) -> anyhow::Result<()> {
    install("gnome-keyring", || is_installed("gnome-keyring-daemon"))?;
    install("dbus-daemon", || is_installed("dbus-run-session"))
}

/// What checks units of systemd; nothing of it runs.
///
/// # Errors
///
/// As [`install`].
pub(crate) fn systemd() -> anyhow::Result<()> {
    install("systemd", || is_installed("systemd-analyze"))
}

/// The reverse proxy that the benchmark compares with.
///
/// # Errors
///
/// As [`install`].
pub(crate) fn nginx() -> anyhow::Result<()> {
    install("nginx-light", || {
        is_installed("nginx") || Path::new("/usr/sbin/nginx").is_file()
    })
}

/// The browser that the tests of signing in start, without a screen.
///
/// # Errors
///
/// As [`install`].
pub(crate) fn chromium() -> anyhow::Result<()> {
    install("chromium-headless-shell", || {
        // `interop/browser/chromium.mjs` takes any of them.
        ["chromium-headless-shell", "chromium", "google-chrome"]
            .iter()
            .any(|program| is_installed(program))
    })
}

/// Whether a program is found by its name.
pub(crate) fn is_installed(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// Debian keeps the server's programs out of `PATH`.
fn has_postgresql() -> bool {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let programs = |version: PathBuf| version.join("bin/initdb");
    is_installed("initdb") || versions.flatten().any(|v| programs(v.path()).is_file())
}
