//! Headers that are named for an upstream and could never be sent to it.

use http::HeaderName;
use propusk_gate::{credentials::FixedHeader, http::HttpUpstreamSettings};

use super::{UpstreamConfig, Wrong};
use crate::failure::Failure;

/// Refuses names that would have no effect, so that nobody waits for a header that never comes.
pub(super) fn check(config: &UpstreamConfig, wrong: Wrong<'_>) -> Result<(), Failure> {
    let credentials = config.credentials.as_ref();
    let own = match credentials.and_then(|credentials| credentials.header()) {
        Some(name) => Some(of_credentials(name, wrong)?),
        None => None,
    };
    for name in &config.pass_header {
        let key = "pass-header";
        let Ok(header) = HeaderName::try_from(name.as_str()) else {
            return Err(wrong(key, "this is no name of a header")
                .hint("write names alone, such as [\"x-tenant\"]"));
        };
        if let Some(why) = HttpUpstreamSettings::why_not_passed(&header) {
            let failure = wrong(key, &format!("{header} is never let through: {why}"));
            return Err(match header.as_str() {
                "authorization" | "dpop" => failure.hint(
                    "what the upstream gets instead is named with credentials; assertion = true tells it who is calling",
                ),
                _ => failure.hint("take it out of the list"),
            });
        }
        if own.as_ref() == Some(&header) {
            let why = format!("{header} is the header of the credentials");
            return Err(wrong(key, &why)
                .hint("take it out of the list: the credentials go upstream, and what a caller writes there does not"));
        }
    }
    Ok(())
}

fn of_credentials(name: &str, wrong: Wrong<'_>) -> Result<HeaderName, Failure> {
    let key = "credentials.header";
    let Ok(header) = HeaderName::try_from(name) else {
        return Err(wrong(key, "this is no name of a header")
            .hint("write one such as \"authorization\" or \"x-api-key\""));
    };
    if !FixedHeader::may_be(&header) {
        let why = format!(
            "{header} belongs to the connection, the message or the protocol, and carries no credentials"
        );
        return Err(wrong(key, &why).hint("write one such as \"authorization\" or \"x-api-key\""));
    }
    Ok(header)
}
