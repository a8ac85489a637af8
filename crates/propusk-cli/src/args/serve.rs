//! `propusk serve`.

use clap::Args;

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ServeArgs {
    /// Address to listen on; port 0 is any free one [default: 127.0.0.1:8000]
    #[arg(long, value_name = "ADDRESS", env = "PROPUSK_LISTEN")]
    pub(crate) listen: Option<String>,

    /// URL that clients use, and the audience of tokens [default: http://<listen>/mcp]
    #[arg(long, value_name = "URL", env = "PROPUSK_RESOURCE")]
    pub(crate) resource: Option<String>,

    /// Token store [default: sqlite:propusk.db, unless --token is given]
    #[arg(long, value_name = "URL", env = "PROPUSK_TOKENS")]
    pub(crate) tokens: Option<String>,

    /// A fixed token for development, as TOKEN=SUBJECT[:SCOPE,SCOPE]; repeatable
    #[arg(
        long,
        value_name = "TOKEN=SUBJECT",
        env = "PROPUSK_FIXED_TOKENS",
        value_delimiter = ' ',
        hide_env_values = true
    )]
    pub(crate) token: Vec<String>,

    /// A scope that every request needs; repeatable
    #[arg(
        long,
        value_name = "SCOPE",
        env = "PROPUSK_REQUIRED_SCOPE",
        value_delimiter = ' '
    )]
    pub(crate) required_scope: Vec<String>,

    /// Who gets in: required, optional (no token is anonymous) or permissive (a bad one too)
    /// [default: required]
    #[arg(long, value_name = "WHO", env = "PROPUSK_ADMISSION")]
    pub(crate) admission: Option<String>,

    /// Lists all tools to everybody, with the scopes that they need and the caller lacks; by default
    /// a list shows what its caller may use
    #[arg(long, env = "PROPUSK_SHOW_ALL", value_parser = clap::builder::BoolishValueParser::new())]
    pub(crate) show_all: bool,

    /// One more Host that requests may name, beside that of the resource URL; repeatable
    #[arg(
        long,
        value_name = "HOST",
        env = "PROPUSK_ALLOWED_HOST",
        value_delimiter = ' '
    )]
    pub(crate) allowed_host: Vec<String>,

    /// One more origin whose browser pages may call, such as http://localhost:*; repeatable
    #[arg(
        long,
        value_name = "ORIGIN",
        env = "PROPUSK_ALLOWED_ORIGIN",
        value_delimiter = ' '
    )]
    pub(crate) allowed_origin: Vec<String>,

    /// Keeps no 2025-11-25 sessions: every request stands for itself, as several replicas need
    #[arg(long, env = "PROPUSK_STATELESS", value_parser = clap::builder::BoolishValueParser::new())]
    pub(crate) stateless: bool,
}

const EXAMPLES: &str = "\
Built-in tools: whoami, echo, notes_add (scope notes:write), notes_list (scope notes:read).

Examples:
  propusk serve
  propusk serve --listen 127.0.0.1:9000 --tokens sqlite:/var/lib/propusk/tokens.db
  propusk serve --token secret-token-123=alice:echo,notes:read
  propusk serve --listen 0.0.0.0:8000 --resource https://mcp.example.com/mcp";
