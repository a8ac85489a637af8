//! The one place where a refusal becomes a status, a challenge and a body.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use http_body_util::Full;
use serde_json::{Value, json};

use super::message::{INVALID_PARAMS, METHOD_NOT_FOUND};
use crate::{
    AuthSettings, Challenge, Defect, DpopPolicy, Operation, ProofDefect, Reason, Refusal, ScopeSet,
    TargetKind,
    audit::Cause,
    host_policy::Foreign,
    refusal::{Scheme, whole_seconds},
};

/// The JSON-RPC code of an authorization error. The specification fixes none; this one is in the
/// range that it leaves to implementations.
const UNAUTHORIZED: i32 = -32001;

/// Renders a refusal (RFC 6750 §3, RFC 9728 §5.1, RFC 9449 §7.1). The body is a JSON-RPC error without an id,
/// since clients show its message; the specification leaves the body open.
pub(super) fn refusal(settings: &AuthSettings, refusal: &Refusal) -> Response<Full<Bytes>> {
    refusal_of(settings, refusal, None)
}

/// The same for a request whose id is known.
pub(super) fn refusal_of(
    settings: &AuthSettings,
    refusal: &Refusal,
    id: Option<&Value>,
) -> Response<Full<Bytes>> {
    let (status, error) = match refusal.reason() {
        Reason::NoToken => (StatusCode::UNAUTHORIZED, None),
        Reason::BadRequest(_) => (StatusCode::BAD_REQUEST, Some("invalid_request")),
        Reason::InvalidToken(_) => (StatusCode::UNAUTHORIZED, Some("invalid_token")),
        Reason::InvalidProof(ProofDefect::NonceNeeded) => {
            (StatusCode::UNAUTHORIZED, Some("use_dpop_nonce"))
        }
        Reason::InvalidProof(_) => (StatusCode::UNAUTHORIZED, Some("invalid_dpop_proof")),
        Reason::InsufficientScope => (StatusCode::FORBIDDEN, Some("insufficient_scope")),
        Reason::Forbidden | Reason::Ruled => (StatusCode::FORBIDDEN, Some("forbidden")),
        Reason::Hidden => (StatusCode::OK, None),
        Reason::Limited { .. } => (StatusCode::TOO_MANY_REQUESTS, Some("limited")),
        Reason::Unavailable { .. } => (StatusCode::SERVICE_UNAVAILABLE, None),
    };
    // A client of rmcp reads a body only where there is no challenge to read or a 400, takes a
    // JSON-RPC error for the answer to the id in it, and waits for ever where that is `null`.
    let mut response = match refusal.reason() {
        Reason::Unavailable { .. } | Reason::Limited { .. } | Reason::BadRequest(_) => {
            own(status, "text/plain; charset=utf-8", format!("{refusal}\n"))
        }
        _ => {
            let scopes = named_scopes(settings, refusal);
            json_rpc_error(status, error, refusal, &scopes, id)
        }
    };
    let headers = response.headers_mut();
    match refusal.reason() {
        Reason::Unavailable { retry_after } | Reason::Limited { retry_after } => {
            let seconds = HeaderValue::from(whole_seconds(retry_after));
            headers.insert(header::RETRY_AFTER, seconds);
        }
        Reason::Forbidden | Reason::Ruled | Reason::Hidden => {}
        _ => {
            let value = challenge(settings, error, refusal).to_header_value();
            headers.insert(header::WWW_AUTHENTICATE, value);
        }
    }
    caused(response, refusal.clone().into())
}

/// Renders what a rule beyond scopes refuses: 403, 429 with `Retry-After`, or what is said of a name
/// that there is not. The body is a JSON-RPC error for the request, where that has an id.
pub(super) fn ruled(
    refusal: &Refusal,
    operation: &Operation,
    id: Option<Value>,
) -> Response<Full<Bytes>> {
    let (status, code, error, message) = match refusal.reason() {
        Reason::Hidden => {
            let (code, message) = unknown(operation);
            let status = match id {
                Some(_) => StatusCode::OK,
                None => StatusCode::BAD_REQUEST,
            };
            (status, code, None, message)
        }
        Reason::Limited { .. } => {
            let (status, message) = (StatusCode::TOO_MANY_REQUESTS, refusal.to_string());
            (status, UNAUTHORIZED, Some("limited"), message)
        }
        _ => {
            let (status, message) = (StatusCode::FORBIDDEN, refusal.to_string());
            (status, UNAUTHORIZED, Some("forbidden"), message)
        }
    };
    let mut response = match id {
        Some(id) => {
            let mut rpc = json!({ "code": code, "message": message });
            if let Some(error) = error {
                rpc["data"] = json!({ "error": error });
            }
            let body = json!({ "jsonrpc": "2.0", "id": id, "error": rpc });
            own(status, "application/json", body.to_string())
        }
        None => own(status, "text/plain; charset=utf-8", format!("{message}\n")),
    };
    if let Reason::Limited { retry_after } = refusal.reason() {
        let seconds = HeaderValue::from(whole_seconds(retry_after));
        response.headers_mut().insert(header::RETRY_AFTER, seconds);
    }
    caused(response, refusal.clone().into())
}

/// What MCP says of a name that there is not (2025-11-25, tools, prompts and resources: error
/// handling). 2026-07-28 has one code for all of them, which clients of the other era know too.
fn unknown(operation: &Operation) -> (i32, String) {
    let Operation::Method { targets, .. } = operation else {
        return (METHOD_NOT_FOUND, "there is no such method".to_owned());
    };
    let message = match targets.first() {
        Some(_) if targets.len() > 1 => "Resource not found".to_owned(),
        None => return (METHOD_NOT_FOUND, "there is no such method".to_owned()),
        Some(target) => match target.kind() {
            TargetKind::Tool => format!("Unknown tool: {}", target.name()),
            TargetKind::Prompt => format!("Unknown prompt: {}", target.name()),
            TargetKind::Resource => format!("Resource not found: {}", target.name()),
            TargetKind::Task => format!("Unknown task: {}", target.name()),
        },
    };
    (INVALID_PARAMS, message)
}

fn challenge(settings: &AuthSettings, error: Option<&str>, refusal: &Refusal) -> Challenge {
    let dpop = asks_for_proof(settings, refusal);
    let mut challenge = if dpop {
        Challenge::dpop()
    } else {
        Challenge::bearer()
    };
    if settings.authorization_servers().is_empty() {
        // No metadata: it would send OAuth clients to nowhere.
        challenge = challenge.with_realm(settings.resource().as_str());
    } else {
        challenge = challenge.with_resource_metadata(settings.resource().metadata_url());
    }
    if let Some(error) = error {
        challenge = challenge
            .with_error(error)
            .with_error_description(refusal.to_string());
    }
    challenge = challenge.with_scope(&named_scopes(settings, refusal));
    if dpop {
        challenge = challenge.with_algs(algs());
    }
    challenge
}

/// The scopes that an answer names: those of the operation, and where the client is to sign in also
/// those that it does well to ask for, since others guess (MCP, scope selection strategy).
fn named_scopes(settings: &AuthSettings, refusal: &Refusal) -> ScopeSet {
    let mut named = refusal.needed_scopes().clone();
    if matches!(refusal.reason(), Reason::NoToken | Reason::InvalidToken(_)) {
        named.extend(settings.sign_in_scopes());
    }
    named
}

/// Whether the challenge is one for a token that is bound to a key: because only such are accepted,
/// because the request came with one, or because one came as a plain bearer token.
fn asks_for_proof(settings: &AuthSettings, refusal: &Refusal) -> bool {
    cfg!(feature = "jwt")
        && (settings.dpop_policy() == DpopPolicy::Required
            || refusal.scheme() == Scheme::Dpop
            || refusal.reason() == Reason::InvalidToken(Defect::NeedsProof))
}

#[cfg(feature = "jwt")]
fn algs() -> String {
    let names: Vec<_> = crate::dpop::algorithm_names().collect();
    names.join(" ")
}

#[cfg(not(feature = "jwt"))]
fn algs() -> String {
    String::new()
}

/// Tells the client which nonce its next DPoP proof must contain (RFC 9449 §8.2 and §9).
pub(super) fn with_nonce<B>(mut response: Response<B>, nonce: Option<HeaderValue>) -> Response<B> {
    if let Some(nonce) = nonce {
        let headers = response.headers_mut();
        headers.insert(HeaderName::from_static("dpop-nonce"), nonce);
        // Out of a cache comes an old one (RFC 9449 §8.2).
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

fn json_rpc_error(
    status: StatusCode,
    error: Option<&str>,
    refusal: &Refusal,
    scopes: &ScopeSet,
    id: Option<&Value>,
) -> Response<Full<Bytes>> {
    let mut data = serde_json::Map::new();
    if let Some(error) = error {
        data.insert("error".to_owned(), error.into());
    }
    if !scopes.is_empty() {
        data.insert("scope".to_owned(), scopes.to_string().into());
    }
    let mut rpc = json!({ "code": UNAUTHORIZED, "message": refusal.to_string() });
    if !data.is_empty() {
        rpc["data"] = data.into();
    }
    let body = json!({ "jsonrpc": "2.0", "id": id, "error": rpc });
    own(status, "application/json", body.to_string())
}

/// Renders a message that cannot be read in one way only: a JSON-RPC error where it is known for
/// which request, else a plain sentence (see [`refusal`]).
pub(super) fn unclear(code: i32, message: &str, id: Option<Value>) -> Response<Full<Bytes>> {
    let (content_type, body) = match id {
        Some(id) => {
            let error = json!({ "code": code, "message": message });
            let body = json!({ "jsonrpc": "2.0", "id": id, "error": error });
            ("application/json", body.to_string())
        }
        None => ("text/plain; charset=utf-8", format!("{message}\n")),
    };
    let status = match code {
        METHOD_NOT_FOUND => StatusCode::NOT_FOUND,
        _ => StatusCode::BAD_REQUEST,
    };
    caused(own(status, content_type, body), Cause::unclear_message())
}

/// Renders a body that is longer than it may be.
pub(super) fn too_long(most: usize) -> Response<Full<Bytes>> {
    let body = format!("The body of a request may have {most} bytes at most.\n");
    let response = own(
        StatusCode::PAYLOAD_TOO_LARGE,
        "text/plain; charset=utf-8",
        body,
    );
    caused(response, Cause::body_too_long())
}

/// Renders a body that did not come whole.
pub(super) fn broken_body() -> Response<Full<Bytes>> {
    let body = "The body of the request did not come whole.\n".to_owned();
    let response = own(StatusCode::BAD_REQUEST, "text/plain; charset=utf-8", body);
    caused(response, Cause::broken_body())
}

/// Renders a body that did not come in time.
pub(super) fn slow_body(longest: Duration) -> Response<Full<Bytes>> {
    let seconds = whole_seconds(longest);
    let body = format!("The body of a request may take {seconds} s at most.\n");
    let mut response = own(
        StatusCode::REQUEST_TIMEOUT,
        "text/plain; charset=utf-8",
        body,
    );
    // The rest of it is not waited for (RFC 9110 §15.5.9).
    let close = HeaderValue::from_static("close");
    response.headers_mut().insert(header::CONNECTION, close);
    caused(response, Cause::slow_body())
}

/// Renders a request that was turned away for its `Host` or `Origin`.
pub(super) fn foreign(foreign: Foreign) -> Response<Full<Bytes>> {
    let status = match foreign {
        Foreign::BadHost => StatusCode::BAD_REQUEST,
        Foreign::UnknownHost => StatusCode::MISDIRECTED_REQUEST,
        Foreign::UnknownOrigin => StatusCode::FORBIDDEN,
    };
    let response = own(status, "text/plain; charset=utf-8", format!("{foreign}\n"));
    caused(response, Cause::foreign(foreign))
}

/// A session of another principal looks exactly like one that does not exist.
pub(super) fn unknown_session() -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from("Not Found: Session not found"));
    *response.status_mut() = StatusCode::NOT_FOUND;
    caused(response, Cause::unknown_session())
}

/// A refusal carries its cause, for who watches; nothing of it goes over the wire.
fn caused<B>(mut response: Response<B>, cause: Cause) -> Response<B> {
    response.extensions_mut().insert(cause);
    response
}

/// The protected resource metadata (RFC 9728 §3.2), or 404 where there is none.
pub(super) fn metadata(document: Option<&str>) -> Response<Full<Bytes>> {
    match document {
        Some(document) => own(StatusCode::OK, "application/json", document.to_owned()),
        None => own(
            StatusCode::NOT_FOUND,
            "text/plain; charset=utf-8",
            "This server has no OAuth authorization server; its operator hands out tokens.\n"
                .to_owned(),
        ),
    }
}

/// A metadata document takes nothing.
pub(super) fn metadata_is_read() -> Response<Full<Bytes>> {
    let body = "Metadata can only be read.\n".to_owned();
    let mut response = own(
        StatusCode::METHOD_NOT_ALLOWED,
        "text/plain; charset=utf-8",
        body,
    );
    let allow = HeaderValue::from_static("GET, HEAD");
    response.headers_mut().insert(header::ALLOW, allow);
    response
}

fn own(status: StatusCode, content_type: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Defect, Malformed};

    #[test]
    fn rfc6750_3_statuses_and_challenges() {
        let scopes = || ScopeSet::parse("a b").expect("valid");
        let none = ScopeSet::default;
        let plain = AuthSettings::new("http://localhost:8000/mcp").expect("valid");
        let oauth = plain.clone().authorization_server("https://login.example");
        let metadata =
            r#"resource_metadata="http://localhost:8000/.well-known/oauth-protected-resource/mcp""#;
        #[rustfmt::skip]
        let table = [
            (&plain, Refusal::new(Reason::NoToken, none()), 401,
             r#"Bearer realm="http://localhost:8000/mcp""#.to_owned()),
            (&oauth, Refusal::new(Reason::NoToken, none()), 401, format!("Bearer {metadata}")),
            (&oauth, Refusal::new(Reason::NoToken, scopes()), 401, format!("Bearer {metadata}, scope=\"a b\"")),
            (&oauth, Refusal::new(Reason::BadRequest(Malformed::NotAToken), none()), 400,
             format!("Bearer {metadata}, error=\"invalid_request\", error_description=\"The Authorization header does not carry a well-formed bearer token.\"")),
            (&oauth, Refusal::new(Reason::InvalidToken(Defect::Expired), scopes()), 401,
             format!("Bearer {metadata}, error=\"invalid_token\", error_description=\"The access token has expired.\", scope=\"a b\"")),
            (&plain, Refusal::needs("a b"), 403,
             r#"Bearer realm="http://localhost:8000/mcp", error="insufficient_scope", error_description="The access token does not permit this operation. It needs: a b.", scope="a b""#.to_owned()),
        ];
        for (settings, refused, status, expected) in table {
            let response = refusal(settings, &refused);
            assert_eq!(response.status(), status, "{refused:?}");
            assert_eq!(
                response.headers()[header::WWW_AUTHENTICATE],
                expected,
                "{refused:?}"
            );
            assert!(!response.headers().contains_key(header::RETRY_AFTER));
            let cause = response.extensions().get::<Cause>();
            assert_eq!(cause.and_then(Cause::refusal), Some(&refused));
        }
    }

    /// Clients without a hint guess: the official ones ask for everything or for nothing.
    #[test]
    fn a_client_that_is_to_sign_in_learns_which_scopes_to_ask_for() {
        let settings = AuthSettings::new("http://localhost:8000/mcp")
            .expect("valid")
            .require_scopes("mcp")
            .expect("valid")
            .suggest_scopes("notes:read")
            .expect("valid");
        let needed = || ScopeSet::parse("mcp notes:write").expect("valid");
        for (refused, expected) in [
            (Refusal::unauthenticated(), "mcp notes:read"),
            (
                Refusal::new(Reason::NoToken, needed()),
                "mcp notes:read notes:write",
            ),
            (
                Refusal::new(Reason::InvalidToken(Defect::Expired), needed()),
                "mcp notes:read notes:write",
            ),
            (
                Refusal::new(Reason::InsufficientScope, needed()),
                "mcp notes:write",
            ),
        ] {
            let response = refusal(&settings, &refused);
            let challenge = response.headers()[header::WWW_AUTHENTICATE].to_str();
            let challenge = challenge.expect("ASCII");
            let expected = format!("scope=\"{expected}\"");
            assert!(challenge.ends_with(&expected), "{refused:?}: {challenge}");
        }
    }

    #[test]
    fn what_no_scope_would_help_is_403_without_a_challenge() {
        let settings = AuthSettings::new("http://localhost:8000/mcp").expect("valid");
        let response = refusal(&settings, &Refusal::forbidden());
        assert_eq!(response.status(), 403);
        assert!(!response.headers().contains_key(header::WWW_AUTHENTICATE));
    }

    #[test]
    fn unavailable_is_503_with_retry_after_and_no_challenge() {
        let settings = AuthSettings::new("http://localhost:8000/mcp").expect("valid");
        let retry_after = Duration::from_millis(1_200);
        let response = refusal(
            &settings,
            &Refusal::new(Reason::Unavailable { retry_after }, ScopeSet::default()),
        );
        assert_eq!(response.status(), 503);
        assert_eq!(response.headers()[header::RETRY_AFTER], "2");
        assert!(!response.headers().contains_key(header::WWW_AUTHENTICATE));
    }
}
