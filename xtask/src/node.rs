//! Node 22 and the conformance suite, installed into `.work/node`.
//!
//! The suite needs a newer Node than many systems have, so that Node is installed with it. Both
//! come from the registry at the versions and hashes of `conformance/package-lock.json`, and no
//! install script runs: the Node binary is the content of a package for this platform.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, ensure};

/// Where the installed programs are.
#[derive(Debug)]
pub(crate) struct NodeTools {
    /// The Node binary.
    pub(crate) node: PathBuf,
    /// The JavaScript file that is the suite's command line.
    pub(crate) conformance: PathBuf,
    /// The folder of the suite's `<revision>.yaml` files.
    pub(crate) requirements: PathBuf,
}

/// Installs the suite and its Node, unless the lock file is the one of the last installation.
///
/// # Errors
///
/// Fails when npm is missing or fails, and when the installed Node does not run here.
pub(crate) fn suite_runtime(root: &Path) -> anyhow::Result<NodeTools> {
    let home = root.join(".work/node");
    let wanted = root.join("conformance/package-lock.json");
    // Written last, so that an installation that was cut short does not count.
    let installed = home.join("installed-lock.json");
    let lock = fs::read(&wanted).with_context(|| format!("reading {}", wanted.display()))?;

    let tools = NodeTools::below(&home);
    if fs::read(&installed).ok().as_ref() != Some(&lock) || tools.version().is_err() {
        println!("installing conformance/package.json into .work/node (npm ci)");
        install(&root.join("conformance"), &home)?;
        println!("installed Node {} and the suite", tools.version()?);
        fs::write(&installed, lock)?;
    }
    Ok(tools)
}

impl NodeTools {
    fn below(home: &Path) -> Self {
        let modules = home.join("node_modules");
        let suite = modules.join("@modelcontextprotocol/conformance");
        Self {
            // npm links this to the binary of whichever platform package fits.
            node: modules.join(".bin/node"),
            conformance: suite.join("dist/index.js"),
            requirements: suite.join("requirements"),
        }
    }

    /// The version that the binary reports: proof that it is there and fits this platform.
    fn version(&self) -> anyhow::Result<String> {
        let output = Command::new(&self.node)
            .arg("--version")
            .output()
            .with_context(|| format!("no Node for this platform at {}", self.node.display()))?;
        ensure!(output.status.success(), "the installed Node does not run");
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }
}

fn install(manifest: &Path, home: &Path) -> anyhow::Result<()> {
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
        .context("running npm: the conformance suite needs npm to be installed")?;
    ensure!(status.success(), "npm ci failed in {}", home.display());
    Ok(())
}
