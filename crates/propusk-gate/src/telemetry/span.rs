//! A request as a span, by OpenTelemetry's conventions for HTTP servers and for MCP.

use std::borrow::Cow;

use opentelemetry::{
    InstrumentationScope, KeyValue,
    trace::{SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState},
};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};
use propusk::{
    Operation, TargetKind,
    audit::{Cause, Ending, Finished},
};

/// In characters; a client may name what it likes.
const LONGEST: usize = 256;

/// The span of a request. `None` where it has none, or its client does not want it recorded.
pub(super) fn data(end: &Finished<'_>, with_subject: bool) -> Option<SpanData> {
    let span = end.span().filter(propusk::audit::Span::is_sampled)?;
    Some(SpanData {
        span_context: SpanContext::new(
            TraceId::from(span.trace_id()),
            SpanId::from(span.id()),
            TraceFlags::SAMPLED,
            false,
            TraceState::default(),
        ),
        parent_span_id: SpanId::from(span.parent().unwrap_or_default()),
        parent_span_is_remote: span.parent().is_some(),
        span_kind: SpanKind::Server,
        name: name(end),
        start_time: end.began(),
        end_time: end.began() + end.duration(),
        attributes: attributes(end, with_subject),
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: status(end),
        instrumentation_scope: InstrumentationScope::builder("propusk")
            .with_version(env!("CARGO_PKG_VERSION"))
            .build(),
    })
}

/// The method, which is one of a list: a name that a client makes up must not become a kind of span.
fn name(end: &Finished<'_>) -> Cow<'static, str> {
    let of_list = |method: &str| {
        let mut known = Operation::KNOWN_METHODS.iter();
        known.find(|own| **own == method).copied()
    };
    let by_http = || match end.http_method().map(http::Method::as_str) {
        Some("GET") => "GET",
        Some("POST") => "POST",
        Some("DELETE") => "DELETE",
        _ => "HTTP",
    };
    Cow::Borrowed(match end.operation() {
        Operation::Method { method, .. } => of_list(method).unwrap_or("mcp"),
        _ => by_http(),
    })
}

fn attributes(end: &Finished<'_>, with_subject: bool) -> Vec<KeyValue> {
    let mut all = vec![
        KeyValue::new("propusk.decision", end.decision().as_str()),
        KeyValue::new("propusk.request_id", end.request_id().to_string()),
        KeyValue::new("propusk.ending", end.ending().as_str()),
        KeyValue::new("http.response.body.size", number(end.bytes())),
    ];
    let mut add = |key: &'static str, value: Option<String>| {
        all.extend(value.map(|value| KeyValue::new(key, value)));
    };
    add(
        "propusk.reason",
        end.cause().map(|cause| Cause::as_str(cause).to_owned()),
    );
    add("propusk.upstream", end.upstream().map(str::to_owned));
    add(
        "http.request.method",
        end.http_method().map(ToString::to_string),
    );
    add("jsonrpc.request.id", end.rpc_id().map(shortened));
    if let Operation::Method { method, targets } = end.operation() {
        add("mcp.method.name", Some(shortened(method)));
        if let Some(target) = targets.first() {
            let key = match target.kind() {
                TargetKind::Tool => Some("gen_ai.tool.name"),
                TargetKind::Prompt => Some("gen_ai.prompt.name"),
                TargetKind::Resource => Some("mcp.resource.uri"),
                _ => None,
            };
            if let Some(key) = key {
                add(key, Some(shortened(target.name())));
            }
        }
    }
    if with_subject {
        let subject = end.principal().map(propusk::Principal::subject);
        add("enduser.id", subject.map(shortened));
    }
    all.extend(
        end.status()
            .map(|status| KeyValue::new("http.response.status_code", i64::from(status.as_u16()))),
    );
    all
}

/// An error is what the server did wrong, not what it refused.
fn status(end: &Finished<'_>) -> Status {
    let failed = end.status().is_some_and(|status| status.is_server_error());
    if failed || end.ending() == Ending::Broken {
        Status::error("")
    } else {
        Status::Unset
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}

fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
