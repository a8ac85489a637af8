//! `propusk call` and `propusk tools`.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct ClientArgs {
    /// Bearer token; visible to other users of this machine, so rather use the variable
    /// [env: PROPUSK_TOKEN]
    #[arg(long, value_name = "TOKEN")]
    pub(crate) token: Option<String>,

    /// File with the bearer token [env: PROPUSK_TOKEN_FILE]
    #[arg(long, value_name = "FILE", conflicts_with = "token")]
    pub(crate) token_file: Option<PathBuf>,

    /// Uses the login of this name, where no token is given
    #[arg(long, value_name = "NAME", env = "PROPUSK_ACCOUNT")]
    pub(crate) account: Option<String>,

    /// Protocol: auto, modern (2026-07-28) or legacy (2025-11-25) [default: auto]
    #[arg(long, value_name = "ERA", env = "PROPUSK_ERA")]
    pub(crate) era: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CallArgs {
    /// URL of the MCP server
    pub(crate) url: String,

    /// Name of the tool
    pub(crate) tool: String,

    /// Arguments: KEY=VALUE is text, KEY:=JSON is JSON
    #[arg(value_name = "KEY=VALUE|KEY:=JSON")]
    pub(crate) arguments: Vec<String>,

    /// Alone: prints the whole result as JSON. With a JSON object: takes it as the arguments
    #[arg(long, value_name = "OBJECT", num_args = 0..=1, default_missing_value = "", action = clap::ArgAction::Append)]
    pub(crate) json: Vec<JsonArgument>,

    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ToolsArgs {
    /// URL of the MCP server
    pub(crate) url: String,

    /// Prints JSON
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

/// What stands after `--json`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum JsonArgument {
    /// Nothing: the output is to be JSON.
    Output,
    /// An object of arguments.
    Object(serde_json::Map<String, serde_json::Value>),
}

impl std::str::FromStr for JsonArgument {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.trim_start().chars().next() {
            None => Ok(Self::Output),
            Some('{') => serde_json::from_str(text)
                .map(Self::Object)
                .map_err(|error| format!("this is not a JSON object: {error}")),
            Some(_) => {
                Err("this is not a JSON object; write --json '{\"key\": \"value\"}'".to_owned())
            }
        }
    }
}

const EXAMPLES: &str = "\
Text content is printed as text, structured content as JSON. Without a token the login of the server
is used (propusk login), and renewed where it has to be.

Examples:
  export PROPUSK_TOKEN=…
  propusk call http://127.0.0.1:8000/mcp whoami
  propusk call http://127.0.0.1:8000/mcp echo message='hello there'
  propusk call http://127.0.0.1:8000/mcp notes_add text=milk tags:='[\"shop\"]'
  propusk call http://127.0.0.1:8000/mcp echo --json '{\"message\": \"hello\"}'";
