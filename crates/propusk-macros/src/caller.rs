//! `Option<AccessToken>` as an argument.
//!
//! rmcp's extractor trait is foreign, and so is `Option`, so that the trait cannot be implemented
//! for the pair. The macro writes the extractor `Caller` around the argument's pattern instead.

use syn::{
    FnArg, GenericArgument, ImplItem, ImplItemFn, ItemImpl, PathArguments, Type, parse_quote,
};

/// Rewrites every such argument of every `#[tool]` function.
pub(crate) fn rewrite(item: &mut ItemImpl) {
    for function in item.items.iter_mut().filter_map(tool_function) {
        for argument in &mut function.sig.inputs {
            if let FnArg::Typed(argument) = argument
                && is_optional_token(&argument.ty)
            {
                let pattern = &argument.pat;
                *argument.pat = parse_quote!(::propusk::server::Caller(#pattern));
                *argument.ty = parse_quote!(::propusk::server::Caller);
            }
        }
    }
}

fn tool_function(item: &mut ImplItem) -> Option<&mut ImplItemFn> {
    let ImplItem::Fn(function) = item else {
        return None;
    };
    let is_tool = |attribute: &syn::Attribute| {
        attribute
            .path()
            .segments
            .last()
            .is_some_and(|segment| segment.ident == "tool")
    };
    function.attrs.iter().any(is_tool).then_some(function)
}

/// `Option<AccessToken>`, however the two are qualified.
fn is_optional_token(ty: &Type) -> bool {
    let Type::Path(path) = ty else { return false };
    let Some(last) = path.path.segments.last() else {
        return false;
    };
    let PathArguments::AngleBracketed(arguments) = &last.arguments else {
        return false;
    };
    last.ident == "Option"
        && arguments.args.len() == 1
        && matches!(arguments.args.first(), Some(GenericArgument::Type(Type::Path(inner)))
            if inner.path.segments.last().is_some_and(|segment| segment.ident == "AccessToken"))
}
