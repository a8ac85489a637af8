//! Answers what servers ask of a user: with the defaults of the form, and with yes.

use rmcp::{
    ClientHandler, ErrorData, RoleClient,
    model::{
        ClientCapabilities, ClientConfig, ElicitRequestParams, ElicitResult, ElicitationAction,
        Implementation,
    },
    service::RequestContext,
};
use serde_json::{Map, Value};

pub(crate) struct User(ClientConfig);

impl User {
    pub(crate) fn new() -> Self {
        let capabilities = ClientCapabilities::builder().enable_elicitation().build();
        let program = Implementation::new("conformance-client", env!("CARGO_PKG_VERSION"));
        Self(ClientConfig::new(capabilities, program))
    }
}

impl ClientHandler for User {
    async fn create_elicitation(
        &self,
        request: ElicitRequestParams,
        _: RequestContext<RoleClient>,
    ) -> Result<ElicitResult, ErrorData> {
        let ElicitRequestParams::FormElicitationParams {
            requested_schema, ..
        } = request
        else {
            return Ok(ElicitResult::new(ElicitationAction::Decline));
        };
        let schema = serde_json::to_value(requested_schema)
            .map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
        let fields = schema["properties"].as_object();
        let filled: Map<_, _> = fields
            .into_iter()
            .flatten()
            .filter_map(|(name, field)| Some((name.clone(), value(field)?)))
            .collect();
        Ok(ElicitResult::new(ElicitationAction::Accept).with_content(Value::Object(filled)))
    }

    fn get_info(&self) -> ClientConfig {
        self.0.clone()
    }
}

/// The default of a field; yes, where it asks for yes or no.
fn value(field: &Value) -> Option<Value> {
    let yes = || (field["type"] == "boolean").then_some(Value::Bool(true));
    field.get("default").cloned().or_else(yes)
}
