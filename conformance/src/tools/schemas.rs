//! Tools whose input schema is the point.

use std::sync::Arc;

use rmcp::{
    handler::server::wrapper::Parameters,
    model::{ContentBlock, ErrorData, JsonObject},
    object, tool, tool_router,
};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::Everything;

/// Arguments of `test_custom_header`.
#[derive(Debug, Deserialize, JsonSchema)]
struct Greeting {
    /// A text that HTTP clients repeat in the header `Mcp-Param-Greeting`.
    #[schemars(extend("x-mcp-header" = "Greeting"))]
    greeting: String,
}

#[tool_router(router = schema_tools, vis = "pub(super)")]
impl Everything {
    #[tool(
        description = "Has a schema with the vocabulary of JSON Schema 2020-12",
        input_schema = contact()
    )]
    fn json_schema_2020_12_tool(&self, arguments: JsonObject) -> Result<ContentBlock, ErrorData> {
        ContentBlock::json(arguments)
    }

    #[tool(description = "Repeats an argument that also travels as an HTTP header (2026-07-28)")]
    fn test_custom_header(
        &self,
        Parameters(Greeting { greeting }): Parameters<Greeting>,
    ) -> String {
        greeting
    }
}

/// Word for word what the suite compares with.
fn contact() -> Arc<JsonObject> {
    Arc::new(object!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "$defs": {
            "address": {
                "$anchor": "addressDef",
                "type": "object",
                "properties": { "street": { "type": "string" }, "city": { "type": "string" } }
            }
        },
        "properties": {
            "name": { "type": "string" },
            "address": { "$ref": "#/$defs/address" },
            "contactMethod": { "type": "string", "enum": ["phone", "email"] },
            "phone": { "type": "string" },
            "email": { "type": "string" }
        },
        "allOf": [{ "anyOf": [{ "required": ["phone"] }, { "required": ["email"] }] }],
        "if": {
            "properties": { "contactMethod": { "const": "phone" } },
            "required": ["contactMethod"]
        },
        "then": { "required": ["phone"] },
        "else": { "required": ["email"] },
        "additionalProperties": false
    }))
}
