//! Events in the program's own log, under the target `propusk::audit`.

use tracing::Level;

use super::AuditEvent;
use crate::{Principal, log_limit::LogLimit};

const TARGET: &str = "propusk::audit";

/// So many refusals for one reason are logged in a minute, for who looks for the cause of one.
const MOST_REFUSALS: u32 = 10;

/// In characters: what a client names is its own affair, and a line of the log is ours.
const LONGEST: usize = 512;

/// Whether an allowed decision would be logged; refusals are rare enough to find out later.
pub(crate) fn is_traced() -> bool {
    tracing::enabled!(target: "propusk::audit", Level::DEBUG)
}

/// Logs: what was allowed at DEBUG, a refusal at INFO, and at WARN what its operator may have to
/// mend (a verifier that cannot tell, a host or origin that is not on the list). Whoever is refused
/// again and again fills no disk: of one kind there are few lines in a minute.
pub(crate) fn trace(event: &AuditEvent<'_>, limit: &LogLimit) {
    let Some(cause) = event.cause else {
        return log(event, None, Level::DEBUG);
    };
    let is_for_the_operator = cause.concerns_the_operator() && !event.facts.outage_of_one_token;
    let (level, most, outage) = if is_for_the_operator {
        (Level::WARN, 1, event.facts.outage.as_deref())
    } else {
        (Level::INFO, MOST_REFUSALS, None)
    };
    if let Some(told) = limit.tell((level, event.reason(), outage), most, event.time) {
        log(event, told.more_like_this, level);
    }
}

fn log(event: &AuditEvent<'_>, more_like_this: Option<u64>, level: Level) {
    // Texts of the client go as values, which the log escapes, never as part of the message.
    macro_rules! line {
        ($level:expr, $($message:tt)+) => {{
            let principal = event.principal();
            tracing::event!(
                target: TARGET,
                $level,
                reason = event.reason(),
                rule = event.rule(),
                operation = event.operation().to_string().chars().take(LONGEST).collect::<String>(),
                issuer = principal.and_then(Principal::issuer),
                subject = principal.map(Principal::subject),
                client_id = principal.and_then(Principal::client_id),
                token_id = event.token_id(),
                missing = event.missing_scopes().map(|missing| missing.to_string()),
                request_id = %event.request_id(),
                remote = event.remote().map(tracing::field::display),
                cause = event.facts.outage.as_deref(),
                more_like_this,
                $($message)+
            )
        }};
    }
    match event.cause {
        None => line!(Level::DEBUG, "allowed"),
        Some(cause) if level == Level::WARN => line!(Level::WARN, "refused: {cause}"),
        Some(cause) => line!(Level::INFO, "refused: {cause}"),
    }
}
