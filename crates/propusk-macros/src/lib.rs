//! The attribute macro of `propusk`. Use it through that crate.

mod caller;
mod tool_router;

use proc_macro::TokenStream;

/// rmcp's `#[tool_router]`, with two things added:
///
/// * with `server_handler`, the router is built once and not anew for every call;
/// * a `#[tool]` function may take `Option<AccessToken>` as a plain argument (`AccessToken` works
///   with rmcp's own attribute too).
///
/// The arguments are those of rmcp: `server_handler`, `router = name`, `vis = "…"`, and for the
/// handler that `server_handler` writes, `name = "…"`, `version = "…"`, `instructions = "…"`.
#[proc_macro_attribute]
pub fn tool_router(attribute: TokenStream, item: TokenStream) -> TokenStream {
    tool_router::expand(attribute.into(), item.into())
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}
