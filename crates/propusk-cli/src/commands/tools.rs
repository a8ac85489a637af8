//! `propusk tools`.

use std::process::ExitCode;

use propusk::server::declared_scopes;

use super::connect::connect;
use crate::{
    args::ToolsArgs,
    config::CallConfig,
    failure::{Code, Failure},
    output::{printable, table},
};

pub(crate) async fn run(args: ToolsArgs, config: CallConfig) -> Result<ExitCode, Failure> {
    let session = connect(&args.url, args.client, config).await?;
    let listed = session.list_tools().await;
    session.close().await;
    let tools = listed?;
    if args.json {
        let json = serde_json::to_string_pretty(&tools).map_err(|error| {
            Failure::new(Code::Error, format!("the list cannot be printed: {error}"))
        })?;
        anstream::println!("{json}");
        return Ok(ExitCode::SUCCESS);
    }
    if tools.is_empty() {
        anstream::eprintln!("the server shows no tools to this caller");
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
    anstream::print!("{}", table(&rows));
    Ok(ExitCode::SUCCESS)
}
