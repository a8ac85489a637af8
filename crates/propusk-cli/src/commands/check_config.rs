//! `propusk check-config`: everything that `serve` would do before it listens, and nothing after.

mod values;

use std::process::ExitCode;

use serde::Serialize;

use super::serve::{Checked, Plan};
use crate::{
    args::CheckConfigArgs,
    config::Config,
    failure::Failure,
    output::{answer, note, visible},
};

use values::Value;

/// What is printed as JSON.
#[derive(Serialize)]
struct Report<'a> {
    file: Option<String>,
    settings: &'a [Value],
    endpoints: &'a [Checked],
    warnings: &'a [String],
}

pub(crate) async fn run(args: CheckConfigArgs, config: Config) -> Result<ExitCode, Failure> {
    let file = config.file.clone();
    let text = match &file {
        Some(file) => std::fs::read_to_string(file).map_err(Failure::usage)?,
        None => String::new(),
    };
    let mut values = values::typed(&args);
    let mut plan = Plan::resolve(args.serve, config)?;
    let (endpoints, warnings) = plan.check().await?;
    values::add_file(&mut values, &text, file.as_deref());
    values::add_defaults(&mut values, &plan.defaults());
    values.sort_by(|one, other| one.key.cmp(&other.key));
    let report = Report {
        file: file.map(|file| file.display().to_string()),
        settings: &values,
        endpoints: &endpoints,
        warnings: &warnings,
    };
    match args.json {
        true => print_json(&report)?,
        false => print(&report)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn print_json(report: &Report<'_>) -> Result<(), Failure> {
    let json = serde_json::to_string_pretty(report);
    answer(&json.map_err(Failure::unavailable)?)
}

fn print(report: &Report<'_>) -> Result<(), Failure> {
    for warning in report.warnings {
        note(&format!("warning: {}", visible(warning)));
    }
    let written: Vec<String> = report
        .settings
        .iter()
        .map(|value| visible(&format!("{} = {}", value.key, value.value)))
        .collect();
    let width = written.iter().map(|text| text.chars().count()).max();
    let width = width.unwrap_or_default().min(60);
    for (text, value) in written.iter().zip(report.settings) {
        answer(&format!("{text:width$}  # {}", visible(&value.source)))?;
    }
    answer("")?;
    for endpoint in report.endpoints {
        let Checked {
            name,
            resource,
            upstream,
            ..
        } = endpoint;
        answer(&visible(&format!("{resource} is {name}: {upstream}")))?;
    }
    note("this makes sense");
    Ok(())
}
