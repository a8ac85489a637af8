//! The files below `deploy/`, checked by those who know: systemd itself, and a linter of Dockerfiles.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, ensure};

use crate::{clients, debian, process};

/// In tenths, of ten: what `systemd-analyze security` may find exposed. "OK" begins below 50.
const MOST_EXPOSED: &str = "15";

/// Checks the unit and the Dockerfile.
///
/// # Errors
///
/// Fails where something is wrong with them, or a program for it cannot be had.
pub(crate) fn check(root: &Path) -> anyhow::Result<()> {
    unit(root)?;
    dockerfile(root)
}

fn unit(root: &Path) -> anyhow::Result<()> {
    debian::systemd()?;
    let unit = fs::read_to_string(root.join("deploy/propusk.service"))?;
    let program = "/usr/bin/propusk";
    ensure!(unit.contains(program), "the unit does not start {program}");
    let folder = root.join(".work/deploy");
    fs::create_dir_all(&folder)?;
    // A program that is not installed here would be found fault with.
    let checked = folder.join("propusk.service");
    fs::write(&checked, unit.replace(program, "/usr/bin/true"))?;
    let analyze = |arguments: &[&str]| -> anyhow::Result<String> {
        let output = Command::new("systemd-analyze")
            .args(arguments)
            .arg(&checked)
            .output()
            .context("running systemd-analyze")?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (said, complained) = (text(&output.stdout), text(&output.stderr));
        ensure!(output.status.success(), "{said}{complained}");
        // An unknown setting is a complaint, and no failure.
        ensure!(!complained.contains("propusk.service:"), "{complained}");
        Ok(said)
    };
    analyze(&["verify", "--man=no"])?;
    let threshold = format!("--threshold={MOST_EXPOSED}");
    let report = analyze(&["security", "--offline=true", "--no-pager", &threshold])?;
    let overall = report.lines().find(|line| line.contains("exposure level"));
    let overall = overall.context("systemd-analyze gave no figure")?;
    println!(
        "deploy/propusk.service: {}",
        overall.trim_start_matches(['→', ' '])
    );
    Ok(())
}

fn dockerfile(root: &Path) -> anyhow::Result<()> {
    let python = clients::python_in(root, ".work/hadolint", "deploy/requirements.txt")?;
    let hadolint = python.with_file_name("hadolint");
    process::run(Command::new(hadolint).arg(root.join("deploy/Dockerfile")))?;
    println!("deploy/Dockerfile: hadolint finds nothing");
    Ok(())
}
