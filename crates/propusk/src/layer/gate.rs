//! What all requests share: settings, verifier, clock, sessions; and the way to a permit.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use http::request::Parts;

use super::{
    credentials::{Credentials, credentials},
    sessions::Sessions,
    streams::Streams,
};
use crate::{
    AccessToken, Admission, AuthSettings, Clock, Operation, Permit, Presented,
    ProtectedResourceMetadata, Reason, Refusal, Unavailable, decide, resource::WELL_KNOWN,
    verify::DynTokenVerifier,
};

pub(super) struct Gate {
    settings: AuthSettings,
    verifier: Box<dyn DynTokenVerifier>,
    clock: Box<dyn Clock>,
    sessions: Arc<Sessions>,
    streams: Arc<Streams>,
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
            sessions: Sessions::new(settings.session_limits()),
            streams: Streams::new(),
            settings,
            verifier,
            clock,
        }
    }

    pub(super) fn settings(&self) -> &AuthSettings {
        &self.settings
    }

    pub(super) fn sessions(&self) -> &Arc<Sessions> {
        &self.sessions
    }

    pub(super) fn streams(&self) -> &Arc<Streams> {
        &self.streams
    }

    /// For how long the token is still valid; `None`: for ever.
    pub(super) fn time_left(&self, token: &AccessToken) -> Option<Duration> {
        let end = token.valid_until()?;
        Some(end.duration_since(self.clock.now()).unwrap_or_default())
    }

    pub(super) fn expires_before(&self, token: &AccessToken, when: Instant) -> bool {
        let end = self
            .time_left(token)
            .and_then(|left| Instant::now().checked_add(left));
        end.is_some_and(|end| end < when)
    }

    /// What the verifier says now about a token that it once accepted.
    pub(super) async fn verify_again(
        &self,
        token: &AccessToken,
    ) -> Result<Option<AccessToken>, Unavailable> {
        match token.expose_token_text() {
            Some(text) => self.verifier.verify(text).await,
            None => Ok(None),
        }
    }

    /// The metadata document, if this path is one of its two (RFC 9728 §3.1). `Some(None)`: the
    /// path is right, and there is no document.
    pub(super) fn metadata(&self, path: &str) -> Option<Option<&str>> {
        (path == WELL_KNOWN || path == self.metadata_path).then_some(self.metadata.as_deref())
    }

    /// Takes the token out of a request, verifies it and decides. The body is not touched.
    pub(super) async fn permit(&self, request: &Parts) -> Result<Permit, Refusal> {
        let needs = || self.settings.required_scopes().clone();
        let lenient = self.settings.admitted() == Admission::Permissive;
        let presented = match credentials(request) {
            Credentials::Nothing => Presented::Nothing,
            Credentials::Malformed(crate::Malformed::NotAToken) if lenient => Presented::Rejected,
            Credentials::Malformed(malformed) => {
                return Err(Refusal::new(Reason::BadRequest(malformed), needs()));
            }
            Credentials::Token(text) => match self.verifier.verify(text.expose_secret()).await {
                Ok(Some(token)) => Presented::Verified(token.with_text(text)),
                Ok(None) => Presented::Rejected,
                Err(unavailable) => {
                    tracing::warn!(cause = %unavailable.cause(), "a token cannot be verified now");
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
