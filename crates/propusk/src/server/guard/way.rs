//! Which way a request came to the guard, and so who tells of its decision.

use http::request::Parts;
use rmcp::model::{Extensions, RequestId as RpcId};

use super::Shared;
use crate::{
    AccessToken, Operation, Refusal, SystemClock,
    audit::{self, Cause, Facts, RemoteAddress, RequestId},
    layer::{LateRefusal, Onward, Trail},
};

/// The way of one request.
pub(super) enum Way {
    /// Through an [`AuthLayer`](crate::AuthLayer), which has told of its own decision.
    Layer(LateRefusal),
    /// Past every layer: the guard alone decides.
    Bare(Box<Facts>),
}

impl Way {
    pub(super) fn of(
        extensions: &Extensions,
        rpc_id: Option<&RpcId>,
        caller: Option<&AccessToken>,
    ) -> Self {
        let parts = extensions.get::<Parts>();
        if let Some(onward) = parts.and_then(|parts| parts.extensions.get::<Onward>()) {
            onward.late.meet_guard();
            return Self::Layer(onward.late.clone());
        }
        let remote = parts.and_then(|parts| RemoteAddress::of(&parts.extensions));
        let headers = parts.map(|parts| &parts.headers);
        Self::Bare(Box::new(Facts {
            request_id: headers.map_or_else(|| RequestId::of(&Default::default()), RequestId::of),
            remote,
            certificate: parts.and_then(|parts| parts.extensions.get().cloned()),
            http_method: parts.map(|parts| parts.method.clone()),
            operation: Operation::Request,
            rpc_id: rpc_id.map(ToString::to_string),
            token: caller.cloned(),
            verification: None,
            rule: None,
            outage: None,
            outage_of_one_token: false,
        }))
    }

    /// Takes note that an operation may go on.
    pub(super) fn allowed(&self, shared: &Shared, operation: &Operation) {
        if let Self::Bare(facts) = self
            && (audit::is_traced() || shared.observer.is_heard())
        {
            tell(shared, facts, operation, None);
        }
    }

    /// Takes note of a refusal.
    pub(super) fn refused(&self, shared: &Shared, operation: &Operation, refusal: &Refusal) {
        match self {
            Self::Layer(late) => late.set(refusal.clone()),
            Self::Bare(facts) => tell(shared, facts, operation, Some(&refusal.clone().into())),
        }
    }
}

fn tell(shared: &Shared, facts: &Facts, operation: &Operation, cause: Option<&Cause>) {
    let mut trail = Trail::of_facts(Facts {
        operation: operation.clone(),
        ..facts.clone()
    });
    let settings = shared.settings();
    let hierarchy = settings.scope_hierarchy();
    let observer = &shared.observer;
    observer.record(&mut trail, cause, hierarchy, &SystemClock);
}
