//! The identity provider of the tests, installed into `.work/idp`; `interop/idp` is what starts it.

use std::path::Path;

use anyhow::ensure;

use crate::{node, npm};

/// Installs the provider and the Node that it needs. What is there already stays.
///
/// # Errors
///
/// Fails when npm is missing or fails, and when the installed Node does not run here.
pub(crate) fn install(root: &Path) -> anyhow::Result<()> {
    const HOME: &str = ".work/idp";
    // oidc-provider needs Node 22, which the conformance suite brings.
    node::suite_runtime(root)?;
    let provider = root
        .join(HOME)
        .join("node_modules/oidc-provider/package.json");
    npm::install(root, "interop/idp", HOME, || {
        ensure!(provider.exists(), "{} is missing", provider.display());
        Ok(())
    })
}
