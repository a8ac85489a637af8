//! The command line as typed.

mod call;
mod check_config;
mod health;
mod init;
mod inspect;
mod login;
mod papers;
mod serve;
mod token;
mod typed;
mod verification;

use std::path::PathBuf;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

pub(crate) use call::{CallArgs, ClientArgs, JsonArgument, ToolsArgs};
pub(crate) use check_config::CheckConfigArgs;
pub(crate) use health::HealthArgs;
pub(crate) use init::InitArgs;
pub(crate) use inspect::InspectArgs;
pub(crate) use login::{LoginArgs, LogoutArgs, StatusArgs};
pub(crate) use papers::{CompletionsArgs, ManArgs};
pub(crate) use serve::ServeArgs;
pub(crate) use token::{IssueArgs, TokenArgs, TokenCommand};
pub(crate) use verification::VerificationArgs;

/// Token authorization for the Model Context Protocol.
///
/// `propusk serve` protects an MCP server, or is one; `propusk token` issues and revokes its tokens;
/// `propusk call` and `propusk tools` talk to any MCP server; `propusk login` signs in at one;
/// `propusk inspect` explains a token; `propusk init` writes settings for a server, and
/// `propusk check-config` checks them.
#[derive(Debug, Parser)]
#[command(name = "propusk", version, after_help = EXIT_CODES)]
pub struct Cli {
    /// Reads settings from this TOML file [serve, token, inspect, check-config and health read ./propusk.toml where it exists]
    #[arg(long, global = true, value_name = "FILE", env = "PROPUSK_CONFIG", help_heading = EVERYWHERE)]
    pub(crate) config: Option<PathBuf>,

    /// What to log to stderr, such as `debug` or `info,rmcp=error`
    #[arg(long, global = true, value_name = "FILTER", env = "PROPUSK_LOG", help_heading = EVERYWHERE)]
    pub(crate) log: Option<String>,

    #[arg(skip)]
    store_is_typed: bool,

    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Cli {
    /// What was typed, with what the environment adds. A wrong usage ends the process with 2.
    #[must_use]
    pub fn typed() -> Self {
        let command = typed::without_empty_variables(Self::command());
        let words = typed::with_lone_json(std::env::args_os());
        let matches = command.clone().try_get_matches_from(words);
        let matches = matches.unwrap_or_else(|error| {
            typed::name_variables(&error);
            typed::exit(&error)
        });
        let mut cli = Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
        if let Some(verification) = cli.command.verification_mut() {
            verification.typed = typed::of_identity_servers(&matches);
        }
        if let Command::CheckConfig(args) = &mut cli.command {
            args.sources = typed::sources(&command, &matches);
        }
        cli.store_is_typed = typed::is_typed(&matches, "tokens");
        cli
    }

    /// The token store, if it stands on the command line, where others see it.
    pub(crate) fn typed_store(&self) -> Option<&str> {
        let store = match &self.command {
            Command::Serve(args) => &args.verification.tokens,
            Command::Inspect(args) => &args.serve.verification.tokens,
            Command::CheckConfig(args) => &args.serve.verification.tokens,
            Command::Token(args) => &args.tokens,
            _ => return None,
        };
        store.as_deref().filter(|_| self.store_is_typed)
    }
}

/// What every command takes, after what is its own.
const EVERYWHERE: &str = "Options of every command";

const EXIT_CODES: &str = "\
Exit codes: 0 done; 1 the tool answered with an error, or the token or the store that was asked for
is not there; 2 usage; 3 not authenticated; 4 not permitted; 5 unavailable.

Every setting has a flag, an environment variable and a key in propusk.toml, in this order; the
scopes of single tools and what is special about one identity server are in the file only.";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serves an MCP server, protected by tokens: any, or the built-in one
    Serve(ServeArgs),
    /// Issues, lists, shows, rotates and revokes tokens
    Token(TokenArgs),
    /// Calls a tool of an MCP server
    Call(CallArgs),
    /// Lists the tools of an MCP server
    Tools(ToolsArgs),
    /// Signs in at an MCP server and keeps the login
    Login(Box<LoginArgs>),
    /// Revokes a login and forgets it
    Logout(LogoutArgs),
    /// Says who is signed in, where, and until when
    Status(StatusArgs),
    /// Says which verifier takes a token, what it claims, and why it would be refused
    Inspect(InspectArgs),
    /// Says whether a server accepts work, for health checks
    Health(HealthArgs),
    /// Asks a server what it has, and writes a configuration to protect it with
    Init(InitArgs),
    /// Checks all settings of serve, and prints those in force and where they come from
    CheckConfig(CheckConfigArgs),
    /// Prints the completions of a shell
    Completions(CompletionsArgs),
    /// Prints the manual page
    Man(ManArgs),
}

impl Command {
    pub(crate) fn is_server(&self) -> bool {
        matches!(self, Self::Serve(_))
    }

    fn verification_mut(&mut self) -> Option<&mut VerificationArgs> {
        match self {
            Self::Serve(args) => Some(&mut args.verification),
            Self::Inspect(args) => Some(&mut args.serve.verification),
            Self::CheckConfig(args) => Some(&mut args.serve.verification),
            _ => None,
        }
    }

    /// Whether ./propusk.toml is read: for what runs beside a store, not for a client that may be
    /// run in a folder of somebody else's.
    pub(crate) fn uses_local_config(&self) -> bool {
        matches!(
            self,
            Self::Serve(_)
                | Self::Token(_)
                | Self::Inspect(_)
                | Self::CheckConfig(_)
                | Self::Health(_)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definitions_are_consistent() {
        Cli::command().debug_assert();
    }
}
