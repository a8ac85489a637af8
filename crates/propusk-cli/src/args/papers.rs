//! `propusk completions` and `propusk man`.

use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  source <(propusk completions bash)
  propusk completions zsh > ~/.zfunc/_propusk
  propusk completions fish > ~/.config/fish/completions/propusk.fish")]
pub(crate) struct CompletionsArgs {
    /// The shell
    pub(crate) shell: Shell,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  propusk man | man -l -
  propusk man --to /usr/local/share/man/man1")]
pub(crate) struct ManArgs {
    /// Writes the pages of all commands into this folder
    #[arg(long, value_name = "FOLDER")]
    pub(crate) to: Option<PathBuf>,
}
