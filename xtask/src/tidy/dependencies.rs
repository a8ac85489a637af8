//! Licences, duplicate versions, and a reason for every direct dependency.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, ensure};
use serde_json::Value;

use crate::process;

/// Licences that permit everything we do, alone or as a choice.
const LICENCES: &[&str] = &[
    "MIT",
    "MIT-0",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Zlib",
    "0BSD",
    "Unlicense",
    "CC0-1.0",
    "Unicode-3.0",
    "CDLA-Permissive-2.0",
    "BSL-1.0",
    "OpenSSL",
    "NCSA",
];

/// Large dependencies that must not be built twice.
const ONCE: &[&str] = &[
    "axum",
    "http",
    "hyper",
    "reqwest",
    "rmcp",
    "rustls",
    "sqlx-core",
    "tokio",
    "tower-http",
    "url",
    "aws-lc-sys",
    "libsqlite3-sys",
    "clap_builder",
    "serde_json",
];

pub(super) fn check(root: &Path, offences: &mut Vec<String>) -> anyhow::Result<()> {
    let output = process::cargo(root)
        .args(["metadata", "--format-version", "1", "--locked"])
        .output()?;
    ensure!(
        output.status.success(),
        "cargo metadata: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    let packages = metadata["packages"].as_array().context("no packages")?;
    licences(packages, offences);
    duplicates(packages, offences);
    reasons(root, packages, offences)
}

fn licences(packages: &[Value], offences: &mut Vec<String>) {
    for package in packages {
        let licence = package["license"].as_str().unwrap_or("none");
        if !is_allowed(licence) {
            offences.push(format!(
                "{}: the licence {licence} is not on the list",
                package["name"]
            ));
        }
    }
}

/// Whether an SPDX expression can be satisfied from the list. `AND` binds tighter than `OR`.
fn is_allowed(expression: &str) -> bool {
    let plain = expression.replace(['(', ')'], " ").replace('/', " OR ");
    plain.split(" OR ").any(|choice| {
        choice
            .split(" AND ")
            .all(|licence| LICENCES.contains(&licence.trim()))
    })
}

fn duplicates(packages: &[Value], offences: &mut Vec<String>) {
    let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for package in packages {
        let name = package["name"].as_str().unwrap_or_default();
        versions
            .entry(name)
            .or_default()
            .push(package["version"].as_str().unwrap_or_default());
    }
    for name in ONCE {
        if let Some(found) = versions.get(name).filter(|found| found.len() > 1) {
            offences.push(format!(
                "{name} is built {} times: {}",
                found.len(),
                found.join(", ")
            ));
        }
    }
}

/// Every direct dependency is named in CONTRIBUTING.md, where its reason stands.
fn reasons(root: &Path, packages: &[Value], offences: &mut Vec<String>) -> anyhow::Result<()> {
    let contributing =
        fs::read_to_string(root.join("CONTRIBUTING.md")).context("CONTRIBUTING.md")?;
    let own = packages
        .iter()
        .filter(|package| package["source"].is_null());
    for dependency in
        own.flat_map(|package| package["dependencies"].as_array().into_iter().flatten())
    {
        let name = dependency["name"].as_str().unwrap_or_default();
        let foreign = dependency["path"].is_null();
        if foreign && !contributing.contains(&format!("`{name}`")) {
            offences.push(format!(
                "{name}: CONTRIBUTING.md does not say why it is a dependency"
            ));
        }
    }
    offences.dedup();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::is_allowed;

    #[test]
    fn licence_expressions() {
        for (expression, allowed) in [
            ("MIT", true),
            ("MIT OR GPL-3.0", true),
            ("MIT/Apache-2.0", true),
            ("GPL-3.0", false),
            ("MIT AND GPL-3.0", false),
            ("(MIT OR Apache-2.0) AND Unicode-3.0", true),
            ("none", false),
        ] {
            assert_eq!(is_allowed(expression), allowed, "{expression}");
        }
    }
}
