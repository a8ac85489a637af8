//! Documents of other servers: metadata of resources (RFC 9728) and issuers (RFC 8414), key sets
//! (RFC 7517), and the URLs in them.

use propusk::{IssuerUrl, JwtVerifier, ProtectedResourceMetadata, ResourceUrl, fuzzing};
use serde_json::Value;

use crate::issuer::{ISSUER, RESOURCE};

pub(crate) fn run(input: &[u8]) -> bool {
    let mut accepted = is_resource_metadata(input);
    accepted |= is_issuer_metadata(input);
    if let Ok(text) = str::from_utf8(input) {
        accepted |= is_key_set(text);
        accepted |= is_url(text);
    }
    accepted
}

fn is_resource_metadata(input: &[u8]) -> bool {
    let Ok(document) = serde_json::from_slice::<ProtectedResourceMetadata>(input) else {
        return false;
    };
    let written = serde_json::to_vec(&document).unwrap_or_default();
    let again = serde_json::from_slice::<ProtectedResourceMetadata>(&written);
    assert_eq!(again.ok(), Some(document), "written and read again");
    true
}

/// Only what names this very issuer counts (RFC 8414 §3.3).
fn is_issuer_metadata(input: &[u8]) -> bool {
    let Ok(issuer) = IssuerUrl::parse(ISSUER) else {
        panic!("an issuer")
    };
    let accepted = fuzzing::is_metadata_of(&issuer, input);
    if accepted {
        let document = serde_json::from_slice::<Value>(input).unwrap_or_default();
        assert_eq!(document["issuer"], ISSUER, "that of another issuer");
    }
    accepted
}

/// A key that is not public is never used.
fn is_key_set(text: &str) -> bool {
    if JwtVerifier::from_keys(ISSUER, RESOURCE, text).is_err() {
        return false;
    }
    let document = serde_json::from_str::<Value>(text).unwrap_or_default();
    let keys = document["keys"].as_array();
    let is_public = |key: &Value| {
        let is_there = |name: &&str| key.get(name).is_some();
        ["RSA", "EC", "OKP"].iter().any(|kind| key["kty"] == *kind)
            && !["d", "p", "q", "k"].iter().any(is_there)
    };
    let public = keys.is_some_and(|keys| keys.iter().any(is_public));
    assert!(public, "a verifier without a public key");
    true
}

fn is_url(text: &str) -> bool {
    if let Ok(issuer) = IssuerUrl::parse(text) {
        assert_eq!(issuer.as_str(), text);
        assert!(ResourceUrl::parse(text).is_ok());
    }
    let Ok(resource) = ResourceUrl::parse(text) else {
        return false;
    };
    assert!(resource.is_named_by(text), "not its own name");
    true
}
