//! The programs that are measured, and their load, as the release profile builds them.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, ensure};
use serde_json::Value;

/// Where the programs are.
pub(super) struct Programs {
    folder: PathBuf,
}

impl Programs {
    pub(super) fn build(root: &Path) -> anyhow::Result<Self> {
        let status = cargo(root)
            .args([
                "build",
                "--release",
                "--package",
                "propusk-cli",
                "--package",
                "propusk-bench",
            ])
            .status()
            .context("running cargo build")?;
        ensure!(status.success(), "cargo build failed");
        Ok(Self {
            folder: target_folder(root)?.join("release"),
        })
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

fn cargo(root: &Path) -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root);
    cargo
}

/// It may be elsewhere than below the root.
fn target_folder(root: &Path) -> anyhow::Result<PathBuf> {
    let output = cargo(root)
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .output()
        .context("running cargo metadata")?;
    ensure!(output.status.success(), "cargo metadata failed");
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    let folder = metadata["target_directory"]
        .as_str()
        .context("no target_directory")?;
    Ok(PathBuf::from(folder))
}
