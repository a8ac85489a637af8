//! Who a program is at an authorization server that knows it already.

use std::{fmt, sync::Arc};

use zeroize::Zeroizing;

use crate::{
    ClientAuthentication,
    client::{TokenError, TokenErrorKind, oauth::quoted},
};

/// A client that was registered at an authorization server before, and what it proves that with.
#[derive(Clone)]
pub struct MachineClient(Credential);

#[derive(Clone)]
enum Credential {
    Public(String),
    Secret(String, Zeroizing<String>),
    Fixed(Arc<ClientAuthentication>),
}

/// What goes into one request.
pub(super) enum Proof {
    /// Its id alone (RFC 6749 §2.1, a public client).
    Id(String),
    Authentication(Arc<ClientAuthentication>),
}

impl MachineClient {
    /// A client with a secret. It goes into the header (`client_secret_basic`), unless the
    /// authorization server lists `client_secret_post` and not that (RFC 8414 §2).
    #[must_use]
    pub fn secret(client_id: impl Into<String>, secret: impl Into<String>) -> Self {
        Self(Credential::Secret(
            client_id.into(),
            Zeroizing::new(secret.into()),
        ))
    }

    /// A client that authenticates in this way and in no other. Assertions (`private_key_jwt`) are
    /// made for the issuer and no other audience.
    #[must_use]
    pub fn authenticated(by: ClientAuthentication) -> Self {
        Self(Credential::Fixed(Arc::new(by)))
    }

    /// A client that has an id and nothing to prove it with.
    #[must_use]
    pub fn public(client_id: impl Into<String>) -> Self {
        Self(Credential::Public(client_id.into()))
    }

    /// Its client id.
    #[must_use]
    pub fn id(&self) -> &str {
        match &self.0 {
            Credential::Public(id) | Credential::Secret(id, _) => id,
            Credential::Fixed(authentication) => authentication.client_id(),
        }
    }

    /// How it authenticates where these methods and algorithms are offered; `None`: the server does
    /// not say.
    pub(super) fn proof(
        &self,
        methods: Option<&[&str]>,
        algorithms: Option<&[&str]>,
    ) -> Result<Proof, TokenError> {
        let offers = |method| methods.is_some_and(|offered| offered.contains(&method));
        let authentication = match &self.0 {
            Credential::Public(id) => return Ok(Proof::Id(id.clone())),
            Credential::Fixed(authentication) => Arc::clone(authentication),
            Credential::Secret(id, secret) => {
                let post = offers("client_secret_post") && !offers("client_secret_basic");
                let make = match post {
                    true => ClientAuthentication::post,
                    false => ClientAuthentication::basic,
                };
                Arc::new(make(id.as_str(), secret.as_str()))
            }
        };
        check("authentication", authentication.method(), methods)?;
        if let Some(algorithm) = authentication.algorithm() {
            check("signature", algorithm, algorithms)?;
        }
        Ok(Proof::Authentication(authentication))
    }
}

/// A secret is not sent in a way that the server says it does not know.
fn check(what: &str, own: &str, offered: Option<&[&str]>) -> Result<(), TokenError> {
    match offered {
        Some(offered) if !offered.contains(&own) => Err(TokenError::new(
            TokenErrorKind::Misconfigured,
            format!(
                "the authorization server does not list the client {what} method {own} but {}; \
                 register the client for one of these and set it up so",
                quoted(&offered.join(", "), 200)
            ),
        )),
        _ => Ok(()),
    }
}

impl fmt::Debug for MachineClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MachineClient({:?})", self.id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn method(client: &MachineClient, methods: Option<&[&str]>) -> Result<String, TokenErrorKind> {
        match client.proof(methods, None) {
            Ok(Proof::Id(_)) => Ok("none".to_owned()),
            Ok(Proof::Authentication(authentication)) => Ok(authentication.method().to_owned()),
            Err(error) => Err(error.kind()),
        }
    }

    /// RFC 8414 §2: where nothing is listed, `client_secret_basic`.
    #[test]
    fn rfc8414_2_the_method_is_one_that_the_server_lists() {
        const BASIC: &str = "client_secret_basic";
        const POST: &str = "client_secret_post";
        let open = MachineClient::secret("me", "hunter2");
        let post = MachineClient::authenticated(ClientAuthentication::post("me", "hunter2"));
        let unfit = Err(TokenErrorKind::Misconfigured);
        for (client, listed, expected) in [
            (&open, None, Ok(BASIC)),
            (&open, Some(&[BASIC, POST][..]), Ok(BASIC)),
            (&open, Some(&[POST, "none"]), Ok(POST)),
            (&open, Some(&["private_key_jwt"]), unfit),
            (&open, Some(&[]), unfit),
            (&post, None, Ok(POST)),
            (&post, Some(&[BASIC, POST]), Ok(POST)),
            (&post, Some(&[BASIC]), unfit),
            (&MachineClient::public("me"), Some(&[BASIC]), Ok("none")),
        ] {
            let chosen = method(client, listed);
            assert_eq!(chosen.as_deref(), expected.as_deref(), "{listed:?}");
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        let shown = format!("{:?}", MachineClient::secret("me", "hunter2"));
        assert_eq!(shown, "MachineClient(\"me\")");
    }
}
