//! The browser of the tests: Debian's Chromium, and what drives it in `.work/browser`.

use std::path::Path;

use anyhow::ensure;

use crate::{debian, node, npm};

/// Installs both, and the Node that runs `interop/browser`. What is there already stays.
///
/// # Errors
///
/// Fails when apt-get or npm is missing or fails.
pub(crate) fn install(root: &Path) -> anyhow::Result<()> {
    const HOME: &str = ".work/browser";
    debian::chromium()?;
    node::suite_runtime(root)?;
    let driver = root
        .join(HOME)
        .join("node_modules/playwright-core/package.json");
    npm::install(root, "interop/browser", HOME, || {
        ensure!(driver.exists(), "{} is missing", driver.display());
        Ok(())
    })
}
