//! From the arguments of a client command to a session.

use propusk::{
    Client,
    client::{Era, Session},
};
use rmcp::model::ClientConfig;

use crate::{args::ClientArgs, config::CallConfig, failure::Failure};

pub(super) async fn connect(
    url: &str,
    args: ClientArgs,
    config: CallConfig,
) -> Result<Session<ClientConfig>, Failure> {
    let era = match args.era.as_deref().or(config.era.as_deref()) {
        None | Some("auto") => Era::Auto,
        Some("modern" | "2026-07-28") => Era::Modern,
        Some("legacy" | "2025-11-25") => Era::Legacy,
        Some(other) => {
            return Err(Failure::usage(format!(
                "--era: {other:?} is none of auto, modern, legacy"
            )));
        }
    };
    let mut client = Client::new(url).era(era);
    if let Some(token) = token(args, config)? {
        client = client.bearer(token);
    }
    Ok(client.connect().await?)
}

/// The flag or variable first, then the file's settings.
fn token(args: ClientArgs, config: CallConfig) -> Result<Option<String>, Failure> {
    let (token, file) = match (args.token, args.token_file) {
        (None, None) => (config.token, config.token_file),
        given => given,
    };
    match (token.filter(|token| !token.is_empty()), file) {
        (Some(token), _) => Ok(Some(token)),
        (None, Some(file)) => std::fs::read_to_string(&file)
            .map(Some)
            .map_err(|error| Failure::usage(format!("{}: {error}", file.display()))),
        (None, None) => Ok(None),
    }
}
