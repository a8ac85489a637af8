//! The verifiers themselves.

use propusk::{
    AnyOf, AuthSettings, Cached, IntrospectionVerifier, JwtVerifier, Routing, metrics::CacheCounts,
};
use propusk_store::TokenStore;

use super::{
    Verification,
    introspection::{Introspection, Place},
    issuers::Keys,
};
use crate::{commands::store, failure::Failure};

/// The first characters of every token that a store issues.
const STORE_PREFIX: &str = "propusk_";

/// What verifies tokens, and the store among it.
pub(in crate::commands) struct Verifiers {
    pub(in crate::commands) verifier: AnyOf,
    pub(in crate::commands) store: Option<TokenStore>,
    /// How often each kind of memory helped, under the name that metrics show.
    pub(in crate::commands) caches: Vec<(&'static str, CacheCounts)>,
}

impl Verification {
    /// Opens the store and makes the verifiers. No identity server is asked yet. Who only `looks`
    /// creates no store.
    pub(in crate::commands) async fn open(
        self,
        settings: &AuthSettings,
        looks: bool,
    ) -> Result<Verifiers, Failure> {
        let mut verifier = AnyOf::new();
        if !self.fixed.is_empty() {
            verifier = verifier.with(self.fixed.clone());
        }
        let mut routing = Routing::new();
        let store = match &self.store_url {
            Some(url) if !looks => Some(store::open(url).await?),
            Some(url) if self.store_is_named => Some(store::open_existing(url).await?),
            // The usual place, which nobody asked for: where there is nothing, there are no tokens.
            Some(url) => store::open_if_there(url).await?,
            None => None,
        };
        let mut caches = Vec::new();
        if let Some(store) = &store {
            caches.push(("store", store.cache_counts().clone()));
            routing = routing.prefix(STORE_PREFIX, store.clone());
        }
        let counts = CacheCounts::default();
        for issuer in self.issuers.urls() {
            let jwt = Cached::new(self.jwt_verifier(issuer, settings)?);
            routing = routing.issuer(issuer, jwt.counting(counts.clone()));
        }
        if !self.issuers.is_empty() {
            caches.push(("jwt", counts));
        }
        if let Some(introspection) = self.introspection {
            let counts = CacheCounts::default();
            let verifier = introspection_verifier(introspection, &self.audiences, settings)?;
            let verifier = self
                .issuers
                .urls()
                .fold(verifier, IntrospectionVerifier::not_for);
            routing = routing.otherwise(verifier.counting(counts.clone()));
            caches.push(("introspection", counts));
        }
        Ok(Verifiers {
            verifier: verifier.with(routing),
            store,
            caches,
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
}

fn introspection_verifier(
    Introspection { place, client }: Introspection,
    audiences: &[String],
    settings: &AuthSettings,
) -> Result<IntrospectionVerifier, Failure> {
    let resource = settings.resource().as_str();
    let verifier = match place {
        Place::Issuer(issuer) => {
            IntrospectionVerifier::from_issuer(issuer.as_str(), resource, client)
        }
        Place::Endpoint { url, issuer } => {
            IntrospectionVerifier::new(&url, resource, client).map(|verifier| match issuer {
                Some(issuer) => verifier.issuer(issuer),
                None => verifier,
            })
        }
    };
    let verifier = verifier.map_err(|error| Failure::usage(format!("--introspect: {error}")))?;
    Ok(audiences
        .iter()
        .fold(verifier, IntrospectionVerifier::audience))
}
