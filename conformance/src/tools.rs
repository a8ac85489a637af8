//! The fixed tools, one file for each theme.

mod changes;
mod client_requests;
mod content;
mod forms;
mod input_required;
mod input_states;
mod notifications;
mod schemas;

use rmcp::handler::server::tool::ToolRouter;

use crate::Everything;

/// All of them. Both eras list the same tools; those that fit only one of the eras say so in
/// their descriptions and fail politely in the other.
pub(crate) fn router() -> ToolRouter<Everything> {
    Everything::content_tools()
        + Everything::notification_tools()
        + Everything::client_request_tools()
        + Everything::form_tools()
        + Everything::input_required_tools()
        + Everything::input_state_tools()
        + Everything::change_tools()
        + Everything::schema_tools()
}
