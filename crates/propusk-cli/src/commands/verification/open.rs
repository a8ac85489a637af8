//! The verifiers themselves.

use propusk::{AnyOf, AuthSettings, Cached, IntrospectionVerifier, Routing, metrics::CacheCounts};
use propusk_store::TokenStore;

use super::Verification;
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
        // Before the store: what makes no sense leaves nothing behind.
        let resource = settings.resource().as_str();
        let issuers = self.issuers.verifiers(resource, &self.audiences)?;
        let introspection = self.introspection;
        let introspection = introspection.map(|asked| asked.verifier(resource, &self.audiences));
        let introspection = introspection.transpose()?;
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
        for jwt in issuers {
            let issuer = jwt.issuer().to_owned();
            routing = routing.issuer(issuer, Cached::new(jwt).counting(counts.clone()));
        }
        if !self.issuers.is_empty() {
            caches.push(("jwt", counts));
        }
        if let Some(verifier) = introspection {
            let counts = CacheCounts::default();
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
}
