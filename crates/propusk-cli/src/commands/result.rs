//! A tool's result on the terminal.

use std::process::ExitCode;

use rmcp::model::{CallToolResult, ContentBlock, ResourceContents};

use crate::{
    failure::{Code, Failure},
    output::{answer, json, printable, visible},
};

/// Prints a result: as JSON where asked for, else structured content as JSON, else text as text.
pub(super) fn print(result: &CallToolResult, as_json: bool) -> Result<ExitCode, Failure> {
    let failed = result.is_error == Some(true);
    if as_json {
        answer(&json(result)?)?;
    } else if let (false, Some(structured)) = (failed, &result.structured_content) {
        answer(&json(structured)?)?;
    } else {
        let text = result
            .content
            .iter()
            .map(block)
            .collect::<Vec<_>>()
            .join("\n");
        if failed {
            return Err(Failure::new(
                Code::Error,
                format!("the tool answered: {text}"),
            ));
        }
        answer(&text)?;
    }
    Ok(ExitCode::from(if failed { Code::Error as u8 } else { 0 }))
}

fn block(block: &ContentBlock) -> String {
    match block {
        ContentBlock::Text(text) => printable(&text.text),
        ContentBlock::Image(image) => {
            format!("[image {}; see it with --json]", visible(&image.mime_type))
        }
        ContentBlock::Audio(audio) => {
            format!("[audio {}; see it with --json]", visible(&audio.mime_type))
        }
        ContentBlock::Resource(resource) => match &resource.resource {
            ResourceContents::TextResourceContents { text, .. } => printable(text),
            _ => "[binary resource; see it with --json]".to_owned(),
        },
        ContentBlock::ResourceLink(link) => visible(&link.uri),
        _ => "[content of an unknown kind; see it with --json]".to_owned(),
    }
}
