//! Which endpoints there are.

use super::super::{
    rules::Place,
    upstream::{Behind, Endpoint, Program, Remote},
};
use crate::{args::ServeArgs, config::Config, failure::Failure};

/// What was typed, or the tables of the file, or the built-in server.
pub(super) fn endpoints(
    args: &mut ServeArgs,
    config: &mut Config,
    place: &Place<'_>,
) -> Result<Vec<Endpoint>, Failure> {
    let scopes = std::mem::take(&mut config.scopes);
    let rules = std::mem::take(&mut config.rules);
    let tables = std::mem::take(&mut config.upstream);
    let command = std::mem::take(&mut args.server_command);
    let typed = match (args.upstream.take(), &command[..]) {
        (Some(url), _) => Some(Behind::Url(Box::new(Remote::at(url)))),
        (None, []) => None,
        (None, _) => Some(Behind::Program(Program::typed(command))),
    };
    if let Some(behind) = typed {
        if !tables.is_empty() {
            // Its scopes and rules would silently not hold for the other one.
            return Err(Failure::usage(
                "an upstream is named on the command line (or in PROPUSK_UPSTREAM), and the file has [[upstream]] tables",
            )
            .hint("take one away: rules in such a table hold for its own upstream only"));
        }
        return Ok(vec![Endpoint::only(behind, scopes, rules)]);
    }
    if tables.is_empty() {
        return Ok(vec![Endpoint::only(Behind::Builtin, scopes, rules)]);
    }
    let mut endpoints: Vec<Endpoint> = Vec::new();
    for table in tables {
        let endpoint = Endpoint::of(table, &scopes, &rules, place)?;
        let same = |other: &&Endpoint| other.path == endpoint.path || other.name == endpoint.name;
        if let Some(other) = endpoints.iter().find(same) {
            return Err(Failure::usage(format!(
                "two upstreams have the same name or the path {}",
                other.path
            ))
            .hint("give each [[upstream]] a name of its own"));
        }
        endpoints.push(endpoint);
    }
    Ok(endpoints)
}
