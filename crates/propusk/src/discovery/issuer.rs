//! An issuer identifier (RFC 8414 §2).

use std::fmt;

use url::Url;

use crate::ResourceUrl;

/// The identifier of an issuer, such as `https://login.example`: https, or http on this machine;
/// without query and fragment.
///
/// The text is kept as it was given, since it is compared byte for byte with `iss` and with the
/// metadata.
#[derive(Clone, PartialEq, Eq)]
pub struct IssuerUrl {
    text: String,
    url: Url,
}

impl IssuerUrl {
    /// Parses an issuer identifier.
    ///
    /// # Errors
    /// [`InvalidIssuer`] says what it is instead.
    pub fn parse(text: &str) -> Result<Self, InvalidIssuer> {
        if !text.contains("://") {
            return Err(InvalidIssuer(format!(
                "{text:?} is not a usable issuer: it is not absolute (write something like \
                 https://login.example)"
            )));
        }
        let parsed = ResourceUrl::parse(text).map_err(|e| InvalidIssuer(e.to_string()))?;
        if parsed.scheme() == "http" && !parsed.is_loopback() {
            return Err(InvalidIssuer(format!(
                "{text:?} is not a usable issuer: keys that come over plain http can be replaced on \
                 the way; use https"
            )));
        }
        let url = Url::parse(text).map_err(|e| InvalidIssuer(e.to_string()))?;
        Ok(Self {
            text: text.to_owned(),
            url,
        })
    }

    /// The identifier exactly as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    /// Where the metadata may be, in the order of the MCP specification (authorization server
    /// metadata discovery): RFC 8414 §3.1, then OpenID Connect with the path inserted, then
    /// appended.
    pub(crate) fn well_known_urls(&self) -> Vec<Url> {
        let path = self.url.path().trim_end_matches('/');
        let mut paths = vec![
            format!("/.well-known/oauth-authorization-server{path}"),
            format!("/.well-known/openid-configuration{path}"),
        ];
        if !path.is_empty() {
            paths.push(format!("{path}/.well-known/openid-configuration"));
        }
        let at = |path: String| {
            let mut url = self.url.clone();
            url.set_path(&path);
            url
        };
        paths.into_iter().map(at).collect()
    }
}

impl fmt::Display for IssuerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for IssuerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.text)
    }
}

/// A text that cannot be the identifier of an issuer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidIssuer(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn https_or_this_machine() {
        for (text, fine) in [
            ("https://login.example", true),
            ("https://login.example/tenant/", true),
            ("http://127.0.0.1:9000", true),
            ("http://localhost:9000/realms/a", true),
            ("http://login.example", false),
            ("https://login.example?x", false),
            ("https://login.example#x", false),
            ("https://me:hunter2@login.example", false),
            ("login.example", false),
            ("", false),
        ] {
            let parsed = IssuerUrl::parse(text);
            assert_eq!(parsed.is_ok(), fine, "{text}");
            if let Err(error) = parsed {
                assert!(!error.to_string().contains("hunter2"), "{error}");
            }
        }
    }

    #[test]
    fn rfc8414_3_1_where_the_metadata_may_be() {
        for (issuer, expected) in [
            (
                "https://a.example",
                vec![
                    "https://a.example/.well-known/oauth-authorization-server",
                    "https://a.example/.well-known/openid-configuration",
                ],
            ),
            (
                "https://a.example/t1/",
                vec![
                    "https://a.example/.well-known/oauth-authorization-server/t1",
                    "https://a.example/.well-known/openid-configuration/t1",
                    "https://a.example/t1/.well-known/openid-configuration",
                ],
            ),
        ] {
            let issuer = IssuerUrl::parse(issuer).expect("valid");
            let urls: Vec<String> = issuer
                .well_known_urls()
                .iter()
                .map(Url::to_string)
                .collect();
            assert_eq!(urls, expected);
        }
    }
}
