//! Tools that return one kind of content each.

use rmcp::{
    model::{CallToolResult, ContentBlock, ResourceContents},
    tool, tool_router,
};

use crate::{
    Everything,
    samples::{PNG, PNG_TYPE, WAV, WAV_TYPE},
};

#[tool_router(router = content_tools, vis = "pub(super)")]
impl Everything {
    #[tool(description = "Returns a text")]
    fn test_simple_text(&self) -> String {
        "This is a simple text response for testing.".to_owned()
    }

    #[tool(description = "Returns a picture")]
    fn test_image_content(&self) -> ContentBlock {
        ContentBlock::image(PNG, PNG_TYPE)
    }

    #[tool(description = "Returns a sound")]
    fn test_audio_content(&self) -> ContentBlock {
        ContentBlock::audio(WAV, WAV_TYPE)
    }

    #[tool(description = "Returns a resource")]
    fn test_embedded_resource(&self) -> ContentBlock {
        ContentBlock::embedded_text(
            "test://embedded-resource",
            "This is an embedded resource content.",
        )
    }

    #[tool(description = "Returns a text, a picture and a resource")]
    fn test_multiple_content_types(&self) -> CallToolResult {
        let json = r#"{"test":"data","value":123}"#;
        let resource = ResourceContents::text(json, "test://mixed-content-resource")
            .with_mime_type("application/json");
        CallToolResult::success(vec![
            ContentBlock::text("Multiple content types test:"),
            ContentBlock::image(PNG, PNG_TYPE),
            ContentBlock::resource(resource),
        ])
    }

    #[tool(description = "Always fails")]
    fn test_error_handling(&self) -> Result<(), String> {
        Err("This tool intentionally returns an error for testing".to_owned())
    }
}
