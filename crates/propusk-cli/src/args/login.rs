//! `propusk login`, `propusk logout` and `propusk status`.

use std::path::PathBuf;

use clap::{Args, builder::BoolishValueParser};

#[derive(Debug, Args)]
#[command(after_help = LOGIN_HELP)]
pub(crate) struct LoginArgs {
    /// URL of the MCP server
    pub(crate) url: String,

    /// Opens no browser: shows the address to go to, and takes the address that the browser ends at
    #[arg(long, env = "PROPUSK_NO_BROWSER", value_parser = BoolishValueParser::new())]
    pub(crate) no_browser: bool,

    /// A scope to ask for; repeatable [default: those that the server names]
    #[arg(long, value_name = "SCOPE", env = "PROPUSK_LOGIN_SCOPE")]
    pub(crate) scope: Vec<String>,

    /// A name for this login, where several people or roles sign in at one server
    #[arg(long, value_name = "NAME", env = "PROPUSK_ACCOUNT")]
    pub(crate) account: Option<String>,

    /// The authorization server that is accepted, wherever it is [default: the one that the server
    /// names, if its host is public or this machine]
    #[arg(long, value_name = "URL", env = "PROPUSK_LOGIN_ISSUER")]
    pub(crate) issuer: Option<String>,

    /// A client that was registered by hand, or the https URL of a client id metadata document
    /// [default: propusk registers itself]
    #[arg(long, value_name = "CLIENT", env = "PROPUSK_CLIENT_ID")]
    pub(crate) client_id: Option<String>,

    /// File with the secret of that client [env: PROPUSK_CLIENT_SECRET_FILE]
    #[arg(long, value_name = "FILE")]
    pub(crate) client_secret_file: Option<PathBuf>,

    /// Signs in the client itself, with its id and secret, and no person
    #[arg(long, env = "PROPUSK_CLIENT_CREDENTIALS", value_parser = BoolishValueParser::new())]
    pub(crate) client_credentials: bool,

    /// Binds the tokens to a key of this login (DPoP)
    #[arg(long, env = "PROPUSK_LOGIN_DPOP", value_parser = BoolishValueParser::new())]
    pub(crate) dpop: bool,

    /// Prints JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = LOGOUT_HELP)]
pub(crate) struct LogoutArgs {
    /// URL of the MCP server, as it was given to `login`
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    pub(crate) url: Option<String>,

    /// Every login at every server
    #[arg(long)]
    pub(crate) all: bool,

    // The variable is read later: it does not contradict `--all`, which this flag does.
    /// The login of this name only [default: all at the server] [env: PROPUSK_ACCOUNT]
    #[arg(long, value_name = "NAME", conflicts_with = "all")]
    pub(crate) account: Option<String>,

    /// Prints JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = STATUS_HELP)]
pub(crate) struct StatusArgs {
    /// URL of the MCP server, as it was given to `login` [default: all servers]
    pub(crate) url: Option<String>,

    /// The login of this name only
    #[arg(long, value_name = "NAME", env = "PROPUSK_ACCOUNT")]
    pub(crate) account: Option<String>,

    /// Prints JSON
    #[arg(long)]
    pub(crate) json: bool,
}

const LOGIN_HELP: &str = "\
Logins are kept in the keyring of the desktop where there is one, else in files that nobody else may
read, and `call` and `tools` use and renew them. The secret of a client that was registered by hand
is in PROPUSK_CLIENT_SECRET or in a file, and goes to the issuer that --issuer names; with
--client-credentials it is not kept.

Examples:
  propusk login https://mcp.example.com/mcp
  propusk login https://mcp.example.com/mcp --no-browser
  propusk login https://mcp.example.com/mcp --scope notes:read --scope notes:write
  PROPUSK_CLIENT_SECRET=… propusk login https://mcp.example.com/mcp --client-credentials \\
      --client-id nightly-report --issuer https://login.example.com";

const LOGOUT_HELP: &str = "\
The tokens are revoked at their issuer where it offers that (RFC 7009), and forgotten here in any case.
Exit codes: 0 done, 1 nobody was signed in there, 5 the tokens were not revoked, or a
login could not be forgotten.";

const STATUS_HELP: &str = "\
Exit codes: 0 somebody is signed in, 3 nobody is signed in at that server, or the login has ended,
5 a login cannot be read.";
