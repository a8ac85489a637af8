//! `propusk init`.

use std::path::PathBuf;

use clap::Args;

use super::ClientArgs;

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct InitArgs {
    /// URL of the MCP server that is to be protected
    #[arg(
        long,
        value_name = "URL",
        required_unless_present = "server_command",
        conflicts_with = "server_command"
    )]
    pub(crate) upstream: Option<String>,

    /// The program that is to be protected, with its arguments; it stands last, after --
    #[arg(last = true, value_name = "COMMAND")]
    pub(crate) server_command: Vec<String>,

    /// Where to write to, a file that is not there yet; - is standard output
    #[arg(long, value_name = "FILE", default_value = "propusk.toml")]
    pub(crate) output: PathBuf,

    /// What the scopes begin with, as NAME:read [default: what the server calls itself]
    #[arg(long, value_name = "NAME")]
    pub(crate) scope_prefix: Option<String>,

    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

const EXAMPLES: &str = "\
Asks the server for its tools, prompts and resources, and writes a configuration with a scope for
each: tools that only read, those that change something, and those that may destroy something are
told apart by what the server says of them. Read it before you use it: the server may be wrong.
Exit codes: 0 written, 2 usage or the file is there, 3 or 4 the server wants a token, 5 not reached.

Examples:
  propusk init -- npx -y @modelcontextprotocol/server-everything
  propusk init --upstream http://127.0.0.1:9000/mcp --output -";
