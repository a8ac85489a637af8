//! Node 22 and the conformance suite, installed into `.work/node`.
//!
//! The suite needs a newer Node than many systems have, so that Node is installed with it. Both
//! come from the registry at the versions and hashes of `conformance/package-lock.json`, and no
//! install script runs: the Node binary is the content of a package for this platform.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, ensure};

use crate::npm;

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
    const HOME: &str = ".work/node";
    let tools = NodeTools::below(&root.join(HOME));
    npm::install(root, "conformance", HOME, || tools.runs())?;
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

    /// Proof that the binary is there and fits this platform.
    fn runs(&self) -> anyhow::Result<()> {
        let output = Command::new(&self.node)
            .arg("--version")
            .output()
            .with_context(|| format!("no Node for this platform at {}", self.node.display()))?;
        ensure!(output.status.success(), "the installed Node does not run");
        Ok(())
    }
}
