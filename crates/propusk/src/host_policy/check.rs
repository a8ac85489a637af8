//! A request, judged by where it says that it goes and comes from.

use http::{HeaderMap, Uri, header, uri::Authority};

use super::{HostPolicy, OriginRule, authority, default_port, parse_origin, unbracketed};

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ResourceUrl;

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
