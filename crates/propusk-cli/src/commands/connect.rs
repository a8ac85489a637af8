//! From the arguments of a client command to a session.

use std::path::{Path, PathBuf};

use propusk::{
    BearerToken, Client,
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
        client = client.bearer(token.expose_secret());
    }
    Ok(client.connect().await?)
}

/// A flag comes before a variable, and that before the file of settings.
fn token(args: ClientArgs, config: CallConfig) -> Result<Option<BearerToken>, Failure> {
    let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let file_variable = || variable("PROPUSK_TOKEN_FILE").map(PathBuf::from);
    if let Some(text) = args.token {
        return parse(&text, "--token").map(Some);
    }
    if let Some(file) = args.token_file {
        return read(&file).map(Some);
    }
    if let Some(text) = variable("PROPUSK_TOKEN") {
        return parse(&text, "PROPUSK_TOKEN").map(Some);
    }
    if let Some(file) = file_variable() {
        return read(&file).map(Some);
    }
    match (config.token, config.token_file) {
        (Some(text), _) => parse(&text, "token in the configuration").map(Some),
        (None, Some(file)) => read(&file).map(Some),
        (None, None) => Ok(None),
    }
}

fn read(file: &Path) -> Result<BearerToken, Failure> {
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failure::usage(format!("{name}: {error}")))?;
    // Some editors begin a file with a mark.
    parse(text.trim_start_matches('\u{feff}'), &name)
}

/// Says where a text came from that is no token, and not the text.
fn parse(text: &str, from: &str) -> Result<BearerToken, Failure> {
    BearerToken::parse(text).map_err(|error| Failure::usage(format!("{from}: {error}")))
}
