//! `propusk token`.

use clap::{Args, Subcommand};
use propusk_store::Lifetime;

#[derive(Debug, Args)]
pub(crate) struct TokenArgs {
    /// Token store: sqlite:FILE or postgres://USER@HOST/DATABASE [default: sqlite:propusk.db]
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "PROPUSK_TOKENS",
        hide_env_values = true
    )]
    pub(crate) tokens: Option<String>,

    /// Prints JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,

    #[command(subcommand)]
    pub(crate) command: TokenCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Issues a token and prints it, once; nothing prints it again
    Issue(IssueArgs),
    /// Lists all tokens
    List,
    /// Shows one token
    Show {
        /// The token's id, as `list` shows it
        id: String,
    },
    /// Replaces a token by a new one with the same rights, and revokes the old one
    Rotate {
        /// The token's id
        id: String,
    },
    /// Revokes a token; a running server refuses it within a second
    Revoke {
        /// The token's id, or the token itself
        #[arg(value_name = "ID|TOKEN")]
        id: String,
    },
}

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct IssueArgs {
    /// Whom the token stands for
    #[arg(long, value_name = "NAME")]
    pub(crate) subject: String,

    /// A scope that it grants; repeatable
    #[arg(long, value_name = "SCOPE")]
    pub(crate) scope: Vec<String>,

    /// The client that will use it
    #[arg(long, value_name = "CLIENT")]
    pub(crate) client_id: Option<String>,

    /// How long it lives: a duration such as 30d or 12h, or never [default: 90d]
    #[arg(long, value_name = "DURATION", value_parser = lifetime, allow_hyphen_values = true)]
    pub(crate) expires_in: Option<Lifetime>,

    /// A name to recognise it by
    #[arg(long, value_name = "TEXT")]
    pub(crate) name: Option<String>,

    /// A resource URL that it is for; repeatable [default: every server that uses the store]
    #[arg(long, value_name = "URL")]
    pub(crate) audience: Vec<String>,
}

fn lifetime(text: &str) -> Result<Lifetime, String> {
    text.parse()
        .map_err(|error: propusk_store::InvalidLifetime| error.to_string())
}

const EXAMPLES: &str = "\
Examples:
  propusk token issue --subject alice --scope notes:read --scope notes:write
  propusk token issue --subject ci --expires-in 12h --name 'nightly build'
  export PROPUSK_TOKEN=$(propusk token issue --subject alice)";
