//! `propusk health`.

use std::process::ExitCode;

use propusk::client::{NotReady, ready};

use super::serve::{LISTEN, reachable};
use crate::{args::HealthArgs, config::Config, failure::Failure, output::answer};

pub(crate) async fn run(args: HealthArgs, config: Config) -> Result<ExitCode, Failure> {
    let listen = || {
        let listen = args.listen.clone().or(config.serve.listen);
        let tls = args.tls_certificate.is_some() || config.tls.is_on();
        reachable(listen.as_deref().unwrap_or(LISTEN), tls)
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
