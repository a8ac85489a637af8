//! The verifiers themselves.

use propusk::{
    AuthSettings, BearerToken, Cached, IntrospectionVerifier, Routing, metrics::CacheCounts,
};
use propusk_store::TokenStore;

use super::{Verification, composed::Composed};
use crate::{commands::store, failure::Failure};

/// The first characters of every token that a store issues.
const STORE_PREFIX: &str = "propusk_";

/// What verifies tokens, and the store among it.
pub(in crate::commands) struct Verifiers {
    pub(in crate::commands) verifier: Composed,
    pub(in crate::commands) store: Option<TokenStore>,
    /// How often each kind of memory helped, under the name that metrics show.
    pub(in crate::commands) caches: Vec<(&'static str, CacheCounts)>,
}

impl Verification {
    /// Opens the store and makes the verifiers. No identity server is asked yet, and a database server
    /// need not be there yet. Who only looks at one token creates no store, and needs one only if the
    /// token is of a store.
    pub(in crate::commands) async fn open(
        self,
        settings: &AuthSettings,
        looked_at: Option<&BearerToken>,
    ) -> Result<Verifiers, Failure> {
        // Before the store: what makes no sense leaves nothing behind.
        let resource = settings.resource().as_str();
        let issuers = self.issuers.verifiers(resource, &self.audiences)?;
        let introspection = self.introspection;
        let introspection = introspection.map(|asked| asked.verifier(resource, &self.audiences));
        let introspection = introspection.transpose()?;
        let mut routing = Routing::new();
        let is_others =
            looked_at.is_some_and(|token| !token.expose_secret().starts_with(STORE_PREFIX));
        let store = match &self.store_url {
            Some(url) if looked_at.is_none() => Some(store::open_lazily(url).await?),
            Some(url) if is_others => store::check(url).map(|()| None)?,
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
            verifier: Composed::new(self.fixed, routing),
            store,
            caches,
        })
    }
}
