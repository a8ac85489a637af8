//! The house rules: what the architecture promises, checked.

mod dependencies;
mod documents;
mod imports;
mod sizes;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, bail};

/// Checks all rules and lists every offence.
///
/// # Errors
///
/// Fails where a rule is broken.
pub(crate) fn run(root: &Path) -> anyhow::Result<()> {
    let sources = sources(root)?;
    let mut offences = Vec::new();
    imports::check(&sources, &mut offences);
    sizes::check(&sources, &mut offences);
    dependencies::check(root, &mut offences)?;
    documents::check(root, &mut offences)?;
    if offences.is_empty() {
        return Ok(());
    }
    for offence in &offences {
        eprintln!("{offence}");
    }
    bail!("{} offences against the house rules", offences.len())
}

/// A file of ours.
struct Source {
    path: String,
    text: String,
}

impl Source {
    /// What is compiled into the product: the lines before the test module, without comments.
    fn code(&self) -> impl Iterator<Item = &str> {
        let shipped = self.text.lines().take_while(|line| *line != "#[cfg(test)]");
        shipped.filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with("//"))
    }

    fn is_below(&self, folder: &str) -> bool {
        self.path.starts_with(folder)
    }
}

fn tracked(root: &Path, pattern: &str) -> anyhow::Result<Vec<PathBuf>> {
    let listed = Command::new("git")
        .args([
            "ls-files",
            "--cached",
            "--others",
            "--exclude-standard",
            pattern,
        ])
        .current_dir(root)
        .output()
        .context("running git")?;
    let listed = String::from_utf8(listed.stdout)?;
    Ok(listed
        .lines()
        .map(PathBuf::from)
        .filter(|path| root.join(path).exists())
        .collect())
}

fn sources(root: &Path) -> anyhow::Result<Vec<Source>> {
    let mut sources = Vec::new();
    for path in tracked(root, "*.rs")? {
        let text = fs::read_to_string(root.join(&path))?;
        sources.push(Source {
            path: path.display().to_string(),
            text,
        });
    }
    Ok(sources)
}
