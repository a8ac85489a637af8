//! What policies can speak of.

use std::fmt::Write as _;

use propusk::{Operation, TargetKind};

/// All that is the same for every action. What is inside of `claims` and `arguments` no schema knows:
/// the empty records there mean that a policy must look with `has` before it looks inside.
const ENTITIES: &str = r"
namespace Propusk {
  entity Issuer;
  entity Principal in [Issuer] {
    anonymous: Bool,
    subject: String,
    issuer?: String,
    clientId?: String,
    scopes: Set<String>,
    claims: {},
  };
  entity Server;
  entity Tool in [Server] { name: String };
  entity Prompt in [Server] { name: String };
  entity Resource in [Server] { uri: String };
  entity Task in [Server];
  entity Null;
  entity Number;
  type Context = {
    arguments: {},
    method: String,
    upstream: String,
    now: datetime,
    time: Long,
    hour: Long,
    weekday: Long,
    remote?: ipaddr,
  };
  action connect;
";

/// The schema in Cedar's own syntax, for `propusk check-config` to show and for editors.
#[must_use]
pub fn schema() -> String {
    let mut schema = ENTITIES.to_owned();
    let mut action = |method: &str| {
        let groups = if is_in_connect(method) {
            " in [connect]"
        } else {
            ""
        };
        // To write into a text cannot fail.
        let _ = writeln!(
            schema,
            "  action \"{method}\"{groups} appliesTo {{ principal: [Principal], resource: [{}], \
             context: Context }};",
            resources(method)
        );
    };
    action(super::request::NO_MESSAGE);
    for method in Operation::KNOWN_METHODS {
        action(method);
    }
    schema.push_str("}\n");
    schema
}

/// Whether a method is of the group without which a client cannot get to know a server.
pub(super) fn is_in_connect(method: &str) -> bool {
    method == super::request::NO_MESSAGE || Operation::TO_GET_ACQUAINTED.contains(&method)
}

fn resources(method: &str) -> &'static str {
    match (TargetKind::of_method(method), method) {
        (Some(TargetKind::Tool), _) => "Tool",
        (Some(TargetKind::Prompt), _) => "Prompt",
        (Some(TargetKind::Resource), _) => "Resource",
        (Some(TargetKind::Task), _) => "Task",
        (_, "completion/complete") => "Prompt, Resource",
        _ => "Server",
    }
}
