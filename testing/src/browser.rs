//! A person at a real browser: Debian's Chromium without a screen, driven by `interop/browser`.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use anyhow::Context;
use serde::Deserialize;
use tempfile::TempDir;

use crate::installed::{installed, node, root};

/// Signs in as alice on the pages of the identity provider, and consents. The browser remembers the
/// provider's cookies as long as this lives.
#[derive(Debug)]
pub struct Person {
    folder: TempDir,
}

/// One visit: the pages that were seen, in their order.
#[derive(Debug, Deserialize)]
pub struct Visit {
    /// From the first to the one where the way ended.
    pub pages: Vec<Page>,
    /// The header `Content-Security-Policy` of the last page.
    pub security: Option<String>,
}

/// A page as a person sees it.
#[derive(Debug, Deserialize)]
pub struct Page {
    /// Its title.
    pub title: String,
    /// Its text.
    pub text: String,
    /// How many scripts and handlers are in it.
    pub scripts: usize,
}

impl Person {
    /// Consents to everything.
    ///
    /// # Errors
    /// The folder for the browser's profile cannot be written.
    pub fn new() -> anyhow::Result<Self> {
        Self::with("")
    }

    /// Signs in, and cancels where the consent is asked for.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn refusing() -> anyhow::Result<Self> {
        Self::with("--refuse")
    }

    fn with(flag: &str) -> anyhow::Result<Self> {
        let person = Self {
            folder: tempfile::tempdir()?,
        };
        let program = person.program();
        fs::write(&program, person.script(flag))?;
        fs::set_permissions(&program, fs::Permissions::from_mode(0o700))?;
        Ok(person)
    }

    /// A program that opens the URL which is its only argument: of use in the variable `BROWSER`.
    #[must_use]
    pub fn program(&self) -> PathBuf {
        self.folder.path().join("open")
    }

    /// What was visited so far.
    ///
    /// # Errors
    /// The browser wrote something else than a report.
    pub fn visits(&self) -> anyhow::Result<Vec<Visit>> {
        let report = fs::read_to_string(self.report()).unwrap_or_default();
        let visits = report
            .lines()
            .map(serde_json::from_str)
            .collect::<Result<_, _>>();
        visits.with_context(|| self.complaints())
    }

    /// What the browser had to complain about; a hint for a test that fails.
    #[must_use]
    pub fn complaints(&self) -> String {
        fs::read_to_string(self.errors()).unwrap_or_default()
    }

    fn report(&self) -> PathBuf {
        self.folder.path().join("report")
    }

    fn errors(&self) -> PathBuf {
        self.folder.path().join("errors")
    }

    fn script(&self, flag: &str) -> String {
        let modules = installed("PROPUSK_TEST_BROWSER", ".work/browser");
        format!(
            "#!/bin/sh\nexport PROPUSK_TEST_BROWSER={}\nexec {} {} --profile {} --report {} {flag} \"$1\" 2>>{}\n",
            quoted(&modules),
            quoted(&node()),
            quoted(&root().join("interop/browser/person.mjs")),
            quoted(&self.folder.path().join("profile")),
            quoted(&self.report()),
            quoted(&self.errors()),
        )
    }
}

/// One word of the shell.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}
