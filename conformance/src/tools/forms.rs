//! Forms that show every kind of field (2025-11-25: SEP-1034 and SEP-1330).

use rmcp::{
    RoleServer,
    model::{
        ElicitRequestParams, ElicitationSchema, ElicitationSchemaBuilder, EnumSchema,
        EnumSchemaBuilder, LegacyEnumSchema, PrimitiveSchemaDefinition, SingleSelect,
    },
    service::Peer,
    tool, tool_router,
};

use super::client_requests::failed;
use crate::Everything;

#[tool_router(router = form_tools, vis = "pub(super)")]
impl Everything {
    #[tool(description = "Asks for every primitive type, with defaults (2025-11-25)")]
    async fn test_elicitation_sep1034_defaults(
        &self,
        peer: Peer<RoleServer>,
    ) -> Result<String, String> {
        let status = choice(["active", "inactive", "pending"]).with_default("active")?;
        let form = ElicitationSchema::builder()
            .string_property("name", |field| field.with_default("John Doe"))
            .integer_property("age", |field| field.with_default(30))
            .number_property("score", |field| field.with_default(95.5))
            .bool_property("verified", |field| field.with_default(true))
            .optional_enum_schema("status", status.build());
        let answer = elicit(&peer, "Please check the defaults".to_owned(), form).await?;
        Ok(format!("Elicitation completed: {answer}"))
    }

    #[tool(description = "Asks for every kind of choice (2025-11-25)")]
    async fn test_elicitation_sep1330_enums(
        &self,
        peer: Peer<RoleServer>,
    ) -> Result<String, String> {
        let untitled = || choice(["option1", "option2", "option3"]);
        let titled = |titles| choice(["value1", "value2", "value3"]).enum_titles(words(titles));
        let single = titled(["First Option", "Second Option", "Third Option"])?;
        let multi = titled(["First Choice", "Second Choice", "Third Choice"])?.multiselect();
        let form = ElicitationSchema::builder()
            .optional_enum_schema("untitledSingle", untitled().build())
            .optional_enum_schema("titledSingle", single.build())
            .property("legacyEnum", legacy_choice())
            .optional_enum_schema("untitledMulti", untitled().multiselect().build())
            .optional_enum_schema("titledMulti", multi.build());
        let answer = elicit(&peer, "Please choose".to_owned(), form).await?;
        Ok(format!("Elicitation completed: {answer}"))
    }
}

/// Shows the user a form, and puts the answer into the words that the scenarios know.
pub(super) async fn elicit(
    peer: &Peer<RoleServer>,
    message: String,
    form: ElicitationSchemaBuilder,
) -> Result<String, String> {
    let params = ElicitRequestParams::FormElicitationParams {
        meta: None,
        message,
        requested_schema: form.build()?,
    };
    let answer = peer
        .create_elicitation(params)
        .await
        .map_err(|error| failed(&error))?;
    let action = serde_json::json!(answer.action);
    let action = action.as_str().unwrap_or_default();
    let content = answer.content.unwrap_or_default();
    Ok(format!("action={action}, content={content}"))
}

fn choice(values: [&str; 3]) -> EnumSchemaBuilder<SingleSelect> {
    EnumSchema::builder(words(values))
}

/// The shape before SEP-1330, with the titles in `enumNames`.
fn legacy_choice() -> PrimitiveSchemaDefinition {
    let mut schema = LegacyEnumSchema::new(words(["opt1", "opt2", "opt3"]));
    schema.enum_names = Some(words(["Option One", "Option Two", "Option Three"]));
    PrimitiveSchemaDefinition::Enum(EnumSchema::Legacy(schema))
}

fn words(words: [&str; 3]) -> Vec<String> {
    words.map(str::to_owned).to_vec()
}
