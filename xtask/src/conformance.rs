//! Runs the official MCP conformance suite against `conformance-server`.
//!
//! The verdict is this file's own, from the suite's list of required scenarios and the checks it
//! wrote: a required scenario that the suite left out, or that checked nothing, is a failure too.

use std::{
    collections::BTreeMap,
    fmt,
    fs::{self, File},
    path::Path,
    process::Command,
};

use anyhow::{Context, ensure};
use serde_json::Value;

use crate::{
    node::{self, NodeTools},
    process::{self, Server},
};

/// Newest first. The same server must satisfy both.
const REVISIONS: [&str; 2] = ["2026-07-28", "2025-11-25"];

/// What the suite appends to the name of a result folder: `-2026-01-31T23-59-59-999Z`.
const TIMESTAMP_LENGTH: usize = 25;

/// Runs every required server scenario of both revisions and prints one line for each revision.
///
/// # Errors
///
/// Fails when anything required failed or did not run, after all of it is printed.
pub(crate) fn run(root: &Path) -> anyhow::Result<()> {
    let tools = node::suite_runtime(root)?;
    let program = process::build(root, "propusk-conformance", "conformance-server", false)?;
    let server = Server::start(Command::new(program).arg("0"))?;
    let mut passed = true;
    for revision in REVISIONS {
        let report = check(&tools, revision, &server.url, root)?;
        println!("{report}");
        passed &= report.failed().next().is_none();
    }
    ensure!(passed, "see .work/conformance for the checks that failed");
    Ok(())
}

/// Runs the suite for one revision, with its results in `.work/conformance/<revision>`.
fn check(tools: &NodeTools, revision: &str, url: &str, root: &Path) -> anyhow::Result<Report> {
    let folder = root.join(".work/conformance").join(revision);
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    let log = File::create(folder.join("suite.log"))?;
    let status = Command::new(&tools.node)
        .arg(&tools.conformance)
        .args(["server", "--url", url, "--requirements", revision])
        .arg("--output-dir")
        .arg(&folder)
        .stdout(log.try_clone()?)
        .stderr(log)
        .status()
        .context("running the conformance suite")?;

    let list = tools.requirements.join(format!("{revision}.yaml"));
    let report = Report {
        revision: revision.to_owned(),
        problems: problems(&required(&fs::read_to_string(list)?), &folder)?,
    };
    ensure!(!report.problems.is_empty(), "no scenario is required");
    ensure!(
        status.success() || report.failed().next().is_some(),
        "the suite failed, and no required scenario says why: see {}",
        folder.join("suite.log").display()
    );
    Ok(report)
}

/// The outcome of one revision: for each required scenario, what is wrong with it.
struct Report {
    revision: String,
    problems: BTreeMap<String, Vec<String>>,
}

impl Report {
    fn failed(&self) -> impl Iterator<Item = (&String, &Vec<String>)> {
        let all = self.problems.iter();
        all.filter(|(_, problems)| !problems.is_empty())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (revision, all) = (&self.revision, self.problems.len());
        let passed = all - self.failed().count();
        write!(
            f,
            "conformance server {revision}: {passed} of {all} required scenarios pass"
        )?;
        for (scenario, problems) in self.failed() {
            write!(f, "\n  {scenario}")?;
            for problem in problems {
                write!(f, "\n    {problem}")?;
            }
        }
        Ok(())
    }
}

/// The scenarios below the key `server:` of a requirements file, which is a plain list of names.
fn required(yaml: &str) -> Vec<&str> {
    yaml.lines()
        .skip_while(|line| *line != "server:")
        .skip(1)
        .take_while(|line| line.is_empty() || line.starts_with([' ', '#']))
        .filter_map(|line| line.trim().strip_prefix("- "))
        .collect()
}

fn problems(required: &[&str], folder: &Path) -> anyhow::Result<BTreeMap<String, Vec<String>>> {
    let mut problems: BTreeMap<_, _> = required
        .iter()
        .map(|scenario| ((*scenario).to_owned(), vec!["did not run".to_owned()]))
        .collect();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let scenario = name.to_str().and_then(scenario_of);
        if let Some(found) = scenario.and_then(|scenario| problems.get_mut(scenario)) {
            let checks = fs::read(entry.path().join("checks.json"))?;
            *found = failures(&serde_json::from_slice::<Vec<Value>>(&checks)?);
        }
    }
    Ok(problems)
}

/// The scenario of a result folder `server-<scenario>-<timestamp>`.
fn scenario_of(folder: &str) -> Option<&str> {
    let name = folder.strip_prefix("server-")?;
    name.get(..name.len().checked_sub(TIMESTAMP_LENGTH)?)
}

/// The failed checks of one scenario, in words.
fn failures(checks: &[Value]) -> Vec<String> {
    let with = |status| checks.iter().filter(move |check| check["status"] == status);
    if with("SUCCESS").next().is_none() && with("FAILURE").next().is_none() {
        return vec!["checked nothing".to_owned()];
    }
    with("FAILURE")
        .map(|check| {
            let text = |field: &str| check[field].as_str().unwrap_or("?").to_owned();
            format!("{}: {}", text("id"), text("errorMessage"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{failures, required, scenario_of};

    #[test]
    fn required_scenarios_are_those_below_server() {
        let yaml =
            "# head\n\nserver:\n  - ping\n  # why\n\n  - tools-list\n\nclient:\n  - auth/x\n";
        assert_eq!(required(yaml), ["ping", "tools-list"]);
        assert!(required("client:\n  - auth/x\n").is_empty());
    }

    #[test]
    fn a_result_folder_names_its_scenario() {
        let table = [
            ("server-ping-2026-11-23T08-42-05-635Z", Some("ping")),
            (
                "server-server-stateless-2026-11-23T08-42-05-635Z",
                Some("server-stateless"),
            ),
            ("suite.log", None),
            ("server-x", None),
        ];
        for (folder, scenario) in table {
            assert_eq!(scenario_of(folder), scenario, "{folder}");
        }
    }

    #[test]
    fn a_scenario_fails_by_a_failed_check_or_by_none_at_all() {
        let check = |status| json!({"id": "a", "status": status, "errorMessage": "why"});
        let table = [
            (vec![check("SUCCESS"), check("WARNING")], vec![]),
            (vec![check("SUCCESS"), check("FAILURE")], vec!["a: why"]),
            (vec![check("SKIPPED")], vec!["checked nothing"]),
            (vec![], vec!["checked nothing"]),
        ];
        for (checks, expected) in table {
            assert_eq!(failures(&checks), expected, "{checks:?}");
        }
    }
}
