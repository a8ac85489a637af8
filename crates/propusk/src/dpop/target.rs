//! Whether a proof was made for the URL of a request (RFC 9449 §4.3, check 9).
//!
//! Behind a reverse proxy a request does not say which scheme, host and path its client used, and
//! what a proxy adds about it can be forged. So the name of this server is its resource URL, and a
//! proof is made for that very URL or for the path of the request at the resource URL's origin.

use std::borrow::Cow;

use url::Url;

use crate::ResourceUrl;

/// The URLs that this server goes by.
pub(super) struct Target {
    text: String,
    resource: Option<Url>,
}

impl Target {
    pub(super) fn of(resource: &ResourceUrl) -> Self {
        Self {
            text: resource.as_str().to_owned(),
            resource: Url::parse(resource.as_str()).ok(),
        }
    }

    /// Whether `htu` names a request with this path, after the normalization of RFC 3986 §6.2.2
    /// and §6.2.3. Query and fragment are ignored, as the RFC says.
    pub(super) fn is_named_by(&self, htu: &str, path: &str) -> bool {
        if htu == self.text {
            return true;
        }
        let (Some(own), Some(named)) = (&self.resource, parse(htu)) else {
            return false;
        };
        if named.origin() != own.origin() {
            return false;
        }
        let named = normalized(named.path());
        if named == normalized(own.path()) {
            return true;
        }
        // Not `join`, to which `//host` would be another server.
        let received = format!("{}{path}", own.origin().ascii_serialization());
        path.starts_with('/')
            && Url::parse(&received).is_ok_and(|url| normalized(url.path()) == named)
    }
}

/// Parses an `http(s)` URL without what a browser would quietly repair.
fn parse(htu: &str) -> Option<Url> {
    let plain = |b: u8| b.is_ascii_graphic() && b != b'\\';
    let url = htu
        .bytes()
        .all(plain)
        .then(|| Url::parse(htu).ok())
        .flatten()?;
    let http = matches!(url.scheme(), "http" | "https");
    let nobody = url.username().is_empty() && url.password().is_none();
    // `http:x` and `http:///x` are repaired too.
    let authority = htu.split_once("://")?.1;
    (http && nobody && !authority.starts_with('/')).then_some(url)
}

/// The percent-encoding of RFC 3986 §6.2.2.1 and §6.2.2.2: unreserved characters stand for
/// themselves, and digits are in upper case.
fn normalized(path: &str) -> Cow<'_, str> {
    if !path.contains('%') {
        return Cow::Borrowed(path);
    }
    let mut out = String::with_capacity(path.len());
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        let byte = after
            .get(..2)
            .filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match byte {
            Some(byte) => {
                if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                    out.push(char::from(byte));
                } else {
                    out.push_str(&format!("%{byte:02X}"));
                }
                rest = &after[2..];
            }
            None => {
                out.push('%');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(resource: &str) -> Target {
        Target::of(&ResourceUrl::parse(resource).expect(resource))
    }

    #[test]
    fn rfc9449_4_3_9_htu() {
        #[rustfmt::skip]
        let table: &[(&str, &str, &[&str], &[&str])] = &[
            // resource, path of the request, what names it, what does not
            ("https://mcp.example/mcp", "/mcp",
             &["https://mcp.example/mcp", "HTTPS://MCP.example:443/mcp", "https://mcp.example/./x/../mcp",
               "https://mcp.example/mcp?a=b", "https://mcp.example/mcp#x", "https://mcp.example/%6Dcp"],
             &["http://mcp.example/mcp", "https://mcp.example:8443/mcp", "https://mcp.example/mcp/",
               "https://mcp.example/MCP", "https://mcp.example/", "https://mcp.example", "/mcp", "mcp.example/mcp", "",
               "https://mcp.example.evil/mcp", "https://evil/https://mcp.example/mcp", "https://me@mcp.example/mcp",
               "https://:x@mcp.example/mcp", "https:mcp.example/mcp", "https:///mcp.example/mcp", "https:\\\\mcp.example\\mcp",
               " https://mcp.example/mcp", "https://mcp.example/mcp\n", "https://mcp.exa\tmple/mcp", "ftp://mcp.example/mcp",
               "https://mcp.example/mcp, https://mcp.example/mcp", "https://mcp.example/m%63p%2F"]),
            // A proxy in front has taken a part of the path off, or added one.
            ("https://mcp.example/team/mcp", "/mcp",
             &["https://mcp.example/team/mcp", "https://mcp.example/mcp"],
             &["https://mcp.example/team", "https://mcp.example/team/", "http://mcp.example/mcp"]),
            // A port that is not the scheme's, and no path at all.
            ("http://127.0.0.1:8000", "/",
             &["http://127.0.0.1:8000", "http://127.0.0.1:8000/", "http://127.0.0.1:8000/?x"],
             &["http://127.0.0.1", "http://localhost:8000/", "http://127.0.0.1:8000/x"]),
            ("http://[::1]:8000/mcp", "/mcp",
             &["http://[::1]:8000/mcp", "http://[0:0:0:0:0:0:0:1]:8000/mcp"],
             &["http://[::2]:8000/mcp"]),
            // Reserved characters mean something else when they are encoded.
            ("https://a.example/x", "/a%2fb%7e/c?d",
             &["https://a.example/a%2Fb~/c%3Fd", "https://a.example/a%2fb%7E/c%3fd"],
             &["https://a.example/a/b~/c%3Fd"]),
            ("https://a.example/x", "//evil.example/y",
             &["https://a.example//evil.example/y"],
             &["https://evil.example/y", "//evil.example/y"]),
            ("https://a.example/x", "*", &["https://a.example/x"], &["https://a.example/*", "https://a.example*"]),
        ];
        for (resource, path, good, bad) in table {
            let target = target(resource);
            // The query is no part of the path that a server sees.
            let path = path.replace('?', "%3F");
            for htu in *good {
                assert!(target.is_named_by(htu, &path), "{resource} {path}: {htu}");
            }
            for htu in *bad {
                assert!(!target.is_named_by(htu, &path), "{resource} {path}: {htu}");
            }
        }
    }

    #[test]
    fn percent_signs_that_encode_nothing_stay() {
        for (path, expected) in [
            ("/a", "/a"),
            ("/%", "/%"),
            ("/%4", "/%4"),
            ("/%zz%41", "/%zzA"),
            ("/%2541", "/%2541"),
            ("/%+1", "/%+1"),
            ("/%é1", "/%é1"),
        ] {
            assert_eq!(normalized(path), expected);
        }
    }
}
