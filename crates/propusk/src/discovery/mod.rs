//! Authorization server metadata (RFC 8414, OpenID Connect Discovery 1.0), as far as a resource
//! server needs it. Left out: `signed_metadata` (RFC 8414 §2.1).

mod issuer;

use serde::Deserialize;
use url::Url;

pub use issuer::{InvalidIssuer, IssuerUrl};

use crate::fetch::{FetchError, Fetcher};

/// What a resource server wants to know of an issuer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct IssuerMetadata {
    issuer: String,
    jwks_uri: Option<String>,
    introspection_endpoint: Option<String>,
}

impl IssuerMetadata {
    /// Where its key set is.
    pub(crate) fn key_set_url(&self) -> Result<Url, DiscoveryError> {
        self.member("jwks_uri", self.jwks_uri.as_deref())
    }

    /// Where tokens are introspected (RFC 7662).
    #[cfg(feature = "introspection")]
    pub(crate) fn introspection_url(&self) -> Result<Url, DiscoveryError> {
        let endpoint = self.introspection_endpoint.as_deref();
        self.member("introspection_endpoint", endpoint)
    }

    fn member(&self, name: &'static str, value: Option<&str>) -> Result<Url, DiscoveryError> {
        let url = value.and_then(|text| Url::parse(text).ok());
        url.ok_or_else(|| DiscoveryError::Without(self.issuer.clone(), name))
    }
}

/// Why there is no metadata.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DiscoveryError {
    /// None of the well-known URLs answered with a document.
    #[error("cannot get the metadata of {issuer}: {cause}")]
    Fetch {
        issuer: String,
        #[source]
        cause: FetchError,
    },
    /// The document is not one.
    #[error("the metadata of {0} is not the JSON of RFC 8414")]
    NotMetadata(String),
    /// The document is that of another issuer (RFC 8414 §3.3).
    #[error(
        "the metadata of {0} names another issuer, so it is not used; check the URL, also its last slash"
    )]
    OtherIssuer(String),
    /// The document lacks a URL that is needed.
    #[error("the metadata of {0} has no usable `{1}`")]
    Without(String, &'static str),
}

/// Asks the well-known URLs of an issuer one after another.
///
/// # Errors
/// [`DiscoveryError`]. A server that does not answer, or fails, ends the search: what it would have
/// said is not known.
pub(crate) async fn discover(
    fetcher: &Fetcher,
    issuer: &IssuerUrl,
) -> Result<IssuerMetadata, DiscoveryError> {
    let failed = |cause| DiscoveryError::Fetch {
        issuer: issuer.as_str().to_owned(),
        cause,
    };
    let mut absent = FetchError::Status(404);
    for url in issuer.well_known_urls() {
        match fetcher.get(&url).await {
            Ok(document) => return parse(&document, issuer),
            Err(error) if error.is_absent() => absent = error,
            Err(error) => return Err(failed(error)),
        }
    }
    Err(failed(absent))
}

pub(crate) fn parse(document: &[u8], issuer: &IssuerUrl) -> Result<IssuerMetadata, DiscoveryError> {
    let name = || issuer.as_str().to_owned();
    // From a text: of bytes, serde_json would let pass broken ones in members that nobody reads.
    let text = str::from_utf8(document).map_err(|_| DiscoveryError::NotMetadata(name()))?;
    let metadata: IssuerMetadata =
        serde_json::from_str(text).map_err(|_| DiscoveryError::NotMetadata(name()))?;
    // RFC 8414 §3.3: identical, as strings.
    if metadata.issuer == issuer.as_str() {
        Ok(metadata)
    } else {
        Err(DiscoveryError::OtherIssuer(name()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc8414_3_3_the_issuer_must_be_identical() {
        let issuer = IssuerUrl::parse("https://login.example").expect("valid");
        for (document, expected) in [
            (
                r#"{"issuer":"https://login.example","jwks_uri":"https://login.example/k"}"#,
                "ok",
            ),
            (r#"{"issuer":"https://login.example/"}"#, "another issuer"),
            (r#"{"issuer":"https://LOGIN.example"}"#, "another issuer"),
            (r#"{"issuer":"https://evil.example"}"#, "another issuer"),
            (r#"{"jwks_uri":"https://login.example/k"}"#, "not the JSON"),
            (
                r#"{"issuer":"https://login.example","jwks_uri":["k"]}"#,
                "not the JSON",
            ),
            (
                r#"{"issuer":"https://evil.example","issuer":"https://login.example"}"#,
                "not the JSON",
            ),
            ("<html>", "not the JSON"),
        ] {
            let shown = match parse(document.as_bytes(), &issuer) {
                Ok(_) => "ok".to_owned(),
                Err(error) => error.to_string(),
            };
            assert!(shown.contains(expected), "{document}: {shown}");
        }
    }

    #[test]
    fn rfc8259_8_1_broken_text_is_no_document_wherever_it_is() {
        let issuer = IssuerUrl::parse("https://login.example").expect("valid");
        let document = b"{\"issuer\":\"https://login.example\",\"unread\":\"\xff\"}";
        assert!(matches!(
            parse(document, &issuer),
            Err(DiscoveryError::NotMetadata(_))
        ));
    }

    #[test]
    #[cfg(feature = "introspection")]
    fn what_is_not_there_is_named() {
        let issuer = IssuerUrl::parse("https://login.example").expect("valid");
        let document = br#"{"issuer":"https://login.example","jwks_uri":"keys"}"#;
        let metadata = parse(document, &issuer).expect("metadata");
        for (error, name) in [
            (metadata.key_set_url().expect_err("relative"), "jwks_uri"),
            (
                metadata.introspection_url().expect_err("absent"),
                "introspection_endpoint",
            ),
        ] {
            assert!(error.to_string().contains(name), "{error}");
        }
    }
}
