//! The resource URL: what this server is called in tokens and metadata (RFC 8707, RFC 9728).

use std::fmt;

use url::{Host, Url};

/// The canonical URL of a protected MCP server, such as `https://mcp.example.com/mcp`: the
/// audience of its tokens and the `resource` of its metadata.
///
/// The text is kept as it was given, since clients compare it byte for byte (parsing and printing
/// would add a slash to `http://localhost:8000`).
#[derive(Clone, PartialEq, Eq)]
pub struct ResourceUrl {
    text: String,
    url: Url,
}

impl ResourceUrl {
    /// Parses an absolute `http` or `https` URL without user, query and fragment.
    ///
    /// # Errors
    /// [`InvalidResourceUrl`] says which of these it is not.
    pub fn parse(text: &str) -> Result<Self, InvalidResourceUrl> {
        let parsed = Self::parse_server(text)?;
        match parsed.url.query() {
            None => Ok(parsed),
            Some(_) => Err(InvalidResourceUrl::new(text, Problem::Query)),
        }
    }

    /// Parses the URL that a client was given, which may have a query.
    pub(crate) fn parse_server(text: &str) -> Result<Self, InvalidResourceUrl> {
        let invalid = |problem| InvalidResourceUrl::new(text, problem);
        let url = Url::parse(text).map_err(|e| match e {
            url::ParseError::RelativeUrlWithoutBase => invalid(Problem::NotAbsolute),
            other => invalid(Problem::Syntax(other)),
        })?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(invalid(Problem::Scheme));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(invalid(Problem::User));
        }
        if url.query_pairs().any(|(name, _)| name == "access_token") {
            return Err(invalid(Problem::TokenInQuery));
        }
        if url.fragment().is_some() {
            return Err(invalid(Problem::Fragment));
        }
        if text.trim() != text || text.contains('\\') || url.host().is_none() {
            return Err(invalid(Problem::Syntax(
                url::ParseError::InvalidDomainCharacter,
            )));
        }
        Ok(Self {
            text: text.to_owned(),
            url,
        })
    }

    /// The URL exactly as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The path, at least `/`.
    #[must_use]
    pub fn path(&self) -> &str {
        self.url.path()
    }

    /// The scheme, `http` or `https`.
    #[must_use]
    pub fn scheme(&self) -> &str {
        self.url.scheme()
    }

    /// The host in lower case; an IPv6 address stands in brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// The port, that of the scheme where none is written.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.url.port_or_known_default().unwrap_or_default()
    }

    /// Whether the host is this very machine: `localhost` or a loopback address.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        match self.url.host() {
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
    }

    /// The path of the protected resource metadata: `/.well-known/oauth-protected-resource`,
    /// followed by the resource's own path (RFC 9728 §3.1).
    #[must_use]
    pub fn metadata_path(&self) -> String {
        format!("{WELL_KNOWN}{}", self.path().trim_end_matches('/'))
    }

    /// The absolute URL of the protected resource metadata, as it stands in a challenge.
    #[must_use]
    pub fn metadata_url(&self) -> String {
        format!(
            "{}{}",
            self.url.origin().ascii_serialization(),
            self.metadata_path()
        )
    }

    /// Whether a token's audience names this resource: the same URL, where scheme and host compare
    /// without case and a default port may be left out. A trailing slash makes a difference except
    /// at the root (`https://a` and `https://a/` are one resource). Everything else compares as
    /// text: what a browser would make the same of, such as `https:a` or `https://a/x/..`, is not
    /// the same here.
    #[must_use]
    pub fn is_named_by(&self, audience: &str) -> bool {
        audience == self.text
            || plain(audience).is_some_and(|other| {
                // A client may have got its text from a URL parser.
                other == self.url.as_str() || plain(&self.text).is_some_and(|own| own == other)
            })
    }
}

/// The text with scheme and host in lower case, without a default port, and with a slash at the
/// root.
fn plain(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once("://")?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let (scheme, authority) = (scheme.to_ascii_lowercase(), authority.to_ascii_lowercase());
    let default_port = match scheme.as_str() {
        "https" => ":443",
        "http" => ":80",
        _ => return None,
    };
    let authority = authority.strip_suffix(default_port).unwrap_or(&authority);
    let path = if path.is_empty() { "/" } else { path };
    Some(format!("{scheme}://{authority}{path}"))
}

/// The root well-known path of RFC 9728.
pub(crate) const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

impl fmt::Display for ResourceUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for ResourceUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.text)
    }
}

/// A text that cannot be the URL of a protected resource.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{shown} is not a usable URL: {problem}")]
pub struct InvalidResourceUrl {
    shown: String,
    problem: Problem,
}

impl InvalidResourceUrl {
    /// Keeps of the text what cannot be a secret: nothing where there is a user name, and nothing
    /// of a query or fragment.
    fn new(text: &str, problem: Problem) -> Self {
        let end = text.find(['?', '#']).unwrap_or(text.len());
        let shown = if text.contains('@') {
            "the URL given".to_owned()
        } else if end < text.len() {
            format!("{:?}…", &text[..end])
        } else {
            format!("{text:?}")
        };
        Self { shown, problem }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum Problem {
    #[error("it is not absolute (write something like http://127.0.0.1:8000/mcp)")]
    NotAbsolute,
    #[error("{0}")]
    Syntax(url::ParseError),
    #[error("its scheme must be http or https")]
    Scheme,
    #[error("it must not contain a user name or password")]
    User,
    #[error("it must not have a fragment (#…)")]
    Fragment,
    #[error("a token does not belong into a URL; pass it by itself")]
    TokenInQuery,
    #[error("it must not have a query (?…)")]
    Query,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> ResourceUrl {
        ResourceUrl::parse(text).expect(text)
    }

    #[test]
    fn what_is_not_a_resource_url() {
        for (bad, reason) in [
            ("localhost:8000/mcp", "scheme"),
            ("/mcp", "absolute"),
            ("ftp://a/b", "scheme"),
            ("https://a/b#c", "fragment"),
            ("https://a/b?c", "query"),
            ("https://me:pw@a/b", "password"),
            ("https://", "host"),
            ("https://a b/", "domain name"),
            (" https://a/", "character"),
        ] {
            let error = ResourceUrl::parse(bad).expect_err(bad).to_string();
            assert!(error.contains(reason), "{bad}: {error}");
            assert!(!error.contains("pw@"), "{error}");
        }
    }

    #[test]
    fn rfc9728_3_1_the_resource_path_is_inserted_after_the_well_known_part() {
        for (resource, expected) in [
            (
                "https://a.example/mcp",
                "https://a.example/.well-known/oauth-protected-resource/mcp",
            ),
            (
                "https://a.example",
                "https://a.example/.well-known/oauth-protected-resource",
            ),
            (
                "https://a.example/",
                "https://a.example/.well-known/oauth-protected-resource",
            ),
            (
                "http://[::1]:8000/a/b",
                "http://[::1]:8000/.well-known/oauth-protected-resource/a/b",
            ),
            (
                "HTTPS://A.example:443/mcp",
                "https://a.example/.well-known/oauth-protected-resource/mcp",
            ),
        ] {
            assert_eq!(url(resource).metadata_url(), expected);
        }
        assert_eq!(
            url("http://localhost:8000").as_str(),
            "http://localhost:8000",
            "no slash is added"
        );
    }

    #[test]
    fn rfc8707_audience_comparison() {
        let resource = url("https://a.example/mcp");
        for same in [
            "https://a.example/mcp",
            "https://A.EXAMPLE/mcp",
            "https://a.example:443/mcp",
        ] {
            assert!(resource.is_named_by(same), "{same}");
        }
        for other in [
            "https://a.example/mcp/",
            "https://a.example/MCP",
            "https://a.example/mc",
            "https://a.example",
            "http://a.example/mcp",
            "https://a.example:8443/mcp",
            "https://b.example/mcp",
            "mcp",
            "",
            "https://a.example/mcp?x",
            "https://a.example/mcp#x",
            "https://a.example.evil/mcp",
            // What a browser would make the same of.
            "https:a.example/mcp",
            "https:/a.example/mcp",
            "https:\\\\a.example\\mcp",
            "https://a.example/x/../mcp",
            "https://a.example/./mcp",
            "https://a.example/%2e/mcp",
            "https://a.exam\tple/mcp",
            "https://a.example/m\ncp",
            "https://%61.example/mcp",
            "https://ａ.example/mcp",
            "https://@a.example/mcp",
            "https://a.example:/mcp",
            "https://a.example:0443/mcp",
        ] {
            assert!(!resource.is_named_by(other), "{other:?}");
        }
        assert!(url("https://a.example").is_named_by("https://a.example/"));
        assert!(url("https://a.example/").is_named_by("https://a.example"));
        for (resource, audience) in [
            ("http://[::1]:80/mcp", "HTTP://[::1]/mcp"),
            ("HTTPS://A.example:443", "https://a.example/"),
            (
                "https://bücher.example/é",
                "https://xn--bcher-kva.example/%C3%A9",
            ),
        ] {
            assert!(url(resource).is_named_by(audience), "{audience}");
        }
    }

    #[test]
    fn loopback() {
        for yes in [
            "http://localhost:1/",
            "http://127.0.0.9/",
            "http://[::1]/",
            "http://x.localhost/",
        ] {
            assert!(url(yes).is_loopback(), "{yes}");
        }
        for no in [
            "http://localhost.evil/",
            "http://10.0.0.1/",
            "http://example.com/",
        ] {
            assert!(!url(no).is_loopback(), "{no}");
        }
    }
}
