//! `{endpoint}/caller`: who is asking, told to whoever asks.
//!
//! A page or a program learns so who it is at this server, and hears when it no longer is: the layer
//! ends the stream with its token, as it ends every other.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    task::{Context, Poll},
    time::UNIX_EPOCH,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use serde::Serialize;
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;
use tower_service::Service;

use super::events::Events;
use crate::{AccessToken, Permit, Scope, layer::RequestBody};

/// What the path of an endpoint goes on with.
pub(super) const PATH: &str = "/caller";

/// Cancelled when streams are to end; in the extensions of a request.
#[derive(Clone)]
pub(super) struct StreamsEnd(pub(super) CancellationToken);

/// Answers behind the layer, which has left the permit in the request.
#[derive(Clone)]
pub(super) struct CallerService;

impl Service<Request<RequestBody<Incoming>>> for CallerService {
    type Response = Response<Events>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<RequestBody<Incoming>>) -> Self::Future {
        ready(Ok(answer(&request)))
    }
}

fn answer<B>(request: &Request<B>) -> Response<Events> {
    if request.method() != Method::GET {
        let mut response = Response::new(Events::only("GET only\n".into()));
        *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
        let plain = HeaderValue::from_static("text/plain; charset=utf-8");
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, plain);
        headers.insert(header::ALLOW, HeaderValue::from_static("GET"));
        return response;
    }
    let caller = request.extensions().get::<Permit>();
    let caller = caller.and_then(Permit::caller);
    let told = told(caller);
    let end = request.extensions().get::<StreamsEnd>();
    let (content_type, body) = match (caller, end) {
        (Some(_), Some(StreamsEnd(end))) if wants_events(request.headers()) => {
            let event = format!("event: caller\ndata: {told}\n\n");
            ("text/event-stream", Events::open(event.into(), end.clone()))
        }
        // Nobody stays nobody: there is nothing to wait for, whatever is asked for.
        _ => ("application/json", Events::only(told.into())),
    };
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn wants_events(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter();
    let mut types = accepted
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|one| one.split(';').next().unwrap_or_default().trim());
    types.any(|one| one.eq_ignore_ascii_case("text/event-stream"))
}

/// What a caller is told, in this order.
#[derive(Serialize)]
struct Told<'a> {
    anonymous: bool,
    subject: &'a str,
    issuer: Option<&'a str>,
    client_id: Option<&'a str>,
    scopes: Vec<&'a str>,
    audience: &'a [String],
    /// Seconds since 1970.
    expires_at: Option<u64>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    claims: Map<String, Value>,
}

fn told(caller: Option<&AccessToken>) -> String {
    let Some(caller) = caller else {
        return r#"{"anonymous":true}"#.to_owned();
    };
    let expires_at = caller.expires_at();
    let since = expires_at.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let told = Told {
        anonymous: false,
        subject: caller.subject(),
        issuer: caller.issuer(),
        client_id: caller.client_id(),
        scopes: caller.scopes().iter().map(Scope::as_str).collect(),
        audience: caller.audience(),
        expires_at: since.map(|since| since.as_secs()),
        claims: readable_claims(caller),
    };
    // Texts and numbers have no way to fail.
    serde_json::to_string(&told).unwrap_or_default()
}

/// The claims that the bearer can read in the token itself (a JWT is signed, not sealed). What a
/// verifier learned elsewhere, an introspection answer for example, was told to this server and to
/// nobody else.
fn readable_claims(caller: &AccessToken) -> Map<String, Value> {
    let text = caller.expose_token_text().unwrap_or_default();
    let written = written_claims(text).unwrap_or_default();
    let verified = |(name, value): &(String, Value)| caller.claims().get(name) == Some(value);
    written.into_iter().filter(verified).collect()
}

fn written_claims(text: &str) -> Option<Map<String, Value>> {
    let mut parts = text.split('.');
    let (_, payload, _) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let json = URL_SAFE_NO_PAD.decode(payload).ok()?;
    serde_json::from_slice(&json).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::BearerToken;

    fn token(text: &str) -> AccessToken {
        let claims = [
            ("sub", "alice"),
            ("role", "boss"),
            ("email", "a@example.com"),
        ];
        let token = AccessToken::new("alice").with_text(BearerToken::parse(text).expect("valid"));
        claims
            .into_iter()
            .fold(token, |token, (name, value)| token.with_claim(name, value))
    }

    /// Whatever verified it: a JWT that an introspection endpoint was asked about says no more than
    /// its own text does.
    #[test]
    fn only_claims_that_stand_in_the_token_are_told() {
        let jwt = |claims: Value| {
            let payload = URL_SAFE_NO_PAD.encode(claims.to_string());
            format!("e30.{payload}.c2ln")
        };
        let two = json!({"sub": "alice", "role": "boss"});
        for (text, expected) in [
            (jwt(two.clone()), two),
            (
                jwt(json!({"sub": "alice", "role": "clerk", "new": 1})),
                json!({"sub": "alice"}),
            ),
            (jwt(json!(["sub"])), json!({})),
            ("opaque".to_owned(), json!({})),
            ("a.b".to_owned(), json!({})),
            ("a.~.c".to_owned(), json!({})),
            (format!("{}.d.e", jwt(json!({"sub": "alice"}))), json!({})),
        ] {
            let claims = readable_claims(&token(&text));
            assert_eq!(Value::Object(claims), expected, "{text}");
        }
        let bare = AccessToken::new("alice").with_claim("role", "boss");
        assert!(readable_claims(&bare).is_empty());
    }

    #[test]
    fn who_asks_for_events_gets_events() {
        for (accept, expected) in [
            (&["text/event-stream"][..], true),
            (&["application/json, Text/Event-Stream;q=0.5"], true),
            (&["application/json", "text/event-stream"], true),
            (&["application/json"], false),
            (&["*/*"], false),
            (&["text/event-streams"], false),
            (&[], false),
        ] {
            let mut headers = HeaderMap::new();
            for value in accept {
                headers.append(header::ACCEPT, HeaderValue::from_static(value));
            }
            assert_eq!(wants_events(&headers), expected, "{accept:?}");
        }
    }
}
