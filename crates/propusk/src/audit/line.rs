//! An event as one line of JSON.

use std::{net::SocketAddr, time::SystemTime};

use serde::Serialize;

use super::{AuditEvent, Finished, time::rfc3339};
use crate::Principal;

/// Of the client's own text (a tool's name, an id) no more than this many characters are kept.
const LONGEST: usize = 512;

/// The keys of a line, in their order. What is not known is not there.
#[derive(Serialize)]
struct Line<'a> {
    event: &'static str,
    time: String,
    decision: &'static str,
    reason: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    upstream: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<String>,
    operation: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    http_method: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    needed: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    missing: Option<Vec<String>>,
    request_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    rpc_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remote: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate: Option<Certificate<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verifier: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verifier_us: Option<u64>,
}

#[derive(Serialize)]
struct Certificate<'a> {
    subject: String,
    sha256: &'a str,
}

/// The line of an event, with its end.
pub(super) fn line(event: &AuditEvent<'_>) -> serde_json::Result<Vec<u8>> {
    let scopes = |set: &crate::ScopeSet| set.iter().map(ToString::to_string).collect();
    let principal = event.principal();
    finished(&Line {
        event: "decision",
        time: rfc3339(event.time()),
        decision: event.decision().as_str(),
        reason: event.reason(),
        upstream: event.upstream(),
        rule: event.rule().map(shortened),
        operation: shortened(&event.operation().to_string()),
        http_method: event.http_method().map(http::Method::as_str),
        issuer: principal.and_then(Principal::issuer),
        subject: principal.map(Principal::subject),
        client_id: principal.and_then(Principal::client_id),
        token_id: event.token_id(),
        needed: event.needed_scopes().map(scopes),
        missing: event.missing_scopes().as_ref().map(scopes),
        request_id: event.request_id().to_string(),
        rpc_id: event.rpc_id().map(shortened),
        remote: event.remote().map(written),
        certificate: event.certificate().map(|own| Certificate {
            subject: shortened(&own.subject),
            sha256: &own.sha256,
        }),
        verifier: event.verification().map(|asked| asked.verified.as_str()),
        verifier_us: event
            .verification()
            .map(|asked| u64::try_from(asked.latency.as_micros()).unwrap_or(u64::MAX)),
    })
}

/// The line of an end, with its own.
pub(super) fn ended(end: &Finished<'_>, now: SystemTime) -> serde_json::Result<Vec<u8>> {
    #[derive(Serialize)]
    struct Ended<'a> {
        event: &'static str,
        time: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        upstream: Option<&'a str>,
        operation: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        status: Option<u16>,
        ending: &'static str,
        bytes: u64,
        duration_ms: f64,
        request_id: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        rpc_id: Option<String>,
    }
    let micros = u64::try_from(end.duration().as_micros()).unwrap_or(u64::MAX);
    finished(&Ended {
        event: "finished",
        time: rfc3339(now),
        upstream: end.upstream(),
        operation: shortened(&end.operation().to_string()),
        status: end.status().map(|status| status.as_u16()),
        ending: end.ending().as_str(),
        bytes: end.bytes(),
        duration_ms: micros as f64 / 1_000.0,
        request_id: end.request_id().to_string(),
        rpc_id: end.rpc_id().map(shortened),
    })
}

/// The line that says how many events are not there.
pub(super) fn lost(count: u64, now: SystemTime) -> Vec<u8> {
    #[derive(Serialize)]
    struct Lost {
        event: &'static str,
        time: String,
        count: u64,
    }
    let line = finished(&Lost {
        event: "lost",
        time: rfc3339(now),
        count,
    });
    // Two texts and a number have no way to fail.
    line.unwrap_or_default()
}

/// Without a port where none is known.
fn written(address: SocketAddr) -> String {
    match address.port() {
        0 => address.ip().to_string(),
        _ => address.to_string(),
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// JSON escapes what is below a space. What else some reader takes for the end of a line, or a
/// terminal for a command, is escaped too; outside of its texts JSON has no such characters.
fn finished(line: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let json = serde_json::to_string(line)?;
    let odd = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    let mut json = if json.contains(odd) {
        let mut escaped = String::with_capacity(json.len() + 16);
        for c in json.chars() {
            if odd(c) {
                escaped.push_str(&format!("\\u{:04x}", u32::from(c)));
            } else {
                escaped.push(c);
            }
        }
        escaped
    } else {
        json
    };
    json.push('\n');
    Ok(json.into_bytes())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        AccessToken, Operation, Refusal,
        audit::{Cause, Verification, Verified, event::Facts, event::tests::facts},
    };

    fn text(facts: &Facts, cause: Option<&Cause>) -> String {
        let time = SystemTime::UNIX_EPOCH + Duration::from_micros(1_785_243_600_000_001);
        let event = AuditEvent {
            time,
            facts,
            cause,
            hierarchy: &crate::ScopeHierarchy::default(),
            upstream: None,
        };
        String::from_utf8(line(&event).expect("JSON")).expect("UTF-8")
    }

    #[test]
    fn the_keys_and_their_order() {
        let headers = [("x-request-id", "r-1")].map(|(name, value)| {
            let name: http::HeaderName = name.parse().expect("a name");
            (name, value.parse().expect("a value"))
        });
        let facts = Facts {
            request_id: super::super::RequestId::of(&headers.into_iter().collect()),
            remote: "192.0.2.1:5000".parse().ok(),
            operation: Operation::tool("notes_add"),
            rpc_id: Some("1".to_owned()),
            token: Some(
                AccessToken::new("alice")
                    .with_issuer("https://a")
                    .with_client_id("app")
                    .with_token_id("t1")
                    .with_scope_claim("a"),
            ),
            verification: Some(Verification {
                verified: Verified::Valid,
                latency: Duration::from_nanos(12_345),
            }),
            ..facts()
        };
        let cause = Cause::from(Refusal::needs("a b"));
        assert_eq!(
            text(&facts, Some(&cause)),
            concat!(
                r#"{"event":"decision","time":"2026-07-28T13:00:00.000001Z","decision":"refused","#,
                r#""reason":"insufficient_scope","operation":"tools/call:notes_add","http_method":"POST","#,
                r#""issuer":"https://a","subject":"alice","client_id":"app","token_id":"t1","#,
                r#""needed":["a","b"],"missing":["b"],"request_id":"r-1","rpc_id":"1","#,
                r#""remote":"192.0.2.1:5000","verifier":"valid","verifier_us":12}"#,
                "\n"
            )
        );
    }

    #[test]
    fn what_is_not_known_is_not_there() {
        let shown = text(&facts(), None);
        let (before, after) = shown
            .split_once(r#""request_id":""#)
            .expect("a request has an id");
        assert_eq!(
            before,
            r#"{"event":"decision","time":"2026-07-28T13:00:00.000001Z","decision":"allowed","reason":"anonymous","operation":"request","http_method":"POST","#
        );
        assert_eq!(&after[32..], "\"}\n");
    }

    #[test]
    fn no_text_can_break_a_line() {
        for odd in [
            "a\nb",
            "a\r\nb",
            "\u{0}\u{1b}[2J",
            "\u{85}\u{9b}2J\u{7f}",
            "\u{2028}\u{2029}",
            "\"},{\"",
            "\\",
            "имя 😀",
        ] {
            let facts = Facts {
                operation: Operation::tool(odd),
                token: Some(AccessToken::new(odd)),
                rpc_id: Some(odd.to_owned()),
                ..facts()
            };
            let shown = text(&facts, None);
            let line = shown.strip_suffix('\n').expect("an end");
            let plain = |c: char| !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}');
            assert!(line.chars().all(plain), "{line:?}");
            let json: serde_json::Value = serde_json::from_str(line).expect("JSON");
            assert_eq!(json["subject"], odd);
            assert_eq!(json["operation"], format!("tools/call:{odd}"));
        }
    }

    #[test]
    fn a_clients_text_is_shortened() {
        let facts = Facts {
            operation: Operation::tool("ж".repeat(1_000_000)),
            rpc_id: Some("9".repeat(1_000_000)),
            ..facts()
        };
        assert!(text(&facts, None).len() < 3_000);
    }
}
