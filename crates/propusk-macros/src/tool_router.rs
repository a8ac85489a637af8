//! The expansion of `#[tool_router]`.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Ident, ItemImpl, Meta, Token, parse::Parser, punctuated::Punctuated};

use crate::caller;

pub(crate) fn expand(attribute: TokenStream, item: TokenStream) -> syn::Result<TokenStream> {
    let arguments = Arguments::parse(attribute)?;
    let mut item: ItemImpl = syn::parse2(item)?;
    caller::rewrite(&mut item);
    let router_arguments = &arguments.for_router;
    let routed = quote! {
        #[::rmcp::tool_router(#(#router_arguments),*)]
        #item
    };
    Ok(if arguments.server_handler {
        let handler = handler(&arguments, &item)?;
        quote! { #routed #handler }
    } else {
        routed
    })
}

/// An `impl ServerHandler` that uses one router for all calls.
fn handler(arguments: &Arguments, item: &ItemImpl) -> syn::Result<TokenStream> {
    if let Some((path, _)) = &item.trait_ {
        return Err(syn::Error::new_spanned(
            path,
            "`server_handler` needs an `impl` of the type itself",
        ));
    }
    if !item.generics.params.is_empty() {
        // A `static` cannot be generic.
        return Err(syn::Error::new_spanned(
            &item.generics,
            "`server_handler` needs a type without generics; keep the router in a field and write \
             `#[tool_handler(router = self.…)] impl ServerHandler` for a generic one",
        ));
    }
    let ty = &item.self_ty;
    let build = &arguments.router;
    let shared = format_ident!("{build}_built_once");
    let handler_arguments = &arguments.for_handler;
    Ok(quote! {
        impl #ty {
            fn #shared() -> &'static ::rmcp::handler::server::router::tool::ToolRouter<Self> {
                static ROUTER: ::std::sync::LazyLock<
                    ::rmcp::handler::server::router::tool::ToolRouter<#ty>,
                > = ::std::sync::LazyLock::new(<#ty>::#build);
                &ROUTER
            }
        }

        #[::rmcp::tool_handler(router = Self::#shared(), #(#handler_arguments),*)]
        impl ::rmcp::ServerHandler for #ty {}
    })
}

/// The arguments, sorted by which of rmcp's two attributes they are for.
struct Arguments {
    server_handler: bool,
    router: Ident,
    for_router: Vec<Meta>,
    for_handler: Vec<Meta>,
}

impl Arguments {
    fn parse(attribute: TokenStream) -> syn::Result<Self> {
        let metas = Punctuated::<Meta, Token![,]>::parse_terminated.parse2(attribute)?;
        let mut arguments = Self {
            server_handler: false,
            router: format_ident!("tool_router"),
            for_router: Vec::new(),
            for_handler: Vec::new(),
        };
        for meta in metas {
            if meta.path().is_ident("server_handler") {
                arguments.server_handler = true;
            } else if ["name", "version", "instructions", "meta"]
                .iter()
                .any(|n| meta.path().is_ident(n))
            {
                arguments.for_handler.push(meta);
            } else {
                if meta.path().is_ident("router") {
                    let value = &meta.require_name_value()?.value;
                    arguments.router = syn::parse2(quote!(#value))?;
                }
                arguments.for_router.push(meta);
            }
        }
        Ok(arguments)
    }
}
