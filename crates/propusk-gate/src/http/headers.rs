//! Which headers cross the gate. Both ways by a list of what is known to be harmless and needed:
//! whatever else a client says, an upstream might take for an identity, and whatever else an
//! upstream says, a client might take for ours.

use std::collections::HashSet;

use http::{HeaderMap, HeaderName, HeaderValue, header};

/// Headers of MCP, beside `Mcp-Param-*`. Whatever else begins with `Mcp-` may speak of an identity.
const OF_MCP: &[&str] = &[
    "mcp-method",
    "mcp-name",
    "mcp-protocol-version",
    "mcp-session-id",
];

/// What a client may say beside `Mcp-*`.
const REQUEST: &[&str] = &[
    "accept",
    "accept-language",
    "last-event-id",
    "traceparent",
    "tracestate",
    "user-agent",
];

/// What an upstream may say beside `Mcp-*`. Lengths are counted anew.
const RESPONSE: &[&str] = &[
    "allow",
    "cache-control",
    "content-encoding",
    "content-language",
    "content-type",
    "date",
    "retry-after",
    "x-accel-buffering",
];

/// What an upstream might act upon, and must be there once at most: two of them may be read as the
/// first by one and as the last by another.
const ONCE: &[&str] = &[
    "last-event-id",
    "mcp-method",
    "mcp-name",
    "mcp-protocol-version",
    "mcp-session-id",
    "traceparent",
];

/// A header comes twice that may come once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ComesTwice(pub(super) &'static str);

/// Headers that the operator lets through, in addition.
#[derive(Debug, Clone, Default)]
pub(super) struct Passed(HashSet<HeaderName>);

impl Passed {
    pub(super) fn add(&mut self, name: HeaderName) {
        self.0.insert(name);
    }

    fn has(&self, name: &HeaderName) -> bool {
        self.0.contains(name) && may_pass(name)
    }
}

/// Whether an operator may have a header let through at all.
pub(super) fn may_pass(name: &HeaderName) -> bool {
    why_not(name).is_none()
}

/// Why an operator may not have a header let through, if it is so.
pub(super) fn why_not(name: &HeaderName) -> Option<&'static str> {
    let name = name.as_str();
    if is_of_the_connection(name) {
        return Some(
            "it belongs to one connection or one message, and the gate makes new ones of both",
        );
    }
    match name {
        "propusk-caller-assertion" => Some("who is calling is said by the gate alone"),
        "authorization" | "dpop" => Some("what a caller proves itself with stays at the gate"),
        "dpop-nonce" | "www-authenticate" => {
            Some("how a caller proves itself is said by the gate alone")
        }
        "set-cookie" | "set-cookie2" | "location" => {
            Some("clients would take it for one of the gate's own")
        }
        "accept-encoding" | "x-content-type-options" | "content-security-policy" => {
            Some("the gate sets it itself")
        }
        _ if name.starts_with("access-control-") => {
            Some("which pages may read answers is said by the gate alone")
        }
        _ => None,
    }
}

/// The headers of a request as the upstream gets them. `Host` and what belongs to the body are the
/// HTTP client's.
pub(super) fn onward(client: &HeaderMap, passed: &Passed) -> Result<HeaderMap, ComesTwice> {
    for name in ONCE {
        if client.get_all(*name).iter().nth(1).is_some() {
            return Err(ComesTwice(name));
        }
    }
    Ok(chosen(client, |name| {
        REQUEST.contains(&name.as_str()) || is_of_mcp(name.as_str()) || passed.has(name)
    }))
}

/// The headers of an answer as the client gets them.
pub(super) fn back(upstream: &HeaderMap, passed: &Passed) -> HeaderMap {
    let mut back = chosen(upstream, |name| {
        RESPONSE.contains(&name.as_str()) || is_of_mcp(name.as_str()) || passed.has(name)
    });
    let controls = back.get_all(header::CACHE_CONTROL).iter();
    if !controls.into_iter().all(keeps_out_of_shared_caches) {
        let no = HeaderValue::from_static("no-store");
        back.insert(header::CACHE_CONTROL, no);
    }
    back
}

/// Whether no cache before the gate may show one caller's answer to another: with these directives and
/// no others it keeps nothing that was asked for with a token (RFC 9111 §3.5).
fn keeps_out_of_shared_caches(control: &HeaderValue) -> bool {
    const HARMLESS: &[&str] = &["max-age", "no-cache", "no-store", "no-transform", "private"];
    let name = |directive: &str| {
        directive
            .split('=')
            .next()
            .unwrap_or_default()
            .trim()
            .to_owned()
    };
    control.to_str().is_ok_and(|text| {
        let mut names = text.split(',').map(name);
        names.all(|name| {
            HARMLESS
                .iter()
                .any(|known| known.eq_ignore_ascii_case(&name))
        })
    })
}

/// Whether the body has a type of this name, whatever its parameters.
pub(super) fn is_type(headers: &HeaderMap, wanted: &str) -> bool {
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(value), None) = (types.next(), types.next()) else {
        return false;
    };
    let essence = value.as_bytes().split(|byte| *byte == b';').next();
    essence.is_some_and(|name| name.trim_ascii().eq_ignore_ascii_case(wanted.as_bytes()))
}

fn chosen(headers: &HeaderMap, is_chosen: impl Fn(&HeaderName) -> bool) -> HeaderMap {
    let named = named_by_connection(headers);
    let mut chosen = HeaderMap::with_capacity(headers.len().min(16));
    for (name, value) in headers {
        if is_chosen(name)
            && !named
                .iter()
                .any(|other| other.eq_ignore_ascii_case(name.as_str()))
        {
            chosen.append(name.clone(), value.clone());
        }
    }
    chosen
}

/// What `Connection` names is for this connection only (RFC 9110 §7.6.1).
fn named_by_connection(headers: &HeaderMap) -> Vec<&str> {
    let values = headers.get_all(header::CONNECTION).iter();
    let texts = values.filter_map(|value: &HeaderValue| value.to_str().ok());
    texts
        .flat_map(|text| text.split(','))
        .map(str::trim)
        .collect()
}

/// An underscore is no hyphen, but servers that put headers into variables (CGI, WSGI) make them one
/// name.
fn is_of_mcp(name: &str) -> bool {
    OF_MCP.contains(&name) || name.starts_with("mcp-param-") && !name.contains('_')
}

fn is_of_the_connection(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "connection",
        "content-encoding",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ];
    NAMES.contains(&name) || name.starts_with("proxy-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            let name: HeaderName = name.parse().expect("a name");
            map.append(name, value.parse().expect("a value"));
        }
        map
    }

    #[test]
    fn what_a_client_says_about_itself_stays_here() {
        let passed = &mut Passed::default();
        passed.add(HeaderName::from_static("x-workspace"));
        passed.add(header::AUTHORIZATION);
        passed.add(header::TRANSFER_ENCODING);
        passed.add(header::CONTENT_ENCODING);
        passed.add(HeaderName::from_static("propusk-caller-assertion"));
        #[rustfmt::skip]
        let stripped = [
            "authorization", "proxy-authorization", "dpop", "cookie", "cookie2", "forwarded",
            "x-forwarded-for", "x-forwarded-user", "X-Forwarded-Client-Cert", "x-real-ip",
            "true-client-ip", "cf-connecting-ip", "x-user", "x-user-id", "x-auth-request-user",
            "x-pmcp-user-id", "x-authenticated-scope", "x-remote-user", "remote-user",
            "remote_user", "x-consumer-username", "x-amzn-oidc-data", "x-goog-iap-jwt-assertion",
            "x-ms-client-principal", "tailscale-user-login", "impersonate-user", "x-api-key",
            "api-key", "x-original-url", "x-http-method-override", "baggage", "from", "via",
            "origin", "referer", "sec-fetch-site", "accept-encoding", "expect", "te", "upgrade",
            "keep-alive", "transfer-encoding", "content-length", "content-encoding", "host",
            "propusk-caller-assertion", "mcp-user", "mcp-auth-token", "mcp-client-id",
            "mcp-caller", "mcp-onbehalfof", "mcp-on-behalf-of", "mcp-act-as", "mcp-actor", "mcp-x",
            "mcp_session_id", "mcp-session_id", "mcp-param_x", "x-anything", "anything",
        ];
        for name in stripped {
            let kept = onward(&map(&[(name, "x")]), passed).expect("once");
            assert!(kept.is_empty(), "{name}");
            // Neither does the case of a name on the wire matter.
            let kept = onward(&map(&[(&name.to_uppercase(), "x")]), passed).expect("once");
            assert!(kept.is_empty(), "{name}");
        }
    }

    #[test]
    fn what_the_protocol_needs_goes_through_untouched() {
        let passed = &mut Passed::default();
        passed.add(HeaderName::from_static("x-workspace"));
        for name in [
            "accept",
            "accept-language",
            "user-agent",
            "last-event-id",
            "traceparent",
            "tracestate",
            "mcp-session-id",
            "mcp-protocol-version",
            "mcp-method",
            "mcp-name",
            "mcp-param-region",
            "mcp-param-user",
            "x-workspace",
        ] {
            let value = " =?base64?w7w=?= \u{e9}".trim();
            let kept = onward(&map(&[(name, value)]), passed).expect("once");
            assert_eq!(
                kept.get(name).map(HeaderValue::as_bytes),
                Some(value.as_bytes()),
                "{name}"
            );
            let named = map(&[
                (name, "x"),
                ("connection", &format!("close, {}", name.to_uppercase())),
            ]);
            assert!(onward(&named, passed).expect("once").is_empty(), "{name}");
        }
        let twice = map(&[
            ("accept", "a"),
            ("accept", "b"),
            ("mcp-param-x", "1"),
            ("mcp-param-x", "2"),
        ]);
        assert_eq!(onward(&twice, passed).expect("may come twice").len(), 4);
        for name in ONCE {
            let twice = map(&[(name, "a"), (name, "a")]);
            assert_eq!(onward(&twice, passed), Err(ComesTwice(name)));
        }
    }

    #[test]
    fn what_an_upstream_says_of_itself_stays_behind() {
        let passed = &mut Passed::default();
        passed.add(HeaderName::from_static("x-ratelimit-remaining"));
        passed.add(header::WWW_AUTHENTICATE);
        passed.add(header::SET_COOKIE);
        passed.add(header::LOCATION);
        for (name, kept) in [
            ("content-type", true),
            ("cache-control", true),
            ("retry-after", true),
            ("allow", true),
            ("mcp-session-id", true),
            ("x-accel-buffering", true),
            ("x-ratelimit-remaining", true),
            ("set-cookie", false),
            ("www-authenticate", false),
            ("proxy-authenticate", false),
            ("authentication-info", false),
            ("access-control-allow-origin", false),
            ("access-control-allow-credentials", false),
            ("dpop-nonce", false),
            ("location", false),
            ("refresh", false),
            ("x-accel-redirect", false),
            ("x-sendfile", false),
            ("strict-transport-security", false),
            ("alt-svc", false),
            ("clear-site-data", false),
            ("server", false),
            ("content-length", false),
            ("transfer-encoding", false),
            ("connection", false),
            ("trailer", false),
        ] {
            assert_eq!(
                back(&map(&[(name, "x")]), passed).len(),
                usize::from(kept),
                "{name}"
            );
        }
        let named = map(&[("connection", "Content-Type"), ("content-type", "x")]);
        assert!(back(&named, passed).is_empty());
    }

    #[test]
    fn rfc9111_3_5_no_shared_cache_keeps_an_answer() {
        for (control, kept) in [
            ("no-cache", true),
            ("no-cache, no-transform", true),
            ("Private , max-age=5", true),
            ("public", false),
            ("max-age=5, PUBLIC", false),
            ("s-maxage=5", false),
            ("must-revalidate", false),
            ("private, x=\"a, public\"", false),
        ] {
            let back = back(&map(&[("cache-control", control)]), &Passed::default());
            let expected = if kept { control } else { "no-store" };
            assert_eq!(back[header::CACHE_CONTROL], expected);
        }
        let two = map(&[("cache-control", "private"), ("cache-control", "public")]);
        let back = back(&two, &Passed::default());
        assert_eq!(back.get_all(header::CACHE_CONTROL).iter().count(), 1);
    }

    #[test]
    fn a_type_is_told_without_its_parameters_and_only_where_there_is_one() {
        for (values, json) in [
            (&["application/json"][..], true),
            (&["Application/JSON ; charset=utf-8"], true),
            (&["application/jsonp"], false),
            (&["application/json", "text/plain"], false),
            (&[], false),
        ] {
            let pairs: Vec<_> = values
                .iter()
                .map(|value| ("content-type", *value))
                .collect();
            assert_eq!(
                is_type(&map(&pairs), "application/json"),
                json,
                "{values:?}"
            );
        }
    }
}
