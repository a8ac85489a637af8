//! What the suite found, from the files that it wrote.

use std::{collections::BTreeMap, fmt, fs, path::Path};

use serde_json::Value;

/// What the suite appends to the name of a result folder: `-2026-01-31T23-59-59-999Z`.
const TIMESTAMP_LENGTH: usize = 25;

/// The outcome of one side in one revision: for each scenario that must pass, what is wrong with it.
#[derive(Debug)]
pub(super) struct Report {
    /// `server` or `client`, and what stands before it.
    pub(super) side: &'static str,
    pub(super) revision: String,
    /// Those that the suite's own list requires.
    pub(super) required: BTreeMap<String, Vec<String>>,
    /// Those that this project requires besides.
    pub(super) besides: BTreeMap<String, Vec<String>>,
}

impl Report {
    pub(super) fn failed(&self) -> impl Iterator<Item = (&String, &Vec<String>)> {
        let all = self.required.iter().chain(&self.besides);
        all.filter(|(_, problems)| !problems.is_empty())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let passed = |all: &BTreeMap<_, Vec<_>>| all.values().filter(|it| it.is_empty()).count();
        write!(
            f,
            "conformance {} {}: {} of {} required scenarios pass",
            self.side,
            self.revision,
            passed(&self.required),
            self.required.len()
        )?;
        if !self.besides.is_empty() {
            let (passed, all) = (passed(&self.besides), self.besides.len());
            write!(f, ", and {passed} of {all} others")?;
        }
        for (scenario, problems) in self.failed() {
            write!(f, "\n  {scenario}")?;
            for problem in problems {
                write!(f, "\n    {problem}")?;
            }
        }
        Ok(())
    }
}

/// The scenarios of one side in a requirements file, which is a plain list of names.
pub(super) fn required<'a>(yaml: &'a str, side: &str) -> Vec<&'a str> {
    yaml.lines()
        .skip_while(|line| line.strip_suffix(':') != Some(side))
        .skip(1)
        .take_while(|line| line.is_empty() || line.starts_with([' ', '#']))
        .filter_map(|line| line.trim().strip_prefix("- "))
        .collect()
}

/// What is wrong with these scenarios, from the result folders below this one. The name of a scenario
/// may have a slash; its folder is then below another.
pub(super) fn problems(
    scenarios: &[&str],
    prefix: &str,
    folder: &Path,
) -> anyhow::Result<BTreeMap<String, Vec<String>>> {
    let mut problems: BTreeMap<_, _> = scenarios
        .iter()
        .map(|scenario| ((*scenario).to_owned(), vec!["did not run".to_owned()]))
        .collect();
    let mut folders = vec![(folder.to_owned(), String::new())];
    while let Some((folder, before)) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name();
            let name = format!("{before}{}", name.to_string_lossy());
            let path = entry.path().join("checks.json");
            let scenario = scenario_of(&name, prefix);
            if let Some(found) = scenario.and_then(|scenario| problems.get_mut(scenario)) {
                *found = failures(&serde_json::from_slice::<Vec<Value>>(&fs::read(path)?)?);
            } else if entry.file_type()?.is_dir() && !path.exists() {
                folders.push((entry.path(), format!("{name}/")));
            }
        }
    }
    Ok(problems)
}

/// The scenario of a result folder `<prefix><scenario>-<timestamp>`.
fn scenario_of<'a>(folder: &'a str, prefix: &str) -> Option<&'a str> {
    let name = folder.strip_prefix(prefix)?;
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
    use std::fs;

    use serde_json::json;

    use super::{failures, problems, required, scenario_of};

    #[test]
    fn required_scenarios_are_those_below_their_side() {
        let yaml =
            "# head\n\nserver:\n  - ping\n  # why\n\n  - tools-list\n\nclient:\n  - auth/x\n";
        assert_eq!(required(yaml, "server"), ["ping", "tools-list"]);
        assert_eq!(required(yaml, "client"), ["auth/x"]);
        assert!(required("client:\n  - auth/x\n", "server").is_empty());
    }

    #[test]
    fn a_result_folder_names_its_scenario() {
        let table = [
            (
                "server-ping-2026-11-23T08-42-05-635Z",
                "server-",
                Some("ping"),
            ),
            (
                "server-server-stateless-2026-11-23T08-42-05-635Z",
                "server-",
                Some("server-stateless"),
            ),
            ("auth/dpop-2026-11-23T08-42-05-635Z", "", Some("auth/dpop")),
            ("suite.log", "server-", None),
            ("server-x", "server-", None),
            ("suite.log", "", None),
        ];
        for (folder, prefix, scenario) in table {
            assert_eq!(scenario_of(folder, prefix), scenario, "{folder}");
        }
    }

    /// The client's scenarios have folders within folders.
    #[test]
    fn results_are_found_in_folders_of_folders() {
        let folder =
            std::env::temp_dir().join(format!("propusk-conformance-{}", std::process::id()));
        let result = folder.join("auth/dpop-2026-11-23T08-42-05-635Z");
        fs::create_dir_all(&result).expect("a folder");
        let checks = r#"[{"id": "a", "status": "SUCCESS"}]"#;
        fs::write(result.join("checks.json"), checks).expect("written");
        let found = problems(&["auth/dpop", "auth/wif"], "", &folder);
        fs::remove_dir_all(&folder).expect("removed");
        let found = found.expect("read");
        assert!(found["auth/dpop"].is_empty());
        assert_eq!(found["auth/wif"], ["did not run"]);
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
