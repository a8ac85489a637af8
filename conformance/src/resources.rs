//! The fixed resources, all under `test:`.

use rmcp::{
    ErrorData,
    model::{ReadResourceResult, Resource, ResourceContents, ResourceTemplate},
};
use serde_json::json;

use crate::samples::{PNG, PNG_TYPE};

const TEXT: &str = "test://static-text";
const BINARY: &str = "test://static-binary";
const WATCHED: &str = "test://watched-resource";
const TEMPLATE: &str = "test://template/{id}/data";

/// The answer to `resources/list`.
pub(crate) fn list() -> Vec<Resource> {
    vec![
        Resource::new(TEXT, "static-text")
            .with_description("A text that never changes")
            .with_mime_type("text/plain"),
        Resource::new(BINARY, "static-binary")
            .with_description("A picture of one pixel")
            .with_mime_type(PNG_TYPE),
        Resource::new(WATCHED, "watched-resource")
            .with_description("A resource to subscribe to")
            .with_mime_type("text/plain"),
    ]
}

/// The answer to `resources/templates/list`.
pub(crate) fn templates() -> Vec<ResourceTemplate> {
    vec![
        ResourceTemplate::new(TEMPLATE, "template")
            .with_description("JSON that repeats the identifier of its own URI")
            .with_mime_type("application/json"),
    ]
}

/// The answer to `resources/read`.
///
/// # Errors
///
/// "Resource not found" with the URI in `data`: -32002, which rmcp turns into -32602 for peers
/// of 2026-07-28 (SEP-2164).
pub(crate) fn read(uri: &str) -> Result<ReadResourceResult, ErrorData> {
    let contents = match uri {
        TEXT => ResourceContents::text("This is the content of the static text resource.", uri),
        BINARY => ResourceContents::blob(PNG, uri).with_mime_type(PNG_TYPE),
        WATCHED => ResourceContents::text("Nothing has happened yet.", uri),
        _ => from_template(uri).ok_or_else(|| {
            ErrorData::resource_not_found("Resource not found", Some(json!({ "uri": uri })))
        })?,
    };
    Ok(ReadResourceResult::new(vec![contents]))
}

fn from_template(uri: &str) -> Option<ResourceContents> {
    let (before, after) = TEMPLATE.split_once("{id}")?;
    let id = uri.strip_prefix(before)?.strip_suffix(after)?;
    let named = !id.is_empty() && !id.contains('/');
    named.then(|| {
        let body = json!({ "id": id, "templateTest": true, "data": format!("Data for ID: {id}") });
        ResourceContents::text(body.to_string(), uri).with_mime_type("application/json")
    })
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn a_uri_is_read_or_named_in_the_error() {
        let table = [
            ("test://static-text", true),
            ("test://static-binary", true),
            ("test://watched-resource", true),
            ("test://template/123/data", true),
            ("test://template//data", false),
            ("test://template/a/b/data", false),
            ("test://nowhere", false),
        ];
        for (uri, found) in table {
            match read(uri) {
                Ok(result) => assert!(found && result.contents.len() == 1, "{uri}"),
                Err(error) => {
                    assert!(!found, "{uri}");
                    assert_eq!(error.data.unwrap()["uri"], uri);
                }
            }
        }
    }
}
