//! A body that says one thing, and may then stay open.

use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// How often a stream in which nothing happens shows that it lives: proxies cut what is silent for
/// a minute, and a server notices a client that went away when it writes.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// One text; as an event stream it goes on with comments until somebody ends it.
pub(super) struct Events {
    first: Option<Bytes>,
    open: Option<Open>,
}

struct Open {
    comments: Interval,
    end: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl Events {
    /// This and the end.
    pub(super) fn only(text: Bytes) -> Self {
        Self {
            first: Some(text),
            open: None,
        }
    }

    /// This, and then nothing until the end. Needs a tokio runtime with timers.
    pub(super) fn open(text: Bytes, end: CancellationToken) -> Self {
        Self::alive_every(KEEP_ALIVE, text, end)
    }

    fn alive_every(pause: Duration, text: Bytes, end: CancellationToken) -> Self {
        let mut comments = interval_at(Instant::now() + pause, pause);
        comments.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let end = Box::pin(end.cancelled_owned());
        Self {
            first: Some(text),
            open: Some(Open { comments, end }),
        }
    }
}

impl Body for Events {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(Frame::data(first))));
        }
        let Some(open) = &mut self.open else {
            return Poll::Ready(None);
        };
        if open.end.as_mut().poll(cx).is_ready() {
            self.open = None;
            return Poll::Ready(None);
        }
        ready!(open.comments.poll_tick(cx));
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b":\n\n")))))
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_none() && self.open.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        match (&self.open, &self.first) {
            (None, first) => SizeHint::with_exact(first.as_ref().map_or(0, |f| f.len() as u64)),
            (Some(_), _) => SizeHint::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test]
    async fn a_stream_shows_that_it_lives_until_it_ends() {
        let end = CancellationToken::new();
        let mut events = Events::alive_every(Duration::from_millis(5), "event".into(), end.clone());
        for expected in ["event", ":\n\n", ":\n\n"] {
            let frame = events.frame().await.expect("it goes on").expect("no error");
            assert_eq!(frame.into_data().expect("data"), expected);
        }
        end.cancel();
        assert!(events.frame().await.is_none() && events.is_end_stream());
    }
}
