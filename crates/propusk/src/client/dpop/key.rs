//! The key, and the proofs that are signed with it (RFC 9449 §4.2).

use std::{
    fmt,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use url::Url;
use zeroize::Zeroizing;

use super::nonces::Nonces;
use crate::{BearerToken, ClientKey, InvalidClientKey, jose::VerifyingKey};

/// A private key that a client's tokens are bound to (RFC 9449), and the nonces that servers gave
/// for its proofs.
///
/// Copies share both. The algorithm follows from the key: ES256 for a generated one, also ES384 and
/// EdDSA for one that was read.
///
/// ```
/// use propusk::client::DpopKey;
///
/// let key = DpopKey::generate().expect("the operating system has random numbers");
/// let again = DpopKey::from_pem(&key.to_pem()).expect("what was written can be read");
/// assert_eq!(again.thumbprint(), key.thumbprint());
/// ```
#[derive(Clone)]
pub struct DpopKey(Arc<Inner>);

struct Inner {
    key: ClientKey,
    pem: Zeroizing<String>,
    jwk: Map<String, Value>,
    thumbprint: String,
    nonces: Nonces,
}

/// Why there is no key for proofs. It never contains the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidDpopKey {
    /// The text is no key.
    #[error(transparent)]
    Unreadable(#[from] InvalidClientKey),
    /// It is an RSA key: its proofs would be longer than the token itself.
    #[error("a key for DPoP proofs is P-256, P-384 or Ed25519, not RSA")]
    Rsa,
    /// The operating system gave no random numbers.
    #[error("no key for DPoP proofs could be made: the operating system gave no random numbers")]
    NoRandomNumbers,
}

impl DpopKey {
    /// Makes a new P-256 key.
    ///
    /// # Errors
    /// [`InvalidDpopKey::NoRandomNumbers`].
    pub fn generate() -> Result<Self, InvalidDpopKey> {
        let none = |_| InvalidDpopKey::NoRandomNumbers;
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random);
        let text = Zeroizing::new(STANDARD.encode(pkcs8.map_err(none)?.as_ref()));
        let mut pem = Zeroizing::new(String::with_capacity(512));
        pem.push_str("-----BEGIN PRIVATE KEY-----\n");
        // RFC 7468 §2: lines of 64 characters.
        for (index, character) in text.chars().enumerate() {
            if index > 0 && index % 64 == 0 {
                pem.push('\n');
            }
            pem.push(character);
        }
        pem.push_str("\n-----END PRIVATE KEY-----\n");
        Self::from_pem(&pem)
    }

    /// Reads a private key in PKCS#8 (RFC 5958) from PEM (RFC 7468), without a password.
    ///
    /// # Errors
    /// [`InvalidDpopKey`].
    pub fn from_pem(pem: &str) -> Result<Self, InvalidDpopKey> {
        let key = ClientKey::from_pem(pem)?;
        let jwk = key.public_jwk().ok_or(InvalidDpopKey::Rsa)?;
        let unsupported = |_| InvalidDpopKey::Unreadable(InvalidClientKey::Unsupported);
        let public = VerifyingKey::from_jwk(&jwk).map_err(unsupported)?;
        Ok(Self(Arc::new(Inner {
            thumbprint: public.thumbprint().to_owned(),
            key,
            pem: Zeroizing::new(pem.to_owned()),
            jwk,
            nonces: Nonces::default(),
        })))
    }

    /// The private key as it is kept beside its tokens. Whoever calls this takes care that it
    /// reaches no log and nobody else's eyes.
    #[must_use]
    pub fn to_pem(&self) -> Zeroizing<String> {
        self.0.pem.clone()
    }

    /// The SHA-256 thumbprint of the public key in base64url (RFC 7638): what a bound token names
    /// as `cnf.jkt`, and what an authorization request says as `dpop_jkt` (RFC 9449 §10).
    #[must_use]
    pub fn thumbprint(&self) -> &str {
        &self.0.thumbprint
    }

    /// A proof for one request, good for it alone (RFC 9449 §4.2): the value of its `DPoP` header.
    ///
    /// `url` is the one that the request goes to; query and fragment are left out. With an access
    /// token the proof names it (`ath`). `nonce` is what the server asked for; see
    /// [`DpopKey::nonce`]. `None` where the URL is not one of HTTP, or where there are no random
    /// numbers.
    #[must_use]
    pub fn proof(
        &self,
        method: &str,
        url: &str,
        access_token: Option<&BearerToken>,
        nonce: Option<&str>,
    ) -> Option<Zeroizing<String>> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
        let mut id = [0; 16];
        aws_lc_rs::rand::fill(&mut id).ok()?;
        let mut claims = json!({
            "jti": URL_SAFE_NO_PAD.encode(id),
            "htm": method,
            "htu": target(url)?,
            "iat": now.as_secs(),
        });
        if let Some(token) = access_token {
            let hash = Sha256::digest(token.expose_secret());
            claims["ath"] = URL_SAFE_NO_PAD.encode(hash).into();
        }
        if let Some(nonce) = nonce {
            claims["nonce"] = nonce.into();
        }
        let header = json!({"typ": "dpop+jwt", "jwk": self.0.jwk});
        self.0.key.sign_with(header, &claims)
    }

    /// The newest nonce that the server at this URL gave, for the next proof (RFC 9449 §8, §9).
    #[must_use]
    pub fn nonce(&self, url: &str) -> Option<String> {
        self.0.nonces.of(url)
    }

    /// Remembers what a server gave in its `DPoP-Nonce` header, in the place of an older one
    /// (RFC 9449 §8.2). Tells whether it is another one than before; what is no nonce is ignored.
    pub fn remember_nonce(&self, url: &str, nonce: &str) -> bool {
        self.0.nonces.remember(url, nonce)
    }
}

/// The URL without query and fragment, as the request line and `Host` will say it.
fn target(url: &str) -> Option<String> {
    let mut url = Url::parse(url).ok()?;
    if !matches!(url.scheme(), "http" | "https") {
        return None;
    }
    url.set_query(None);
    url.set_fragment(None);
    // Credentials travel in a header, never in what is signed.
    url.set_username("").ok()?;
    url.set_password(None).ok()?;
    Some(url.into())
}

impl fmt::Debug for DpopKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DpopKey({})", self.thumbprint())
    }
}

#[cfg(test)]
#[cfg(feature = "jwt")]
mod tests;
