//! What is set up for one upstream.

use std::{fmt, sync::Arc};

use http::HeaderName;

use super::{
    connect::ExtraRoots,
    headers::{Passed, may_pass, why_not},
    limits::HttpLimits,
};
use crate::credentials::{CallerAssertion, DynCredentials, UpstreamCredentials};

/// How an HTTP upstream is spoken to.
#[must_use]
pub struct HttpUpstreamSettings {
    pub(super) name: Arc<str>,
    pub(super) credentials: Option<Box<dyn DynCredentials>>,
    pub(super) assertion: Option<CallerAssertion>,
    pub(super) limits: HttpLimits,
    pub(super) roots: ExtraRoots,
    pub(super) passed: Passed,
}

impl HttpUpstreamSettings {
    /// An upstream with this name in the log: without credentials or assertion.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self {
            name: name.into(),
            credentials: None,
            assertion: None,
            limits: HttpLimits::default(),
            roots: ExtraRoots::default(),
            passed: Passed::default(),
        }
    }

    /// What goes upstream in the place of the caller's token. Nothing by default.
    pub fn credentials(mut self, credentials: impl UpstreamCredentials) -> Self {
        self.credentials = Some(Box::new(credentials));
        self
    }

    /// Tells the upstream who is calling, in a way that it can verify.
    pub fn assertion(mut self, assertion: CallerAssertion) -> Self {
        self.assertion = Some(assertion);
        self
    }

    /// Sets limits of time and size.
    pub fn limits(mut self, limits: HttpLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Trusts these certificates too.
    pub fn roots(mut self, roots: ExtraRoots) -> Self {
        self.roots = roots;
        self
    }

    /// Whether [`pass_header`](Self::pass_header) can let a header of this name through.
    #[must_use]
    pub fn may_pass(name: &HeaderName) -> bool {
        may_pass(name)
    }

    /// Why [`pass_header`](Self::pass_header) never lets a header of this name through, in words, if it
    /// is so.
    #[must_use]
    pub fn why_not_passed(name: &HeaderName) -> Option<&'static str> {
        why_not(name)
    }

    /// Lets a header through, both ways, that is none of MCP and not known to be harmless. Whoever
    /// names one here says that the upstream takes it for nobody's identity. Credentials, cookies
    /// and redirects of the upstream, and headers of the connection are never let through.
    pub fn pass_header(mut self, name: HeaderName) -> Self {
        self.passed.add(name);
        self
    }
}

impl fmt::Debug for HttpUpstreamSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpUpstreamSettings")
            .field("name", &self.name)
            .field("limits", &self.limits)
            .field("passed", &self.passed)
            .finish_non_exhaustive()
    }
}
