//! What a request of a client says at the child: its parameters, in the child's era.

use propusk::layer::Course;
use rmcp::{RoleServer, service::RequestContext};
use serde_json::{Value, json};

use super::{
    asker::{Questions, SessionKey},
    crossing::Asked,
    era::{self, Era},
    front::Front,
    link::{Flight, Link},
    wire::Object,
    within::extension,
};

const TRACEPARENT: &str = "traceparent";
const TRACESTATE: &str = "tracestate";

type Context = RequestContext<RoleServer>;

/// The parameters with the `_meta` that the era of the child asks for.
pub(super) fn params_for(
    link: &Link,
    flight: &Flight,
    asked: &Asked,
    front: &Front,
    context: &Context,
) -> Value {
    let mut params = asked.params.clone();
    let mut meta = match params.remove("_meta") {
        Some(Value::Object(meta)) => meta,
        _ => Object::new(),
    };
    meta.extend(
        context
            .meta
            .iter()
            .map(|(name, value)| (name.clone(), value.clone())),
    );
    if meta.contains_key(era::PROGRESS_TOKEN) {
        // Tokens of different clients may be the same.
        meta.insert(era::PROGRESS_TOKEN.into(), flight.number().into());
    }
    continue_trace(&mut meta, context);
    match link.server() {
        Some(server) if server.era_for(front.asker.era) == Era::Requests => {
            let said = server.said(front.asker.era);
            let version = said.map(|said| said.version.to_string());
            meta.insert(era::PROTOCOL_VERSION.into(), version.into());
            if front.asker.era == Era::Sessions {
                speak_for_session(&mut meta, link, front, context);
            }
        }
        _ => era::strip_to_sessions(&mut meta),
    }
    if !meta.is_empty() {
        params.insert("_meta".into(), meta.into());
    }
    Value::Object(params)
}

/// What a client of 2025-11-25 has said once, its server of 2026-07-28 wants to hear each time.
fn speak_for_session(meta: &mut Object, link: &Link, front: &Front, context: &Context) {
    let can = match front.asker.questions {
        Questions::Asked => serde_json::to_value(&front.asker.can).unwrap_or_else(|_| json!({})),
        // What cannot be asked over a session cannot be asked.
        _ => json!({}),
    };
    meta.insert(era::CLIENT_CAPABILITIES.into(), can);
    let info = context.client_info();
    if let Some(info) = info.and_then(|info| serde_json::to_value(info).ok()) {
        meta.insert(era::CLIENT_INFO.into(), info);
    }
    if let SessionKey::Session(id) = &front.asker.key
        && let Some(level) = link.hub.level(id)
    {
        meta.insert(era::LOG_LEVEL.into(), level.name().into());
    }
}

/// Where spans are recorded, the child gets that of this request as its parent. Else the trace of the
/// HTTP request goes on where the message names none of its own.
fn continue_trace(meta: &mut Object, context: &Context) {
    let told = meta.get(TRACEPARENT).and_then(Value::as_str);
    let span = extension::<Course>(context).and_then(|course| course.span(told));
    let span = span.map(|span| span.to_string());
    let goes_on = match (&span, told) {
        // The state in the message is that of the trace which the span is a part of.
        (Some(span), Some(told)) => told.get(3..35) == span.get(3..35),
        (_, told) => told.is_some(),
    };
    if !goes_on {
        meta.remove(TRACESTATE);
        let parts = context.extensions.get::<http::request::Parts>();
        for name in [TRACEPARENT, TRACESTATE] {
            let value = parts.and_then(|parts| parts.headers.get(name)?.to_str().ok());
            if let Some(value) = value {
                meta.insert(name.into(), value.into());
            }
        }
    }
    if let Some(span) = span {
        meta.insert(TRACEPARENT.into(), span.into());
    }
}
