//! `WWW-Authenticate`: built by the server side and parsed by the client side (RFC 9110 §11.6.1,
//! RFC 6750 §3, RFC 9728 §5.1, RFC 9449 §7.1). Left out: `token68` credentials in a challenge, which no OAuth
//! scheme uses.

mod parse;

use std::fmt::{self, Write as _};

use http::HeaderValue;

use crate::ScopeSet;

/// One challenge of a `WWW-Authenticate` header.
///
/// ```
/// use propusk::Challenge;
///
/// let challenge = Challenge::bearer().with_realm("mcp").with_error("invalid_token");
/// assert_eq!(challenge.to_string(), r#"Bearer realm="mcp", error="invalid_token""#);
///
/// let parsed = Challenge::parse_all(r#"Basic realm="x", bearer error=invalid_token, Scope="a b""#);
/// assert_eq!(parsed[1].error(), Some("invalid_token"));
/// assert_eq!(parsed[1].scope().unwrap().to_string(), "a b");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    scheme: String,
    parameters: Vec<(String, String)>,
}

impl Challenge {
    /// A `Bearer` challenge without parameters.
    #[must_use]
    pub fn bearer() -> Self {
        Self {
            scheme: "Bearer".to_owned(),
            parameters: Vec::new(),
        }
    }

    /// A `DPoP` challenge without parameters (RFC 9449 §7.1): the token must come with a proof of
    /// its key.
    ///
    /// ```
    /// use propusk::Challenge;
    ///
    /// let challenge = Challenge::dpop().with_error("use_dpop_nonce").with_algs("ES256 EdDSA");
    /// assert_eq!(challenge.to_string(), r#"DPoP error="use_dpop_nonce", algs="ES256 EdDSA""#);
    /// assert!(challenge.algs().eq(["ES256", "EdDSA"]));
    /// ```
    #[must_use]
    pub fn dpop() -> Self {
        Self {
            scheme: "DPoP".to_owned(),
            parameters: Vec::new(),
        }
    }

    /// Parses the value of a `WWW-Authenticate` header, which may hold several challenges. What is
    /// not understood is left out; nothing that a server sends makes this fail.
    #[must_use]
    pub fn parse_all(header: &str) -> Vec<Self> {
        parse::challenges(header)
    }

    /// The challenge of this header that a bearer client answers: the first with the scheme
    /// `Bearer`.
    #[must_use]
    pub fn parse_bearer(header: &str) -> Option<Self> {
        Self::parse_all(header).into_iter().find(Self::is_bearer)
    }

    /// The challenge of this header that a client with a key answers: the first with the scheme
    /// `DPoP`.
    #[must_use]
    pub fn parse_dpop(header: &str) -> Option<Self> {
        Self::parse_all(header).into_iter().find(Self::is_dpop)
    }

    /// Adds a parameter; an earlier one of the same name is replaced.
    #[must_use]
    fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.parameters
            .retain(|(own, _)| !own.eq_ignore_ascii_case(name));
        self.parameters.push((name.to_owned(), value.into()));
        self
    }

    /// Sets `realm`.
    #[must_use]
    pub fn with_realm(self, realm: impl Into<String>) -> Self {
        self.with("realm", realm)
    }

    /// Sets `error`, such as `invalid_token` (RFC 6750 §3.1).
    #[must_use]
    pub fn with_error(self, error: impl Into<String>) -> Self {
        self.with("error", error)
    }

    /// Sets `error_description`, a sentence for a developer.
    #[must_use]
    pub fn with_error_description(self, description: impl Into<String>) -> Self {
        self.with("error_description", description)
    }

    /// Sets `scope`, all scopes that would do; an empty set is left out.
    #[must_use]
    pub fn with_scope(self, scopes: &ScopeSet) -> Self {
        if scopes.is_empty() {
            self
        } else {
            self.with("scope", scopes.to_string())
        }
    }

    /// Sets `resource_metadata` (RFC 9728 §5.1).
    #[must_use]
    pub fn with_resource_metadata(self, url: impl Into<String>) -> Self {
        self.with("resource_metadata", url)
    }

    /// Sets `algs`, the space-separated algorithms of proofs that are supported (RFC 9449 §7.1).
    #[must_use]
    pub fn with_algs(self, algs: impl Into<String>) -> Self {
        self.with("algs", algs)
    }

    /// The scheme as it was written.
    #[must_use]
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// Whether the scheme is `Bearer`, in any case.
    #[must_use]
    pub fn is_bearer(&self) -> bool {
        self.scheme.eq_ignore_ascii_case("bearer")
    }

    /// Whether the scheme is `DPoP`, in any case.
    #[must_use]
    pub fn is_dpop(&self) -> bool {
        self.scheme.eq_ignore_ascii_case("dpop")
    }

    /// A parameter by its name, which compares without case.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters
            .iter()
            .find(|(own, _)| own.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The `realm`.
    #[must_use]
    pub fn realm(&self) -> Option<&str> {
        self.parameter("realm")
    }

    /// The `error` code; none where no credentials were sent.
    #[must_use]
    pub fn error(&self) -> Option<&str> {
        self.parameter("error")
    }

    /// The `error_description`.
    #[must_use]
    pub fn error_description(&self) -> Option<&str> {
        self.parameter("error_description")
    }

    /// The scopes that would do, without those that RFC 6749 does not allow.
    #[must_use]
    pub fn scope(&self) -> Option<ScopeSet> {
        self.parameter("scope").map(ScopeSet::from_claim)
    }

    /// The URL of the protected resource metadata.
    #[must_use]
    pub fn resource_metadata(&self) -> Option<&str> {
        self.parameter("resource_metadata")
    }

    /// The algorithms of proofs that are supported; none where the challenge does not say.
    pub fn algs(&self) -> impl Iterator<Item = &str> {
        self.parameter("algs")
            .unwrap_or_default()
            .split_whitespace()
    }

    /// As a header value. Every character that could end a quoted string or a line has been
    /// replaced or escaped, so this cannot fail.
    #[must_use]
    pub fn to_header_value(&self) -> HeaderValue {
        HeaderValue::from_str(&self.to_string()).unwrap_or(HeaderValue::from_static("Bearer"))
    }
}

impl fmt::Display for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.scheme)?;
        for (index, (name, value)) in self.parameters.iter().enumerate() {
            f.write_str(if index == 0 { " " } else { ", " })?;
            write!(f, "{name}=\"")?;
            for c in value.chars() {
                match c {
                    '"' | '\\' => write!(f, "\\{c}")?,
                    // RFC 6750 §3 allows printable ASCII only; a line break would end the header.
                    ' '..='~' => f.write_char(c)?,
                    _ => f.write_char('?')?,
                }
            }
            f.write_str("\"")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoting_cannot_be_broken_out_of() {
        for evil in [
            "a\"b",
            "a\\",
            "a\r\nX: y",
            "a\", error=\"x",
            "é",
            "\\\"",
            "a,b=c",
        ] {
            let written = Challenge::bearer()
                .with_realm(evil)
                .with_error("invalid_token");
            let value = written.to_header_value();
            let header = value.to_str().expect("printable");
            let parsed = Challenge::parse_all(header);
            assert_eq!(parsed.len(), 1, "{header}");
            assert_eq!(parsed[0].error(), Some("invalid_token"), "{header}");
            let kept: String = evil
                .chars()
                .map(|c| if (' '..='~').contains(&c) { c } else { '?' })
                .collect();
            assert_eq!(parsed[0].realm(), Some(kept.as_str()), "{header}");
        }
    }

    #[test]
    fn rfc9449_7_1_a_dpop_challenge_beside_a_bearer_one() {
        let header = r#"Bearer realm="x", dpop algs="ES256  PS256", error="invalid_dpop_proof""#;
        let dpop = Challenge::parse_dpop(header).expect("there is one");
        assert!(dpop.is_dpop() && !dpop.is_bearer());
        assert!(dpop.algs().eq(["ES256", "PS256"]));
        assert_eq!(dpop.error(), Some("invalid_dpop_proof"));
        let bearer = Challenge::parse_bearer(header).expect("there is one");
        assert!(bearer.is_bearer() && !bearer.is_dpop());
        assert_eq!(bearer.algs().count(), 0);
        assert_eq!(Challenge::parse_dpop("Bearer realm=\"DPoP\""), None);
    }

    #[test]
    fn empty_scope_is_left_out() {
        assert_eq!(
            Challenge::bearer()
                .with_scope(&ScopeSet::default())
                .to_string(),
            "Bearer"
        );
    }
}
