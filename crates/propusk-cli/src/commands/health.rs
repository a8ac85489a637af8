//! `propusk health`.

use std::process::ExitCode;

use propusk::client::{NotReady, ready};

use super::serve::{LISTEN, reachable};
use crate::{args::HealthArgs, config::ServeConfig, failure::Failure, output::answer};

pub(crate) async fn run(args: HealthArgs, config: ServeConfig) -> Result<ExitCode, Failure> {
    let listen = || {
        let listen = args.listen.clone().or(config.listen);
        reachable(listen.as_deref().unwrap_or(LISTEN))
    };
    let url = args.url.clone().unwrap_or_else(listen);
    match ready(&url).await {
        Ok(()) => {
            answer("ready")?;
            Ok(ExitCode::SUCCESS)
        }
        Err(error @ NotReady::Url) => Err(Failure::usage(format!("{url:?} {error}"))),
        Err(error) => Err(Failure::unavailable(format!("{url}: {error}"))),
    }
}
