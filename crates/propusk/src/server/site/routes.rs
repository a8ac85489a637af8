//! Which path is whose. The table can be exchanged while connections are open: every request looks
//! at the one that is current when it comes.

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;

use super::Mount;
use crate::{metrics::Metrics, resource::WELL_KNOWN, server::TrustedProxies};

/// What a site answers to everybody, without a token: a page, its scripts.
///
/// `Host` and `Origin` have been checked.
pub trait Pages: Send + Sync + 'static {
    /// The answer, if there is something under the path of this request.
    fn answer(&self, request: &Request<Incoming>) -> Option<Response<Full<Bytes>>>;
}

/// Pages that several may hold.
#[derive(Clone)]
pub(in crate::server) struct SharedPages(pub(in crate::server) Arc<dyn Pages>);

impl Pages for SharedPages {
    fn answer(&self, request: &Request<Incoming>) -> Option<Response<Full<Bytes>>> {
        self.0.answer(request)
    }
}

impl fmt::Debug for SharedPages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedPages")
    }
}

/// Perhaps there are some.
impl<P: Pages> Pages for Option<P> {
    fn answer(&self, request: &Request<Incoming>) -> Option<Response<Full<Bytes>>> {
        self.as_ref()?.answer(request)
    }
}

/// The first ones, and where those have nothing the others.
impl<A: Pages, B: Pages> Pages for (A, B) {
    fn answer(&self, request: &Request<Incoming>) -> Option<Response<Full<Bytes>>> {
        self.0.answer(request).or_else(|| self.1.answer(request))
    }
}

/// The endpoints of a [`Site`](super::Site), shared by all its connections.
#[derive(Clone, Default)]
pub struct SiteRoutes(Arc<RwLock<Arc<Table>>>);

#[derive(Clone, Default)]
pub(super) struct Table {
    mounts: Vec<Mount>,
    pages: Option<Arc<dyn Pages>>,
    pub(super) metrics: Option<Metrics>,
    pub(super) proxies: Option<Arc<TrustedProxies>>,
}

impl SiteRoutes {
    /// Exchanges all endpoints at once. Requests that are under way are answered by those that they
    /// came to; the connections stay.
    pub fn replace(&self, mounts: Vec<Mount>) {
        self.change(|table| table.mounts = mounts);
    }

    /// Sets what is answered without a token, beside the endpoints; nothing by default.
    pub fn show_pages(&self, pages: Option<impl Pages>) {
        let pages = pages.map(|pages| Arc::new(pages) as Arc<dyn Pages>);
        self.change(|table| table.pages = pages);
    }

    /// Sets whose word counts about where a request comes from; nobody's by default.
    pub fn trust_proxies(&self, proxies: Option<TrustedProxies>) {
        let proxies = proxies.map(Arc::new);
        self.change(|table| table.proxies = proxies);
    }

    pub(super) fn add(&self, mount: Mount) {
        self.change(|table| table.mounts.push(mount));
    }

    pub(super) fn set_metrics(&self, metrics: &Metrics) {
        self.change(|table| table.metrics = Some(metrics.clone()));
    }

    pub(super) fn current(&self) -> Arc<Table> {
        let current = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&current)
    }

    fn change(&self, change: impl FnOnce(&mut Table)) {
        let mut current = self.0.write().unwrap_or_else(PoisonError::into_inner);
        change(Arc::make_mut(&mut current));
    }
}

impl Table {
    /// Whose a path is. The metadata at the root of the well-known path is the first endpoint's
    /// (RFC 9728 §3: one document for the whole host), as is whatever is unknown below it.
    pub(super) fn mount_at(&self, path: &str) -> Option<&Mount> {
        if path.starts_with(WELL_KNOWN) {
            let own = self.mounts.iter().find(|mount| mount.has_metadata_at(path));
            return own.or(self.mounts.first());
        }
        self.mounts.iter().find(|mount| mount.is_at(path))
    }

    /// Whose callers a path tells who they are.
    pub(super) fn caller_at(&self, path: &str) -> Option<&Mount> {
        self.mounts.iter().find(|mount| mount.has_caller_at(path))
    }

    /// Whoever judges `Host` and `Origin` of what is open.
    pub(super) fn first(&self) -> Option<&Mount> {
        self.mounts.first()
    }

    pub(super) fn page(&self, request: &Request<Incoming>) -> Option<Response<Full<Bytes>>> {
        self.pages.as_ref()?.answer(request)
    }
}

impl fmt::Debug for SiteRoutes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.current().mounts.iter().map(Mount::path))
            .finish()
    }
}
