//! Parsers of what others send, for the fuzz targets of this repository. Not part of the API.

use serde_json::{Map, Value};

use crate::{IssuerUrl, discovery, jose, layer};

/// A strict JSON object, if it is one.
#[must_use]
pub fn strict_object(json: &[u8]) -> Option<Map<String, Value>> {
    jose::parse_object(json).ok()
}

/// What a JSON-RPC message asks for and with which arguments, where it can be read in one way only.
#[must_use]
pub fn asked(body: &[u8]) -> Option<(Option<String>, Option<String>)> {
    layer::asked(body)
}

/// Whether a document is accepted as the metadata of that issuer (RFC 8414 §3.3). Its URLs are
/// parsed, too.
#[must_use]
pub fn is_metadata_of(issuer: &IssuerUrl, document: &[u8]) -> bool {
    let metadata = discovery::parse(document, issuer);
    metadata.is_ok_and(|metadata| {
        let _ = (metadata.key_set_url(), metadata.introspection_url());
        true
    })
}
