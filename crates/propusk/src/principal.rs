//! Who a token stands for.

use std::{fmt, sync::Arc};

/// Who a token stands for: issuer, subject and client together.
///
/// Two tokens of the same principal (an old one and its refreshed successor) are equal here, which
/// is what sessions, streams and tasks are bound to. The subject alone would not do: two issuers
/// may use the same one.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Principal {
    pub(crate) issuer: Option<Arc<str>>,
    pub(crate) subject: Arc<str>,
    pub(crate) client_id: Option<Arc<str>>,
}

impl Principal {
    /// Who issued the token (the `iss` claim), if an issuer did.
    #[must_use]
    pub fn issuer(&self) -> Option<&str> {
        self.issuer.as_deref()
    }

    /// Whom the token speaks for (the `sub` claim).
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The OAuth client that the token was issued to, if known.
    #[must_use]
    pub fn client_id(&self) -> Option<&str> {
        self.client_id.as_deref()
    }
}

impl fmt::Debug for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Principal")
            .field("issuer", &self.issuer())
            .field("subject", &self.subject())
            .field("client_id", &self.client_id())
            .finish()
    }
}
