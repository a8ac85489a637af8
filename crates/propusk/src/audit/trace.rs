//! Events in the program's own log, under the target `propusk::audit`.

use tracing::Level;

use super::AuditEvent;
use crate::Principal;

const TARGET: &str = "propusk::audit";

/// In characters: what a client names is its own affair, and a line of the log is ours.
const LONGEST: usize = 512;

/// Whether an allowed decision would be logged; refusals are rare enough to find out later.
pub(crate) fn is_traced() -> bool {
    tracing::enabled!(target: "propusk::audit", Level::DEBUG)
}

/// Logs: what was allowed at DEBUG, a refusal at INFO, and at WARN what its operator may have to
/// mend (a verifier that cannot tell, a host or origin that is not on the list).
pub(crate) fn trace(event: &AuditEvent<'_>) {
    // Texts of the client go as values, which the log escapes, never as part of the message.
    macro_rules! log {
        ($level:expr, $($message:tt)+) => {{
            let principal = event.principal();
            tracing::event!(
                target: TARGET,
                $level,
                reason = event.reason(),
                operation = event.operation().to_string().chars().take(LONGEST).collect::<String>(),
                issuer = principal.and_then(Principal::issuer),
                subject = principal.map(Principal::subject),
                client_id = principal.and_then(Principal::client_id),
                token_id = event.token_id(),
                missing = event.missing_scopes().map(|missing| missing.to_string()),
                request_id = %event.request_id(),
                remote = event.remote().map(tracing::field::display),
                cause = event.facts.outage.as_deref(),
                $($message)+
            )
        }};
    }
    match event.cause {
        None => log!(Level::DEBUG, "allowed"),
        Some(cause) if cause.concerns_the_operator() => log!(Level::WARN, "refused: {cause}"),
        Some(cause) => log!(Level::INFO, "refused: {cause}"),
    }
}
