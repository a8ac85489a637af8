//! `propusk tools`.

use std::process::ExitCode;

use propusk::server::declared_scopes;

use super::connect::connect;
use crate::{
    args::ToolsArgs,
    config::CallConfig,
    failure::Failure,
    output::{answer, json, note, printable, table},
};

pub(crate) async fn run(args: ToolsArgs, config: CallConfig) -> Result<ExitCode, Failure> {
    let session = connect(&args.url, args.client, config).await?;
    let listed = session.list_tools().await;
    session.close().await;
    let tools = listed?;
    if args.json {
        answer(&json(&tools)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    if tools.is_empty() {
        note("the server shows no tools to this caller");
    }
    let rows: Vec<Vec<String>> = tools
        .iter()
        .map(|tool| {
            let scopes = declared_scopes(tool);
            let needs = if scopes.is_empty() {
                String::new()
            } else {
                format!("[{scopes}]")
            };
            let description = tool.description.as_deref().unwrap_or_default();
            let first_line = description.lines().next().unwrap_or_default();
            vec![printable(&tool.name), needs, printable(first_line)]
        })
        .collect();
    answer(&table(&rows))?;
    Ok(ExitCode::SUCCESS)
}
