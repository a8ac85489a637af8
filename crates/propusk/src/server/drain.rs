//! Ending well: calls in flight finish, streams end, and then the process may go.

use std::{
    future::Future,
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio_util::{
    sync::CancellationToken,
    task::{TaskTracker, task_tracker::TaskTrackerToken},
};

/// Shared by all requests of a server.
#[derive(Clone)]
pub(super) struct Drain {
    calls: TaskTracker,
    streams: CancellationToken,
    draining: Arc<AtomicBool>,
    timeout: Duration,
}

impl Drain {
    pub(super) fn new(timeout: Duration) -> Self {
        Self {
            calls: TaskTracker::new(),
            streams: CancellationToken::new(),
            draining: Arc::default(),
            timeout,
        }
    }

    pub(super) fn set_timeout(&mut self, timeout: Duration) {
        self.timeout = timeout;
    }

    /// Cancelled when streams and sessions are to end.
    pub(super) fn streams(&self) -> CancellationToken {
        self.streams.clone()
    }

    pub(super) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Marks a call as in flight for as long as the token lives.
    pub(super) fn call(&self) -> TaskTrackerToken {
        self.calls.token()
    }

    /// Says that no new work is accepted.
    pub(super) fn begin(&self) {
        self.draining.store(true, Ordering::Relaxed);
        self.calls.close();
    }

    /// Waits for calls in flight, but not for ever, and then ends the streams.
    pub(super) async fn finish_calls(&self) {
        if tokio::time::timeout(self.timeout, self.calls.wait())
            .await
            .is_err()
        {
            tracing::warn!(
                calls = self.calls.len(),
                "calls did not finish in time and are cut off"
            );
        }
        self.streams.cancel();
    }
}

/// A future that completes at the first SIGINT or SIGTERM, for [`Server::serve_on`](super::Server::serve_on).
///
/// # Errors
/// The signals cannot be listened to.
pub fn signal() -> io::Result<impl Future<Output = ()> + Send> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let (mut interrupt, mut terminate) = (
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
        );
        Ok(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        })
    }
    #[cfg(not(unix))]
    Ok(async {
        // Without a handler the process ends at once, which is an end too.
        let _ = tokio::signal::ctrl_c().await;
    })
}

pin_project! {
    /// A response body that counts as a call in flight until it ends or is dropped.
    pub(super) struct InFlight<B> {
        #[pin]
        body: B,
        call: Option<TaskTrackerToken>,
    }
}

impl<B> InFlight<B> {
    pub(super) fn new(body: B, call: Option<TaskTrackerToken>) -> Self {
        Self { body, call }
    }
}

impl<B: Body> Body for InFlight<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        self.project().body.poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
