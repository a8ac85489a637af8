//! Which `Host` and `Origin` headers are accepted: the defence against DNS rebinding and foreign
//! pages (MCP 2026-07-28, Streamable HTTP, security).

use std::fmt;

use http::{HeaderMap, Uri, header, uri::Authority};

use crate::ResourceUrl;

/// Which `Host` and `Origin` headers are accepted. Derived from the resource URL, with explicit
/// additions; it cannot be turned off.
#[derive(Debug, Clone)]
pub struct HostPolicy {
    hosts: Vec<HostRule>,
    origins: Vec<OriginRule>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct HostRule {
    host: String,
    /// `None` is any port: rebinding needs a foreign name, the port says nothing.
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum OriginRule {
    /// What sandboxed pages and local files send.
    Null,
    Tuple {
        scheme: String,
        host: String,
        port: Option<u16>,
    },
}

/// What an accepted request said about where it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// No `Origin` header: not a page of another site.
    Program,
    /// A page of an accepted origin.
    Page,
}

/// Why a request was turned away before anything else ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Foreign {
    #[error("the Host header is missing, malformed or there twice")]
    BadHost,
    #[error(
        "this server does not answer to that Host; the operator can add it with --allowed-host or AuthSettings::allow_host"
    )]
    UnknownHost,
    #[error(
        "pages of this origin are not allowed; the operator can add it with --allowed-origin or AuthSettings::allow_origin"
    )]
    UnknownOrigin,
}

impl HostPolicy {
    pub(crate) fn of(resource: &ResourceUrl) -> Self {
        let mut names = vec![bare(resource.host())];
        if resource.is_loopback() {
            for name in ["localhost", "127.0.0.1", "::1"] {
                if !names.iter().any(|own| own == name) {
                    names.push(name.to_owned());
                }
            }
        }
        let origin = |host: &String| OriginRule::Tuple {
            scheme: resource.scheme().to_owned(),
            host: host.clone(),
            port: Some(resource.port()),
        };
        Self {
            origins: names.iter().map(origin).collect(),
            hosts: names
                .into_iter()
                .map(|host| HostRule { host, port: None })
                .collect(),
        }
    }

    pub(crate) fn allow_host(&mut self, text: &str) -> Result<(), InvalidHostRule> {
        let authority = authority(text).ok_or_else(|| InvalidHostRule::host(text))?;
        self.hosts.push(HostRule {
            host: bare(authority.host()),
            port: authority.port_u16(),
        });
        Ok(())
    }

    pub(crate) fn allow_origin(&mut self, text: &str) -> Result<(), InvalidHostRule> {
        let rule = if text == "null" {
            OriginRule::Null
        } else if let Some(base) = text.strip_suffix(":*") {
            match parse_origin(base) {
                // A port before the asterisk is a typing slip.
                Some((scheme, host, None)) => OriginRule::Tuple {
                    scheme,
                    host,
                    port: None,
                },
                _ => return Err(InvalidHostRule::origin(text)),
            }
        } else {
            let (scheme, host, port) =
                parse_origin(text).ok_or_else(|| InvalidHostRule::origin(text))?;
            let port = port.or_else(|| default_port(&scheme));
            OriginRule::Tuple {
                scheme,
                host,
                port: Some(port.ok_or_else(|| InvalidHostRule::origin(text))?),
            }
        };
        self.origins.push(rule);
        Ok(())
    }

    /// Judges a request by its `Host` (or `:authority`) and `Origin`.
    pub(crate) fn check(&self, uri: &Uri, headers: &HeaderMap) -> Result<Source, Foreign> {
        self.check_host(uri, headers)?;
        let mut origins = headers.get_all(header::ORIGIN).iter();
        match (origins.next(), origins.next()) {
            (None, _) => Ok(Source::Program),
            (Some(origin), None) if origin.to_str().is_ok_and(|o| self.knows_origin(o)) => {
                Ok(Source::Page)
            }
            _ => Err(Foreign::UnknownOrigin),
        }
    }

    fn check_host(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Foreign> {
        let mut hosts = headers.get_all(header::HOST).iter();
        let named = match (hosts.next(), hosts.next()) {
            (Some(_), Some(_)) => return Err(Foreign::BadHost),
            (Some(host), None) => {
                let host = host.to_str().ok().and_then(authority);
                Some(host.ok_or(Foreign::BadHost)?)
            }
            (None, _) => None,
        };
        // An absolute target (or `:authority`) counts before the header (RFC 9112 §3.2.2); where a
        // request has both, neither may be foreign.
        let mut named = named.iter().chain(uri.authority()).peekable();
        if named.peek().is_none() {
            return Err(Foreign::BadHost);
        }
        named
            .all(|authority| self.knows_host(authority))
            .then_some(())
            .ok_or(Foreign::UnknownHost)
    }

    fn knows_host(&self, authority: &Authority) -> bool {
        let host = unbracketed(authority.host());
        let port = authority.port_u16();
        self.hosts.iter().any(|rule| {
            rule.host.eq_ignore_ascii_case(host) && (rule.port.is_none() || rule.port == port)
        })
    }

    pub(crate) fn knows_origin(&self, origin: &str) -> bool {
        if origin == "null" {
            return self.origins.contains(&OriginRule::Null);
        }
        let Some((scheme, host, port)) = parse_origin(origin) else {
            return false;
        };
        let port = port.or_else(|| default_port(&scheme));
        self.origins.iter().any(|rule| match rule {
            OriginRule::Null => false,
            OriginRule::Tuple {
                scheme: s,
                host: h,
                port: p,
            } => *s == scheme && *h == host && (p.is_none() || *p == port),
        })
    }
}

/// Parses `host[:port]`; a user name before the host is not part of a `Host`.
fn authority(text: &str) -> Option<Authority> {
    text.parse::<Authority>()
        .ok()
        .filter(|a| !a.host().is_empty() && !text.contains('@'))
        // What follows the host is a port that fits, or nothing.
        .filter(|a| a.port_u16().is_some() || a.as_str() == a.host())
}

/// Parses `scheme://host[:port]` with nothing after it (RFC 6454 §6.2).
fn parse_origin(text: &str) -> Option<(String, String, Option<u16>)> {
    let (scheme, rest) = text.split_once("://")?;
    let known = !scheme.is_empty()
        && scheme
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    let authority = authority(rest).filter(|_| known)?;
    Some((
        scheme.to_ascii_lowercase(),
        bare(authority.host()),
        authority.port_u16(),
    ))
}

fn unbracketed(host: &str) -> &str {
    host.strip_prefix('[')
        .and_then(|h| h.strip_suffix(']'))
        .unwrap_or(host)
}

fn bare(host: &str) -> String {
    unbracketed(host).to_ascii_lowercase()
}

fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    }
}

/// A text that is neither a host nor an origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidHostRule {
    text: String,
    example: &'static str,
}

impl InvalidHostRule {
    fn host(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            example: "a host (write mcp.example.com or mcp.example.com:8443)",
        }
    }

    fn origin(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            example: "an origin (write https://app.example.com, or http://localhost:* for any port)",
        }
    }
}

impl fmt::Display for InvalidHostRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not {}", self.text, self.example)
    }
}

impl std::error::Error for InvalidHostRule {}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(resource: &str) -> HostPolicy {
        HostPolicy::of(&ResourceUrl::parse(resource).expect(resource))
    }

    fn check(policy: &HostPolicy, host: &str, origin: Option<&str>) -> Result<Source, Foreign> {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().expect("header"));
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().expect("header"));
        }
        policy.check(&Uri::from_static("/mcp"), &headers)
    }

    #[test]
    fn the_host_must_be_that_of_the_resource() {
        let local = policy("http://127.0.0.1:8000/mcp");
        for good in [
            "127.0.0.1:8000",
            "localhost:8000",
            "LOCALHOST",
            "[::1]:8000",
            "[::1]",
            "127.0.0.1:9",
        ] {
            assert_eq!(check(&local, good, None), Ok(Source::Program), "{good}");
        }
        for bad in [
            "evil.example",
            "evil.example:8000",
            "127.0.0.1.evil.example",
            "localhost.evil",
            "127.0.0.2",
        ] {
            assert_eq!(check(&local, bad, None), Err(Foreign::UnknownHost), "{bad}");
        }
        for bad in [
            "",
            "a b",
            "me@localhost",
            "localhost:",
            "localhost:99999",
            "http://localhost",
            "localhost/x",
        ] {
            assert_eq!(check(&local, bad, None), Err(Foreign::BadHost), "{bad:?}");
        }
        let public = policy("https://mcp.example.com/mcp");
        assert_eq!(check(&public, "mcp.example.com", None), Ok(Source::Program));
        assert_eq!(check(&public, "localhost", None), Err(Foreign::UnknownHost));
    }

    #[test]
    fn the_origin_matrix() {
        let mut local = policy("http://127.0.0.1:8000/mcp");
        local.allow_origin("https://app.example").expect("origin");
        local.allow_origin("http://localhost:*").expect("origin");
        for good in [
            "http://127.0.0.1:8000",
            "http://[::1]:8000",
            "https://app.example",
            "https://app.example:443",
            "https://APP.example",
            "http://localhost:1",
            "http://localhost",
        ] {
            assert_eq!(
                check(&local, "localhost", Some(good)),
                Ok(Source::Page),
                "{good}"
            );
        }
        for bad in [
            "null",
            "http://127.0.0.1:8001",
            "https://127.0.0.1:8000",
            "http://[::1]",
            "http://app.example",
            "https://app.example:8443",
            "https://app.example.evil",
            "https://evil/https://app.example",
            "https://localhost:1",
            "",
            "*",
            "localhost",
            "file://",
            "http://localhost:1/x",
            "http://me@localhost",
        ] {
            assert_eq!(
                check(&local, "localhost", Some(bad)),
                Err(Foreign::UnknownOrigin),
                "{bad:?}"
            );
        }
        local.allow_origin("null").expect("explicit");
        assert_eq!(check(&local, "localhost", Some("null")), Ok(Source::Page));
    }

    #[test]
    fn two_hosts_or_two_origins_are_refused() {
        let local = policy("http://localhost:8000/mcp");
        let mut headers = HeaderMap::new();
        headers.append(header::HOST, "localhost".parse().expect("header"));
        headers.append(
            header::ORIGIN,
            "http://localhost:8000".parse().expect("header"),
        );
        headers.append(
            header::ORIGIN,
            "http://localhost:8000".parse().expect("header"),
        );
        assert_eq!(
            local.check(&Uri::from_static("/"), &headers),
            Err(Foreign::UnknownOrigin)
        );
        headers.append(header::HOST, "localhost".parse().expect("header"));
        assert_eq!(
            local.check(&Uri::from_static("/"), &headers),
            Err(Foreign::BadHost)
        );
        assert_eq!(
            local.check(&Uri::from_static("/"), &HeaderMap::new()),
            Err(Foreign::BadHost)
        );
    }

    #[test]
    fn rules_that_mean_nothing_are_refused() {
        let mut local = policy("http://localhost:8000/mcp");
        for bad in ["", "https://a", "a b", "a:", "a:99999", "u@a"] {
            assert!(local.allow_host(bad).is_err(), "{bad:?}");
        }
        for bad in [
            "",
            "a.example",
            "https://a.example/x",
            "https://a:1:*",
            "*",
            "x://a",
        ] {
            assert!(local.allow_origin(bad).is_err(), "{bad:?}");
        }
        local
            .allow_host("proxy.internal:8443")
            .expect("host and port");
        assert_eq!(
            check(&local, "proxy.internal:8443", None),
            Ok(Source::Program)
        );
        assert_eq!(
            check(&local, "proxy.internal", None),
            Err(Foreign::UnknownHost)
        );
    }
}
