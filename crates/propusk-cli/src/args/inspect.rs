//! `propusk inspect`.

use clap::{Arg, Args};

use super::ServeArgs;

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, mut_args(as_settings))]
pub(crate) struct InspectArgs {
    /// The token, or - to read it from standard input, where no other user of this machine sees it
    /// [env: PROPUSK_TOKEN]
    #[arg(value_name = "TOKEN")]
    pub(crate) token_to_inspect: Option<String>,

    /// What would be asked, as METHOD or METHOD:NAME, such as tools/call:notes_add
    /// [default: any request]
    #[arg(long, value_name = "METHOD[:NAME]")]
    pub(crate) operation: Option<String>,

    /// Of several endpoints, the one with this name or path
    #[arg(long, value_name = "NAME|PATH")]
    pub(crate) endpoint: Option<String>,

    /// Prints JSON
    #[arg(long)]
    pub(crate) json: bool,

    /// The same words as those of serve, so that what was typed there can be typed here.
    #[command(flatten)]
    pub(crate) serve: ServeArgs,
}

/// Flags of serve that bear on no decision about a token: accepted, and not shown.
const WITHOUT_EFFECT: [&str; 11] = [
    "suggested_scope",
    "show_all",
    "allowed_host",
    "allowed_origin",
    "dpop_nonces",
    "no_web",
    "stateless",
    "audit",
    "metrics",
    "tls_key",
    "server_command",
];

fn as_settings(argument: Arg) -> Arg {
    match argument.get_id().as_str() {
        "listen" => argument.help(
            "Address of the server, for its resource URL where none is given [default: 127.0.0.1:8000]",
        ),
        id if WITHOUT_EFFECT.contains(&id) => argument.hide(true),
        _ => argument,
    }
}

const EXAMPLES: &str = "\
It takes the settings of serve (the same flags, variables, and [serve] and [scopes] in propusk.toml)
and decides as serve would. It never shows the token's signature or secret part. Exit codes: 0 the
request would be permitted, 2 usage, 3 the token is not accepted (also where the request would go on
anonymously), 4 it does not permit the operation, 5 it cannot be verified now.

Examples:
  propusk inspect \"$PROPUSK_TOKEN\"
  propusk inspect - --issuer https://login.example --resource https://mcp.example.com/mcp < token
  propusk inspect --operation tools/call:notes_add \"$PROPUSK_TOKEN\"";

#[cfg(test)]
mod tests {
    use clap::Command;

    use super::*;

    #[test]
    fn what_is_not_shown_is_there_and_everything_else_is_shown() {
        let command = InspectArgs::augment_args(Command::new("inspect"));
        let hidden = command.get_arguments().filter(|arg| arg.is_hide_set());
        let mut hidden: Vec<&str> = hidden.map(|arg| arg.get_id().as_str()).collect();
        hidden.sort_unstable();
        let mut expected = WITHOUT_EFFECT;
        expected.sort_unstable();
        assert_eq!(hidden, expected);
    }
}
