//! Which `Host` and `Origin` headers are accepted: the defence against DNS rebinding and foreign
//! pages (MCP 2026-07-28, Streamable HTTP, security).

#[cfg(feature = "layer")]
mod check;

use std::fmt;

use http::uri::Authority;

use crate::ResourceUrl;

#[cfg(feature = "layer")]
pub(crate) use check::{Foreign, Source};

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
