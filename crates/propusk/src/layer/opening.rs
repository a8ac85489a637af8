//! A request that may open a 2025-11-25 session, and whose client goes away before the answer.
//!
//! The service behind may have opened the session by then. Its id is in an answer that nobody would
//! read, so that no limit could ever end it. The rest of the call is therefore finished, and what it
//! has opened is closed. Where its body has been read and asks for something else, it opens nothing
//! and ends with its client.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use http::Response;
use tokio::{runtime::Handle, time::timeout};

use super::sessions::Sessions;

/// An opening that takes longer is dropped. rmcp then closes its session itself, since its answer
/// finds nobody.
const PATIENCE: Duration = Duration::from_secs(60);

/// A call of the service behind, which is not lost when it is dropped half way.
pub(super) struct Opening<F, B, E>
where
    F: Future<Output = Result<Response<B>, E>> + Send + 'static,
    B: Send + 'static,
    E: Send + 'static,
{
    /// `None` once it has ended.
    call: Option<Pin<Box<F>>>,
    sessions: Arc<Sessions>,
}

impl<F, B, E> Opening<F, B, E>
where
    F: Future<Output = Result<Response<B>, E>> + Send + 'static,
    B: Send + 'static,
    E: Send + 'static,
{
    pub(super) fn new(call: F, sessions: &Arc<Sessions>) -> Self {
        Self {
            call: Some(Box::pin(call)),
            sessions: Arc::clone(sessions),
        }
    }
}

impl<F, B, E> Future for Opening<F, B, E>
where
    F: Future<Output = Result<Response<B>, E>> + Send + 'static,
    B: Send + 'static,
    E: Send + 'static,
{
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        // Taken out, so that a call that panics is not polled again when this is dropped.
        let Some(mut call) = self.call.take() else {
            return Poll::Pending;
        };
        let polled = call.as_mut().poll(cx);
        if polled.is_pending() {
            self.call = Some(call);
        }
        polled
    }
}

impl<F, B, E> Drop for Opening<F, B, E>
where
    F: Future<Output = Result<Response<B>, E>> + Send + 'static,
    B: Send + 'static,
    E: Send + 'static,
{
    fn drop(&mut self) {
        // Outside of a runtime nothing serves any session either.
        if let (Some(call), Ok(runtime)) = (self.call.take(), Handle::try_current()) {
            let sessions = Arc::clone(&self.sessions);
            runtime.spawn(async move {
                if let Ok(Ok(response)) = timeout(PATIENCE, call).await {
                    sessions.discard(response.headers());
                }
            });
        }
    }
}
