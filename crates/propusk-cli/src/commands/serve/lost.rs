//! A file that has been emptied, or cut off at the end of a line, is valid: what stood in it would
//! silently hold no more. While it serves that is taken for a mistake.

use super::{settings::Plan, upstream::Endpoint};
use crate::failure::Failure;

/// Refuses a configuration in which something is gone altogether that protected until now.
pub(super) fn nothing(before: &Plan, after: &Plan) -> Result<(), Failure> {
    let lost = |what: &str| {
        let file = after.file.as_deref().map(|file| file.display().to_string());
        let file = file.unwrap_or_default();
        let failure = Failure::usage(format!("{file}: {what}, all of it at once"));
        Err(failure.hint("was the file cut off? if this is meant, restart: that takes it"))
    };
    if after.is_of_empty_file && !before.is_of_empty_file {
        return lost("what stood in it is gone");
    }
    if before.is_of_file() && !after.is_of_file() {
        return lost("the upstreams are gone");
    }
    for endpoint in &after.endpoints {
        let same = |other: &&Endpoint| other.is_at_place_of(endpoint);
        let Some(was) = before.endpoints.iter().find(same) else {
            continue;
        };
        let shown = endpoint.shown();
        if was.has_rules() && !endpoint.has_rules() {
            return lost(&format!("the rules for {shown} are gone"));
        }
        if before.asks_for_scopes(was) && !after.asks_for_scopes(endpoint) {
            return lost(&format!("the scopes that {shown} asks for are gone"));
        }
    }
    Ok(())
}
