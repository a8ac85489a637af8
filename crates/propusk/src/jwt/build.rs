//! Where the keys of a verifier come from, and how strict it is.

use std::{path::Path, sync::Arc, time::Duration};

use url::Url;

use super::{
    InvalidJwtVerifier, JwtVerifier, WithoutAudience,
    keys::{KeySet, Keys, Origin},
    rules::Rules,
};
use crate::{
    Clock, IssuerUrl, MacAlgorithm, ResourceUrl, SignatureAlgorithm, SystemClock,
    fetch::{AddressPolicy, FetchLimits, Fetcher},
    jose::MacKey,
};

/// The largest leeway: beyond it, a clock is wrong and not just a little off.
pub(crate) const MOST_LEEWAY: Duration = Duration::from_secs(300);

impl JwtVerifier {
    /// Tokens of an issuer whose keys are found by its metadata (RFC 8414, OpenID Connect
    /// Discovery). `audience` is the URL of this server.
    ///
    /// Nothing is fetched before the first token comes.
    ///
    /// # Errors
    /// [`InvalidJwtVerifier`]: the issuer or the audience is not a usable URL.
    pub fn from_issuer(issuer: &str, audience: &str) -> Result<Self, InvalidJwtVerifier> {
        let url = IssuerUrl::parse(issuer)?;
        let fetcher = fetcher(url.url())?;
        Self::new(
            issuer,
            audience,
            Keys::from_origin(Origin::issuer(url, fetcher)),
        )
    }

    /// Tokens of an issuer whose key set (RFC 7517 §5) is at this URL: https, or http on this
    /// machine.
    ///
    /// Nothing is fetched before the first token comes.
    ///
    /// # Errors
    /// [`InvalidJwtVerifier`]: the audience or the URL is not usable.
    pub fn from_key_set_url(
        issuer: &str,
        audience: &str,
        url: &str,
    ) -> Result<Self, InvalidJwtVerifier> {
        let url = key_set_url(url)?;
        let fetcher = fetcher(&url)?;
        Self::new(
            issuer,
            audience,
            Keys::from_origin(Origin::url(url, fetcher)),
        )
    }

    /// Tokens of an issuer whose key set is in this file. It is read when the first token comes and
    /// again when it has changed, which is looked for at most every second. A new file that is
    /// broken changes nothing, and is reported in the log.
    ///
    /// # Errors
    /// [`InvalidJwtVerifier`]: the audience is not a usable URL.
    pub fn from_key_set_file(
        issuer: &str,
        audience: &str,
        path: impl AsRef<Path>,
    ) -> Result<Self, InvalidJwtVerifier> {
        let origin = Origin::file(path.as_ref().to_owned());
        Self::new(issuer, audience, Keys::from_origin(origin))
    }

    /// Tokens of an issuer with these keys, which never change: the JSON of a key set (RFC 7517
    /// §5).
    ///
    /// # Errors
    /// [`InvalidJwtVerifier`]: the audience is not a usable URL, the text not a key set, or none of
    /// its keys is usable.
    pub fn from_keys(
        issuer: &str,
        audience: &str,
        key_set: &str,
    ) -> Result<Self, InvalidJwtVerifier> {
        let set = KeySet::parse(key_set.as_bytes());
        let set = set.map_err(|why| InvalidJwtVerifier::KeySet(why.to_string()))?;
        if set.is_empty() {
            return Err(InvalidJwtVerifier::NoKey(set.complaints()));
        }
        Self::new(issuer, audience, Keys::Fixed(set))
    }

    /// Tokens of an issuer that shares a secret with this server. This is the only way to accept a
    /// symmetric algorithm, and whoever can verify such tokens can make them.
    ///
    /// # Errors
    /// [`InvalidJwtVerifier`]: the audience is not a usable URL, or the secret is shorter than the
    /// hash of the algorithm (RFC 7518 §3.2).
    pub fn from_secret(
        issuer: &str,
        audience: &str,
        algorithm: MacAlgorithm,
        secret: &[u8],
    ) -> Result<Self, InvalidJwtVerifier> {
        let key = MacKey::new(algorithm, secret);
        let key = key.map_err(|why| InvalidJwtVerifier::Secret(why.to_string()))?;
        Self::new(issuer, audience, Keys::Secret(Box::new(key)))
    }

    fn new(issuer: &str, audience: &str, keys: Keys) -> Result<Self, InvalidJwtVerifier> {
        if issuer.is_empty() {
            return Err(InvalidJwtVerifier::NoIssuer);
        }
        Ok(Self {
            rules: Rules::new(issuer, ResourceUrl::parse(audience)?),
            keys,
            clock: Arc::new(SystemClock),
        })
    }

    /// Accepts one more audience, compared byte for byte, such as `api://notes`. Accept it in
    /// [`AuthSettings`](crate::AuthSettings) too: the decision looks at the audience again.
    #[must_use]
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.rules.audiences.push(audience.into());
        self
    }

    /// Sets by how much the clocks of the issuer and of this machine may differ: 30 seconds by
    /// default, 5 minutes at most (more is taken for 5 minutes).
    #[must_use]
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.rules.leeway = leeway.min(MOST_LEEWAY);
        self
    }

    /// Accepts only tokens that say in their header that they are access tokens (`typ: at+jwt`, RFC
    /// 9068 §4). Ask for it where the issuer writes it: an ID token can then not be taken for one.
    #[must_use]
    pub fn require_at_jwt(mut self) -> Self {
        self.rules.at_jwt_only = true;
        self
    }

    /// Accepts only these public-key algorithms. By default a key may be used with every algorithm
    /// of its type, or with the one that it names.
    #[must_use]
    pub fn allow_algorithms(
        mut self,
        algorithms: impl IntoIterator<Item = SignatureAlgorithm>,
    ) -> Self {
        self.rules.algorithms = Some(algorithms.into_iter().collect());
        self
    }

    /// Accepts tokens that have no `aud` at all by this rule. By default they are refused.
    #[must_use]
    pub fn accept_without_audience(mut self, rule: WithoutAudience) -> Self {
        self.rules.without_audience = Some(rule);
        self
    }

    /// Sets the clock.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }
}

fn fetcher(configured: &Url) -> Result<Fetcher, InvalidJwtVerifier> {
    let fetcher = Fetcher::new(configured, FetchLimits::DOCUMENT);
    fetcher.map_err(|error| InvalidJwtVerifier::Http(error.to_string()))
}

/// The URL of a key set, if keys that come from there can be trusted.
fn key_set_url(text: &str) -> Result<Url, InvalidJwtVerifier> {
    let url = Url::parse(text);
    let url = url.map_err(|_| InvalidJwtVerifier::KeySetUrl("it is not an absolute URL"))?;
    let problem = match url.scheme() {
        _ if !url.username().is_empty() || url.password().is_some() => {
            "it must not contain a user name or password"
        }
        _ if url.fragment().is_some() => "it must not have a fragment (#…)",
        "https" => return Ok(url),
        "http" if AddressPolicy::trusting(&url).trusts_loopback() => return Ok(url),
        "http" => "keys that come over plain http can be replaced on the way; use https",
        _ => "its scheme must be https",
    };
    Err(InvalidJwtVerifier::KeySetUrl(problem))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str = "https://login.example";
    const RESOURCE: &str = "https://mcp.example/mcp";

    #[test]
    fn keys_come_over_https_or_from_this_machine() {
        for (url, problem) in [
            ("https://login.example/keys", None),
            ("https://login.example/keys?p=policy", None),
            ("http://127.0.0.1:9000/keys", None),
            ("http://localhost:9000/keys", None),
            ("http://[::1]:9000/keys", None),
            ("http://login.example/keys", Some("plain http")),
            ("http://localhost.evil.example/keys", Some("plain http")),
            ("https://me:hunter2@login.example/keys", Some("user name")),
            ("https://login.example/keys#x", Some("fragment")),
            ("file:///etc/keys", Some("https")),
            ("login.example", Some("absolute")),
        ] {
            let made = JwtVerifier::from_key_set_url(ISSUER, RESOURCE, url);
            let shown = made.err().map(|error| error.to_string());
            match (&shown, problem) {
                (None, None) => {}
                (Some(shown), Some(problem)) => assert!(shown.contains(problem), "{shown}"),
                _ => panic!("{url}: {shown:?}"),
            }
            assert!(!shown.unwrap_or_default().contains("hunter2"));
        }
    }

    #[test]
    fn what_cannot_be_a_verifier() {
        let secret = b"0123456789abcdef0123456789abcde";
        let set = r#"{"keys":[{"kty":"oct","k":"c2VjcmV0LWhlcmU"}]}"#;
        for (made, problem) in [
            (
                JwtVerifier::from_issuer("http://login.example", RESOURCE),
                "https",
            ),
            (
                JwtVerifier::from_issuer(ISSUER, "api://notes"),
                "URL of this server",
            ),
            (JwtVerifier::from_keys("", RESOURCE, set), "no public key"),
            (
                JwtVerifier::from_keys(ISSUER, RESOURCE, "[]"),
                "not a JSON object",
            ),
            (
                JwtVerifier::from_keys(ISSUER, RESOURCE, set),
                "private or secret part",
            ),
            (
                JwtVerifier::from_secret(ISSUER, RESOURCE, MacAlgorithm::Hs256, secret),
                "at least 32 bytes",
            ),
            (
                JwtVerifier::from_secret("", RESOURCE, MacAlgorithm::Hs256, &[7; 32]),
                "issuer is empty",
            ),
        ] {
            let shown = made.expect_err(problem).to_string();
            assert!(shown.contains(problem), "{shown}");
            assert!(
                !shown.contains("0123") && !shown.contains("c2Vj"),
                "{shown}"
            );
        }
    }

    #[test]
    fn the_leeway_has_an_end_and_debug_shows_no_secret() {
        let secret = b"hunter2-hunter2-hunter2-hunter2-";
        let made = JwtVerifier::from_secret("me", RESOURCE, MacAlgorithm::Hs256, secret);
        let made = made.expect("valid").leeway(Duration::MAX);
        assert_eq!(made.rules.leeway, Duration::from_secs(300));
        assert!(!format!("{made:?}").contains("hunter2"), "{made:?}");
    }
}
