//! The command line of propusk: arguments, then a resolved configuration, then a library call. It
//! decides nothing about authorization.

mod args;
pub mod builtin;
mod commands;
mod config;
mod failure;
mod nearest;
mod output;
mod terminal;
mod waiting;

use std::{process::ExitCode, time::Duration};

pub use args::Cli;
use args::Command;
use failure::Failure;

/// For so long work that was begun may go on when everything else has ended.
const LAST_WORK: Duration = Duration::from_secs(2);

/// Runs one command and tells how the process should end.
#[must_use]
pub fn run(cli: Cli) -> ExitCode {
    let done = start(cli);
    done.unwrap_or_else(|failure| failure.report())
}

/// Renews a login on behalf of another propusk, where this process was started for that. It is no
/// command: no human types it, and neither settings nor log are of its concern.
#[must_use]
pub fn renew_login() -> Option<ExitCode> {
    let first = std::env::args_os().nth(1)?;
    (first == commands::RENEW_LOGIN).then(|| {
        let renewed = runtime().and_then(|runtime| runtime.block_on(commands::login::renew()));
        renewed.unwrap_or_else(|failure| failure.report())
    })
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::unavailable(format!("cannot start: {error}")))
}

fn start(cli: Cli) -> Result<ExitCode, Failure> {
    let config = config::Config::load(cli.config.as_deref(), cli.command.uses_local_config())?;
    output::init_log(
        cli.log.as_deref().or(config.log.as_deref()),
        cli.command.is_server(),
    )?;
    if let Some(url) = cli.typed_store() {
        commands::warn_of_password(url);
    }
    let runtime = runtime()?;
    let done = runtime.block_on(async {
        match cli.command {
            Command::Serve(args) => commands::serve::run(args, config).await,
            Command::Token(args) => commands::token::run(args, config.tokens).await,
            Command::Login(args) => commands::login::run(*args, config.login).await,
            Command::Logout(args) => commands::logout::run(args, config.login).await,
            Command::Status(args) => commands::status::run(args, config.login).await,
            Command::Health(args) => commands::health::run(args, config).await,
            Command::Completions(args) => commands::papers::completions(&args),
            Command::Man(args) => commands::papers::man(&args),
            Command::Call(args) => commands::call::run(args, config.call).await,
            Command::Tools(args) => commands::tools::run(args, config.call).await,
            Command::Init(args) => commands::init::run(args, config.call).await,
            Command::CheckConfig(args) => commands::check_config::run(args, config).await,
            Command::Inspect(args) => commands::inspect::run(args, config).await,
        }
    });
    // A thread that hangs in a file system does not hold up a stop that was asked for.
    runtime.shutdown_timeout(LAST_WORK);
    done
}
