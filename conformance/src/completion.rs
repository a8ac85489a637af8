//! `completion/complete`: suggestions for the arguments of one prompt and one template.

use rmcp::{
    ErrorData,
    model::{CompleteRequestParams, CompleteResult, CompletionInfo, Reference},
};

/// Suggests the known values that start with what was typed so far.
pub(crate) fn complete(request: &CompleteRequestParams) -> Result<CompleteResult, ErrorData> {
    let typed = &request.argument.value;
    let values = known(&request.r#ref, &request.argument.name)
        .iter()
        .filter(|value| value.starts_with(typed.as_str()))
        .map(ToString::to_string)
        .collect();
    let info = CompletionInfo::with_all_values(values)
        .map_err(|message| ErrorData::internal_error(message, None))?;
    Ok(CompleteResult::new(info))
}

fn known(reference: &Reference, argument: &str) -> &'static [&'static str] {
    match (reference, argument) {
        (Reference::Prompt(prompt), "arg1" | "arg2")
            if prompt.name == "test_prompt_with_arguments" =>
        {
            &["parcel", "parsley", "parquet", "quartz"]
        }
        (Reference::Resource(_), "id") => &["1", "2", "3"],
        _ => &[],
    }
}
