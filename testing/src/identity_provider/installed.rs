//! Where Node and the provider are installed.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::ensure;

/// The oldest Node that oidc-provider 9 supports.
const OLDEST_NODE: u32 = 22;

const HINT: &str = "run `cargo xtask idp`, which installs both into .work/";

/// What is needed to run the provider.
pub(super) struct Installed {
    pub(super) node: PathBuf,
    /// The folder with `node_modules`.
    pub(super) modules: PathBuf,
    pub(super) script: PathBuf,
}

impl Installed {
    /// Looks into the environment (`PROPUSK_TEST_NODE`, `PROPUSK_TEST_IDP`), then below `.work/`; a
    /// `node` on the `PATH` that is new enough will do too.
    pub(super) fn find() -> anyhow::Result<Self> {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = here.parent().unwrap_or(here);
        let modules =
            env::var_os("PROPUSK_TEST_IDP").map_or_else(|| root.join(".work/idp"), PathBuf::from);
        ensure!(
            modules.join("node_modules/oidc-provider").is_dir(),
            "the identity provider is not installed in {}: {HINT}",
            modules.display()
        );
        Ok(Self {
            node: node(root, env::var_os("PROPUSK_TEST_NODE"))?,
            modules,
            script: root.join("interop/idp/idp.mjs"),
        })
    }
}

fn node(root: &Path, wanted: Option<OsString>) -> anyhow::Result<PathBuf> {
    let candidates = match wanted {
        Some(node) => vec![PathBuf::from(node)],
        None => vec![
            root.join(".work/node/node_modules/.bin/node"),
            "node".into(),
        ],
    };
    let fits = |node: &PathBuf| version(node).is_some_and(|version| version >= OLDEST_NODE);
    let tried = format!("{candidates:?}");
    let found = candidates.into_iter().find(fits);
    found.ok_or_else(|| anyhow::anyhow!("no Node {OLDEST_NODE} or newer at {tried}: {HINT}"))
}

/// The major version that a Node reports as `v22.1.0`.
fn version(node: &Path) -> Option<u32> {
    let output = Command::new(node).arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.strip_prefix('v')?.split('.').next()?.parse().ok()
}
