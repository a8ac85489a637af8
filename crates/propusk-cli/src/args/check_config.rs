//! `propusk check-config`.

use std::collections::BTreeMap;

use clap::{Arg, Args};

use super::{ServeArgs, typed::Source};

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, mut_args(as_settings))]
pub(crate) struct CheckConfigArgs {
    /// Prints JSON
    #[arg(long)]
    pub(crate) json: bool,

    /// The same words as those of serve, so that what was typed there can be typed here.
    #[command(flatten)]
    pub(crate) serve: ServeArgs,

    /// Where each flag has its value from.
    #[arg(skip)]
    pub(crate) sources: BTreeMap<String, Source>,
}

/// All flags of serve are taken; none is explained again.
fn as_settings(argument: Arg) -> Arg {
    match argument.get_id().as_str() {
        "json" | "help" => argument,
        _ => argument.hide(true),
    }
}

const EXAMPLES: &str = "\
Takes every flag of serve, reads what serve would read, and says what serve would do: nothing is
asked over the network, no address is taken, no store is opened and no program is started. The files
that are named are read, and programs are looked for. Secrets are not shown.
Exit codes: 0 it makes sense, 2 it does not.

Examples:
  propusk check-config
  propusk check-config --config /etc/propusk/propusk.toml --json
  propusk check-config --upstream http://127.0.0.1:9000/mcp --issuer https://login.example";
