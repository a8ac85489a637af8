//! A request as a span, by OpenTelemetry's conventions for HTTP servers and for MCP.

use std::borrow::Cow;

use opentelemetry::{
    InstrumentationScope, KeyValue,
    trace::{SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState},
};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};
use propusk::{
    Operation, Target, TargetKind,
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
        end.http_method().map(|method| of_http(method).to_owned()),
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
                add(key, Some(shortened(shown(target))));
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

/// One of those that there are; a client may write what it likes (OpenTelemetry, HTTP spans).
fn of_http(method: &http::Method) -> &str {
    const KNOWN: [&str; 9] = [
        "CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE",
    ];
    match method.as_str() {
        name if KNOWN.contains(&name) => name,
        _ => "_OTHER",
    }
}

/// A name; of a URI, without what is often signed or a key.
fn shown(target: &Target) -> &str {
    match target.kind() {
        TargetKind::Resource => {
            let end = target.name().find(['?', '#']);
            &target.name()[..end.unwrap_or(target.name().len())]
        }
        _ => target.name(),
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}

fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_a_key_or_anything_is_left_out() {
        for (kind, name, expected) in [
            (TargetKind::Resource, "https://a/b?sig=s", "https://a/b"),
            (TargetKind::Resource, "file:///a#s", "file:///a"),
            (TargetKind::Resource, "file:///a", "file:///a"),
            (TargetKind::Tool, "what?", "what?"),
        ] {
            assert_eq!(shown(&Target::new(kind, name)), expected);
        }
        for (method, expected) in [("POST", "POST"), ("post", "_OTHER"), ("SECRET", "_OTHER")] {
            assert_eq!(of_http(&method.parse().expect("a method")), expected);
        }
    }
}
