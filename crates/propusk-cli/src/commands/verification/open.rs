//! The verifiers themselves.

use propusk::{AnyOf, AuthSettings, Cached, IntrospectionVerifier, JwtVerifier, Routing};
use propusk_store::TokenStore;

use super::{Verification, introspection::Place, issuers::Keys};
use crate::{commands::store, failure::Failure};

/// The first characters of every token that a store issues.
const STORE_PREFIX: &str = "propusk_";

/// What verifies tokens, and the store among it.
pub(in crate::commands) struct Verifiers {
    pub(in crate::commands) verifier: AnyOf,
    pub(in crate::commands) store: Option<TokenStore>,
}

impl Verification {
    /// Opens the store, with `open_store`, and makes the verifiers. Nobody is asked over the network
    /// yet.
    pub(in crate::commands) async fn open(
        &self,
        settings: &AuthSettings,
        must_exist: bool,
    ) -> Result<Verifiers, Failure> {
        let mut verifier = AnyOf::new();
        if !self.fixed.is_empty() {
            verifier = verifier.with(self.fixed.clone());
        }
        let mut routing = Routing::new();
        let store = match &self.store_url {
            Some(url) if must_exist => Some(store::open_existing(url).await?),
            Some(url) => Some(store::open(url).await?),
            None => None,
        };
        if let Some(store) = &store {
            routing = routing.prefix(STORE_PREFIX, store.clone());
        }
        for issuer in self.issuers.urls() {
            let jwt = self.jwt_verifier(issuer, settings)?;
            routing = routing.issuer(issuer, Cached::new(jwt));
        }
        if self.introspection.is_some() {
            routing = routing.otherwise(self.introspection_verifier(settings)?);
        }
        Ok(Verifiers {
            verifier: verifier.with(routing),
            store,
        })
    }

    fn jwt_verifier(&self, issuer: &str, settings: &AuthSettings) -> Result<JwtVerifier, Failure> {
        let resource = settings.resource().as_str();
        let made = match self.issuers.keys() {
            Keys::Discovered => JwtVerifier::from_issuer(issuer, resource),
            Keys::Url(url) => JwtVerifier::from_key_set_url(issuer, resource, url),
            Keys::File(file) => JwtVerifier::from_key_set_file(issuer, resource, file),
        };
        let verifier = made.map_err(|error| Failure::usage(format!("--issuer: {error}")))?;
        let audiences = self.audiences.iter();
        Ok(audiences.fold(verifier, JwtVerifier::audience))
    }

    fn introspection_verifier(
        &self,
        settings: &AuthSettings,
    ) -> Result<IntrospectionVerifier, Failure> {
        let Some(introspection) = &self.introspection else {
            return Err(Failure::usage("--introspect is missing"));
        };
        let resource = settings.resource().as_str();
        let client = introspection.client.clone();
        let made = match &introspection.place {
            Place::Issuer(issuer) => IntrospectionVerifier::from_issuer(issuer, resource, client),
            Place::Endpoint { url, .. } => IntrospectionVerifier::new(url, resource, client),
        };
        let mut verifier =
            made.map_err(|error| Failure::usage(format!("--introspect: {error}")))?;
        if let Place::Endpoint {
            issuer: Some(issuer),
            ..
        } = &introspection.place
        {
            verifier = verifier.issuer(issuer);
        }
        let audiences = self.audiences.iter();
        Ok(audiences.fold(verifier, IntrospectionVerifier::audience))
    }
}
