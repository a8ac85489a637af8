//! The token request of every grant for machines (RFC 6749 §4.4.2, §4.5; RFC 8707 §2.2).

use std::time::SystemTime;

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use url::form_urlencoded::Serializer;
use zeroize::Zeroizing;

use super::{
    machine_client::{MachineClient, Proof},
    place::{Place, Way},
};
use crate::{
    ScopeSet,
    client::{
        ProtectedServer, TokenError, TokenErrorKind,
        oauth::{not_bound, of_exchange, token_in},
        token_answer::TokenAnswer,
    },
};

/// How often a request is sent: once, and again for a nonce (RFC 9449 §8), which may have changed
/// once more on the way.
const MOST_ATTEMPTS: usize = 3;

/// What is asked for, and what for it is asked with.
pub(super) struct TokenRequest<'a> {
    pub(super) grant_type: &'static str,
    /// `assertion`, where the grant has one.
    pub(super) assertion: Option<&'a str>,
    pub(super) client: Option<&'a MachineClient>,
    pub(super) scopes: &'a ScopeSet,
}

/// A request as it goes out, once.
pub(super) struct Signed {
    pub(super) form: Zeroizing<String>,
    pub(super) authorization: Option<HeaderValue>,
}

impl TokenRequest<'_> {
    /// Asks at the token endpoint of this place.
    ///
    /// # Errors
    /// [`TokenError`], in the server's own words where they are an OAuth error.
    pub(super) async fn send(
        &self,
        place: &Place,
        way: &Way,
        server: &ProtectedServer,
    ) -> Result<TokenAnswer, TokenError> {
        let http = way.http(server)?;
        if let Some(key) = &way.dpop {
            http.bind(place.token_endpoint(), key.clone());
        }
        let mut attempts = 0;
        let posted = loop {
            attempts += 1;
            let signed = self.sign(place)?;
            let sent = http.post_once(signed.into_request(place.token_endpoint())?);
            let (posted, wants_nonce) = sent
                .await
                .map_err(|failure| of_exchange(&failure, "asking for a token"))?;
            if !wants_nonce || attempts == MOST_ATTEMPTS {
                break posted;
            }
        };
        let answer = token_in(&posted, SystemTime::now())?;
        if way.dpop.is_some() && !answer.bound {
            return Err(not_bound());
        }
        Ok(answer)
    }

    fn sign(&self, place: &Place) -> Result<Signed, TokenError> {
        let mut form = Serializer::new(String::with_capacity(2048));
        form.append_pair("grant_type", self.grant_type);
        if let Some(assertion) = self.assertion {
            form.append_pair("assertion", assertion);
        }
        // MCP requires it in every token request, byte for byte as the metadata wrote it.
        form.append_pair("resource", &place.resource);
        let scopes: Vec<_> = self.scopes.iter().map(crate::Scope::as_str).collect();
        if !scopes.is_empty() {
            form.append_pair("scope", &scopes.join(" "));
        }
        let Some(client) = self.client else {
            return Ok(Signed {
                form: Zeroizing::new(form.finish()),
                authorization: None,
            });
        };
        let methods = place.list("token_endpoint_auth_methods_supported");
        let algorithms = place.list("token_endpoint_auth_signing_alg_values_supported");
        let proof = client.proof(methods.as_deref(), algorithms.as_deref())?;
        Signed::by(&proof, form, &place.issuer)
    }
}

impl Signed {
    /// Adds who the client is. Assertions are made for the issuer.
    pub(super) fn by(
        proof: &Proof,
        mut form: Serializer<'_, String>,
        issuer: &str,
    ) -> Result<Self, TokenError> {
        let authorization = match proof {
            Proof::Id(id) => {
                form.append_pair("client_id", id);
                None
            }
            Proof::Authentication(authentication) => {
                let added = authentication.add_to(&mut form, issuer, SystemTime::now());
                added.ok_or_else(unsigned)?;
                let header = authentication.header();
                header.map(|text| sensitive(&text)).transpose()?
            }
        };
        Ok(Self {
            form: Zeroizing::new(form.finish()),
            authorization,
        })
    }

    pub(super) fn into_request(
        self,
        token_endpoint: &str,
    ) -> Result<http::Request<Vec<u8>>, TokenError> {
        let mut request = http::Request::post(token_endpoint)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(ACCEPT, "application/json");
        if let Some(authorization) = self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        let request = request.body(self.form.as_bytes().to_vec());
        request.map_err(|_| {
            TokenError::new(
                TokenErrorKind::Misconfigured,
                "the authorization server's token endpoint is not a URL that can be asked",
            )
        })
    }
}

fn sensitive(text: &str) -> Result<HeaderValue, TokenError> {
    let mut value = HeaderValue::from_str(text).map_err(|_| unsigned())?;
    value.set_sensitive(true);
    Ok(value)
}

fn unsigned() -> TokenError {
    TokenError::new(
        TokenErrorKind::Misconfigured,
        "the client's assertion could not be signed; check its key and the clock of this machine",
    )
}
