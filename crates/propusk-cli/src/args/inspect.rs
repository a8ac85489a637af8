//! `propusk inspect`.

use clap::Args;

use super::VerificationArgs;

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct InspectArgs {
    /// The token, or - to read it from standard input, where no other user of this machine sees it
    /// [env: PROPUSK_TOKEN]
    #[arg(value_name = "TOKEN")]
    pub(crate) token_to_inspect: Option<String>,

    /// What would be asked, as METHOD or METHOD:NAME, such as tools/call:notes_add
    /// [default: any request]
    #[arg(long, value_name = "METHOD[:NAME]")]
    pub(crate) operation: Option<String>,

    /// Prints JSON
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) verification: VerificationArgs,
}

const EXAMPLES: &str = "\
It takes the settings of serve, from the same flags, variables and [serve] in propusk.toml, and
never shows the token's signature or secret part. Exit codes: 0 the token would be accepted,
3 refused as not authenticated, 4 refused as not permitted, 5 cannot be verified now.

Examples:
  propusk inspect \"$PROPUSK_TOKEN\"
  propusk inspect - --issuer https://login.example --resource https://mcp.example.com/mcp < token
  propusk inspect --operation tools/call:notes_add \"$PROPUSK_TOKEN\"";
