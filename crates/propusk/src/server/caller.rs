//! The caller inside a tool.

use http::request::Parts;
use rmcp::{
    ErrorData, RoleServer,
    handler::server::common::{AsRequestContext, FromContextPart},
    service::RequestContext,
};

use crate::{AccessToken, Permit, Refusal};

/// The caller of a request, from its context; for handlers that take no arguments of their own.
pub trait RequestCaller {
    /// The token of this very request (not of the request that opened the session); `None` is an
    /// anonymous caller, or a request that did not come through an
    /// [`AuthLayer`](crate::AuthLayer).
    fn caller(&self) -> Option<&AccessToken>;
}

impl RequestCaller for RequestContext<RoleServer> {
    fn caller(&self) -> Option<&AccessToken> {
        self.extensions
            .get::<Parts>()?
            .extensions
            .get::<Permit>()?
            .caller()
    }
}

/// `caller: AccessToken` as an argument of a tool or prompt. An anonymous caller does not get in:
/// the call is answered with a 401, or with a JSON-RPC error where the answer has begun.
impl<C: AsRequestContext> FromContextPart<C> for AccessToken {
    fn from_context_part(context: &mut C) -> Result<Self, ErrorData> {
        let caller = context.as_request_context().caller().cloned();
        caller.ok_or_else(|| Refusal::unauthenticated().into())
    }
}

/// `Caller(caller): Caller` as an argument of a tool or prompt: the caller, if there is one.
///
/// With [`propusk::tool_router`](crate::tool_router) write `caller: Option<AccessToken>` instead.
#[derive(Debug, Clone)]
pub struct Caller(pub Option<AccessToken>);

impl<C: AsRequestContext> FromContextPart<C> for Caller {
    fn from_context_part(context: &mut C) -> Result<Self, ErrorData> {
        Ok(Self(context.as_request_context().caller().cloned()))
    }
}
