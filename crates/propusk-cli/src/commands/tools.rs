//! `propusk tools`.

use std::process::ExitCode;

use propusk::server::{declared_scopes, missing_scopes};
use rmcp::model::Tool;

use super::connect::connect;
use crate::{
    args::ToolsArgs,
    config::CallConfig,
    failure::Failure,
    output::{answer, json, note, table, visible},
};

pub(crate) async fn run(args: ToolsArgs, config: CallConfig) -> Result<ExitCode, Failure> {
    let connected = connect(&args.url, args.client, config).await?;
    let listed = connected.session.list_tools().await;
    let listed = listed.map_err(|error| connected.explain(error));
    connected.session.close().await;
    let tools = listed?;
    if args.json {
        answer(&json(&tools)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    if tools.is_empty() {
        note("the server shows no tools to this caller");
    }
    let rows: Vec<Vec<String>> = tools.iter().map(row).collect();
    answer(&table(&rows))?;
    if tools.iter().any(|tool| missing_scopes(tool).is_some()) {
        note("what is locked opens with a token that has the scopes it lacks");
    }
    Ok(ExitCode::SUCCESS)
}

fn row(tool: &Tool) -> Vec<String> {
    let (needs, lacks) = (declared_scopes(tool), missing_scopes(tool));
    let mut scopes = match needs.is_empty() {
        true => String::new(),
        false => format!("[{needs}] "),
    };
    match lacks {
        None => {}
        Some(lacks) if lacks.is_empty() => scopes.push_str("locked"),
        Some(lacks) => scopes.push_str(&format!("locked, lacks {lacks}")),
    }
    let description = tool.description.as_deref().unwrap_or_default();
    let first_line = description.lines().next().unwrap_or_default();
    vec![
        visible(&tool.name),
        scopes.trim_end().to_owned(),
        visible(first_line),
    ]
}
