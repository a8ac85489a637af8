//! DPoP at the token endpoint (RFC 9449 §5, §8).

use reqwest::header::HeaderValue;
use url::Url;

use super::http::Answer;
use crate::client::DpopKey;

/// The key that tokens are bound to, and where they come from.
pub(super) struct Proofs {
    pub(super) token_endpoint: Url,
    pub(super) key: DpopKey,
}

impl Proofs {
    pub(super) fn proof(&self) -> Option<HeaderValue> {
        let url = self.token_endpoint.as_str();
        let nonce = self.key.nonce(url);
        let proof = self.key.proof("POST", url, None, nonce.as_deref())?;
        let mut value = HeaderValue::from_str(&proof).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    /// Remembers the nonce of an answer (RFC 9449 §8.2), and tells whether the request was refused
    /// for want of it (§8), so that it is sent once more.
    pub(super) fn wants_nonce(&self, answer: &Answer) -> bool {
        let nonce = answer.headers().get("dpop-nonce");
        let nonce = nonce.and_then(|value| value.to_str().ok());
        let url = self.token_endpoint.as_str();
        let new = nonce.is_some_and(|nonce| self.key.remember_nonce(url, nonce));
        let said = || serde_json::from_slice::<serde_json::Value>(answer.body()).ok();
        new && answer.status().is_client_error()
            && said().is_some_and(|said| said.get("error") == Some(&"use_dpop_nonce".into()))
    }
}
