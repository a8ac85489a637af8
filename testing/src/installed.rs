//! Programs of others that `cargo xtask` installs below `.work/`.

use std::path::{Path, PathBuf};

/// The workspace.
pub(crate) fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

/// What an environment variable names, else its usual place below the workspace.
pub(crate) fn installed(variable: &str, usual: &str) -> PathBuf {
    std::env::var_os(variable).map_or_else(|| root().join(usual), PathBuf::from)
}

/// The Node that the scripts of the tests run with.
pub(crate) fn node() -> PathBuf {
    installed("PROPUSK_TEST_NODE", ".work/node/node_modules/.bin/node")
}

/// The Python that the scripts of the tests run with.
pub(crate) fn python() -> PathBuf {
    installed("PROPUSK_TEST_PYTHON", ".work/python/bin/python")
}
