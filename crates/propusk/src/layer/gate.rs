//! What all requests share: settings, verifier, clock, sessions; and the way to a permit.

use http::request::Parts;

use super::{
    credentials::{Credentials, credentials},
    observer::Observer,
    sessions::Sessions,
    trail::Trail,
};
use crate::{
    Admission, AuthSettings, Clock, Operation, Permit, Presented, ProtectedResourceMetadata,
    Reason, Refusal, audit::Cause, decide, resource::WELL_KNOWN, verify::DynTokenVerifier,
};

pub(super) struct Gate {
    settings: AuthSettings,
    verifier: Box<dyn DynTokenVerifier>,
    clock: Box<dyn Clock>,
    sessions: Sessions,
    observer: Observer,
    metadata_path: String,
    metadata: Option<String>,
}

impl Gate {
    pub(super) fn new(
        settings: AuthSettings,
        verifier: Box<dyn DynTokenVerifier>,
        clock: Box<dyn Clock>,
    ) -> Self {
        let metadata = ProtectedResourceMetadata::of(&settings)
            .and_then(|document| serde_json::to_string(&document).ok());
        Self {
            metadata_path: settings.resource().metadata_path(),
            metadata,
            settings,
            verifier,
            clock,
            sessions: Sessions::default(),
            observer: Observer::default(),
        }
    }

    pub(super) fn settings(&self) -> &AuthSettings {
        &self.settings
    }

    pub(super) fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    pub(super) fn observer(&self) -> &Observer {
        &self.observer
    }

    /// Tells who watches what was decided; `None` is that the request goes on.
    pub(super) fn record(&self, trail: &mut Trail, cause: Option<&Cause>) {
        self.observer.record(trail, cause, &*self.clock);
    }

    /// The metadata document, if this path is one of its two (RFC 9728 §3.1). `Some(None)`: the
    /// path is right, and there is no document.
    pub(super) fn metadata(&self, path: &str) -> Option<Option<&str>> {
        (path == WELL_KNOWN || path == self.metadata_path).then_some(self.metadata.as_deref())
    }

    /// Takes the token out of a request, verifies it and decides. The body is not touched.
    pub(super) async fn permit(
        &self,
        request: &Parts,
        trail: &mut Trail,
    ) -> Result<Permit, Refusal> {
        let needs = || self.settings.required_scopes().clone();
        let lenient = self.settings.admitted() == Admission::Permissive;
        let presented = match credentials(request) {
            Credentials::Nothing => Presented::Nothing,
            Credentials::Malformed(crate::Malformed::NotAToken) if lenient => Presented::Rejected,
            Credentials::Malformed(malformed) => {
                return Err(Refusal::new(Reason::BadRequest(malformed), needs()));
            }
            Credentials::Token(text) => match trail.verify(&*self.verifier, &text).await {
                Ok(Some(token)) => Presented::Verified(token.with_text(text)),
                Ok(None) => Presented::Rejected,
                Err(unavailable) => {
                    let retry_after = unavailable.retry_after();
                    return Err(Refusal::new(Reason::Unavailable { retry_after }, needs()));
                }
            },
        };
        decide(
            &self.settings,
            &Operation::Request,
            presented,
            self.clock.now(),
        )
    }
}
