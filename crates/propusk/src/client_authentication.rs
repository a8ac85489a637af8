//! How a client of an authorization server proves who it is (RFC 6749 §2.3, RFC 7523 §2.2): a
//! resource server that introspects, and a program that asks for tokens.

use std::{
    fmt,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde_json::json;
use url::form_urlencoded::{Serializer, byte_serialize};
use zeroize::Zeroizing;

use crate::ClientKey;

/// How long a signed assertion is valid: one exchange, and clocks that differ a little.
const ASSERTION_LIFETIME: Duration = Duration::from_secs(60);

/// The credentials of a client at an authorization server: secret, and never shown.
pub struct ClientAuthentication {
    client_id: String,
    method: Method,
}

enum Method {
    Basic(Zeroizing<String>),
    Post(Zeroizing<String>),
    PrivateKeyJwt(ClientKey),
}

impl ClientAuthentication {
    /// `client_secret_basic`: id and secret in the `Authorization` header (RFC 6749 §2.3.1). Every
    /// authorization server supports it.
    #[must_use]
    pub fn basic(client_id: impl Into<String>, secret: impl Into<String>) -> Self {
        Self::new(client_id, Method::Basic(Zeroizing::new(secret.into())))
    }

    /// `client_secret_post`: id and secret in the body, for servers that want it so.
    #[must_use]
    pub fn post(client_id: impl Into<String>, secret: impl Into<String>) -> Self {
        Self::new(client_id, Method::Post(Zeroizing::new(secret.into())))
    }

    /// `private_key_jwt`: no secret is sent, but a short-lived assertion signed with a key that
    /// never leaves this program (RFC 7523 §2.2).
    #[must_use]
    pub fn private_key_jwt(client_id: impl Into<String>, key: ClientKey) -> Self {
        Self::new(client_id, Method::PrivateKeyJwt(key))
    }

    fn new(client_id: impl Into<String>, method: Method) -> Self {
        Self {
            client_id: client_id.into(),
            method,
        }
    }

    pub(crate) fn client_id(&self) -> &str {
        &self.client_id
    }

    /// The name of the method in RFC 7591 §2.
    pub(crate) fn method(&self) -> &'static str {
        match &self.method {
            Method::Basic(_) => "client_secret_basic",
            Method::Post(_) => "client_secret_post",
            Method::PrivateKeyJwt(_) => "private_key_jwt",
        }
    }

    /// The algorithm of its signatures (RFC 7518 §3.1), where it signs.
    #[cfg(feature = "client")]
    pub(crate) fn algorithm(&self) -> Option<&'static str> {
        match &self.method {
            Method::PrivateKeyJwt(key) => Some(key.algorithm().name()),
            _ => None,
        }
    }

    /// The value of the `Authorization` header, where the method has one.
    pub(crate) fn header(&self) -> Option<Zeroizing<String>> {
        let Method::Basic(secret) = &self.method else {
            return None;
        };
        // RFC 6749 §2.3.1: both are form-urlencoded first, so that a colon in one is no separator.
        let encode = |text: &str| -> Zeroizing<String> {
            Zeroizing::new(byte_serialize(text.as_bytes()).collect())
        };
        let pair = format!("{}:{}", *encode(&self.client_id), *encode(secret));
        let pair = Zeroizing::new(pair);
        Some(Zeroizing::new(format!(
            "Basic {}",
            STANDARD.encode(pair.as_bytes())
        )))
    }

    /// Adds what the method puts into the body. `None`: an assertion cannot be signed.
    ///
    /// `audience` is the authorization server: its issuer identifier, or the endpoint.
    pub(crate) fn add_to(
        &self,
        form: &mut Serializer<'_, String>,
        audience: &str,
        now: SystemTime,
    ) -> Option<()> {
        match &self.method {
            Method::Basic(_) => {}
            Method::Post(secret) => {
                form.append_pair("client_id", &self.client_id);
                form.append_pair("client_secret", secret);
            }
            Method::PrivateKeyJwt(key) => {
                let assertion = self.assertion(key, audience, now)?;
                form.append_pair("client_id", &self.client_id);
                form.append_pair(
                    "client_assertion_type",
                    "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                );
                form.append_pair("client_assertion", &assertion);
            }
        }
        Some(())
    }

    /// RFC 7523 §3: issuer and subject are the client; used once, and soon.
    fn assertion(
        &self,
        key: &ClientKey,
        audience: &str,
        now: SystemTime,
    ) -> Option<Zeroizing<String>> {
        let now = now.duration_since(UNIX_EPOCH).ok()?;
        let mut id = [0; 16];
        aws_lc_rs::rand::fill(&mut id).ok()?;
        key.sign(&json!({
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": audience,
            "jti": URL_SAFE_NO_PAD.encode(id),
            "iat": now.as_secs(),
            "exp": (now + ASSERTION_LIFETIME).as_secs(),
        }))
    }
}

impl fmt::Debug for ClientAuthentication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "ClientAuthentication({} as {:?})",
            self.method(),
            self.client_id
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc6749_2_3_1_id_and_secret_are_form_urlencoded_before_base64() {
        for (id, secret, expected) in [
            (
                "s6BhdRkqt3",
                "7Fjfp0ZBr1KtDRbnfVdmIw",
                "s6BhdRkqt3:7Fjfp0ZBr1KtDRbnfVdmIw",
            ),
            ("a:b", "c:d", "a%3Ab:c%3Ad"),
            ("me", "a b+c%&=\u{fc}", "me:a+b%2Bc%25%26%3D%C3%BC"),
        ] {
            let header = ClientAuthentication::basic(id, secret)
                .header()
                .expect("one");
            let pair = STANDARD.decode(&header["Basic ".len()..]).expect("base64");
            assert_eq!(String::from_utf8(pair).expect("UTF-8"), expected);
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        for method in [
            ClientAuthentication::basic("me", "hunter2"),
            ClientAuthentication::post("me", "hunter2"),
        ] {
            let shown = format!("{method:?}");
            assert!(
                shown.contains("me") && !shown.contains("hunter2"),
                "{shown}"
            );
        }
    }
}
