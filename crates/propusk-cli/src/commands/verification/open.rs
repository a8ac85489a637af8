//! The verifiers themselves.

use propusk::{
    AuthSettings, BearerToken, Cached, FixedTokens, IntrospectionVerifier, Routing,
    metrics::CacheCounts,
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
    ///
    /// The endpoints share them: a verifier accepts the audience of any, and each endpoint decides by
    /// its own.
    pub(in crate::commands) async fn open(
        &mut self,
        endpoints: &[AuthSettings],
        looked_at: Option<&BearerToken>,
    ) -> Result<Verifiers, Failure> {
        let made = self.verifiers(endpoints)?;
        let store = self.store(looked_at).await?;
        Ok(made.beside(store))
    }

    /// All verifiers but the store, once. No identity server is asked yet, and nothing is touched.
    pub(in crate::commands) fn verifiers(
        &mut self,
        endpoints: &[AuthSettings],
    ) -> Result<Made, Failure> {
        // Before the store: what makes no sense leaves nothing behind.
        let mut urls = endpoints
            .iter()
            .map(|settings| settings.resource().as_str());
        let resource = urls.next().unwrap_or_default();
        let mut audiences = self.audiences.clone();
        audiences.extend(urls.map(str::to_owned));
        let issuers = self.issuers.verifiers(resource, &audiences)?;
        let introspection = self.introspection.take();
        let introspection = introspection.map(|asked| asked.verifier(resource, &audiences));
        let introspection = introspection.transpose()?;
        let (mut routing, mut caches) = (Routing::new(), Vec::new());
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
        Ok(Made {
            fixed: self.fixed.clone(),
            routing,
            caches,
        })
    }

    /// Whether the store has a URL that is one; it is not opened.
    pub(in crate::commands) fn check_store(&self) -> Result<(), Failure> {
        self.store_url.as_deref().map_or(Ok(()), store::check)
    }

    async fn store(&self, looked_at: Option<&BearerToken>) -> Result<Option<TokenStore>, Failure> {
        let is_others =
            looked_at.is_some_and(|token| !token.expose_secret().starts_with(STORE_PREFIX));
        match &self.store_url {
            Some(url) if looked_at.is_none() => store::open_lazily(url).await.map(Some),
            Some(url) if is_others => store::check(url).map(|()| None),
            Some(url) if self.store_is_named => store::open_existing(url).await.map(Some),
            // The usual place, which nobody asked for: where there is nothing, there are no tokens.
            Some(url) => store::open_if_there(url).await,
            None => Ok(None),
        }
    }
}

/// Verifiers that wait for their store.
pub(in crate::commands) struct Made {
    fixed: FixedTokens,
    routing: Routing,
    caches: Vec<(&'static str, CacheCounts)>,
}

impl Made {
    /// All together, with this store or without one.
    pub(in crate::commands) fn beside(self, store: Option<TokenStore>) -> Verifiers {
        let Self {
            fixed,
            mut routing,
            mut caches,
        } = self;
        if let Some(store) = &store {
            caches.insert(0, ("store", store.cache_counts().clone()));
            routing = routing.prefix(STORE_PREFIX, store.clone());
        }
        Verifiers {
            verifier: Composed::new(fixed, routing),
            store,
            caches,
        }
    }
}
