//! For whom a request is sent to a child.

use std::sync::Arc;

use http::request::Parts;
use propusk::{AccessToken, Permit, Principal};
use rmcp::{
    RoleServer,
    model::{ClientCapabilities, Extensions},
    service::RequestContext,
};

use super::{
    era::{Era, LOG_LEVEL},
    level::Level,
};

/// To whom something belongs; `None` are the anonymous callers.
pub(super) type Owner = Option<Principal>;

/// The client session, or what stands for one where there is none.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum SessionKey {
    /// A session of 2025-11-25 at the gate.
    Session(Arc<str>),
    /// The requests of a known caller without a session.
    Caller(Principal),
    /// One request of somebody unknown.
    Request(u64),
}

/// One who uses a child: a known caller, or whatever an unknown one can be told from others by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum User {
    Known(Principal),
    Unknown(SessionKey),
}

impl User {
    pub(super) fn of(extensions: &Extensions, number: impl FnOnce() -> u64) -> Self {
        match (owner(extensions), session_id(extensions)) {
            (Some(principal), _) => Self::Known(principal),
            (None, Some(id)) => Self::Unknown(SessionKey::Session(id)),
            (None, None) => Self::Unknown(SessionKey::Request(number())),
        }
    }
}

/// Where a question that a child asks in the middle of a request can go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Questions {
    /// To the client, over its session.
    Asked,
    /// Into an answer that says that input is required.
    Answered,
    /// Nowhere.
    Refused,
}

/// For whom a request is sent.
#[derive(Debug, Clone)]
pub(super) struct Asker {
    pub(super) key: SessionKey,
    pub(super) era: Era,
    pub(super) questions: Questions,
    pub(super) can: ClientCapabilities,
    /// From which level on a request of 2026-07-28 wants to be told.
    pub(super) level: Option<Level>,
}

impl Asker {
    pub(super) fn of(
        context: &RequestContext<RoleServer>,
        takes_rounds: bool,
        number: u64,
    ) -> Self {
        let version = context.protocol_version();
        let era = Era::of(version.as_ref());
        let session = match era {
            Era::Sessions => session_id(&context.extensions),
            Era::Requests => None,
        };
        let questions = match (era, &session) {
            (Era::Sessions, Some(_)) => Questions::Asked,
            (Era::Requests, _) if takes_rounds => Questions::Answered,
            _ => Questions::Refused,
        };
        let key = match (session, owner(&context.extensions)) {
            (Some(id), _) => SessionKey::Session(id),
            (None, Some(principal)) => SessionKey::Caller(principal),
            (None, None) => SessionKey::Request(number),
        };
        Self {
            key,
            era,
            questions,
            can: context.client_capabilities().unwrap_or_default(),
            level: Level::read(context.meta.get(LOG_LEVEL)),
        }
    }
}

/// Who sent this.
pub(super) fn owner(extensions: &Extensions) -> Owner {
    caller(extensions).map(AccessToken::principal).cloned()
}

fn caller(extensions: &Extensions) -> Option<&AccessToken> {
    let parts = extensions.get::<Parts>()?;
    parts.extensions.get::<Permit>()?.caller()
}

/// In which session.
pub(super) fn session_id(extensions: &Extensions) -> Option<Arc<str>> {
    let parts = extensions.get::<Parts>()?;
    let id = parts.headers.get("mcp-session-id")?;
    Some(id.to_str().ok()?.into())
}
