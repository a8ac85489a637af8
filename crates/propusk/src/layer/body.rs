//! A response body that is either the inner service's or the layer's own.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;
use pin_project_lite::pin_project;
use tokio_util::sync::WaitForCancellationFutureOwned;

use super::{exchange::Exchange, sessions::SessionUse, streams::StreamUse};
use crate::{audit::Ending, rules::Hold};

pin_project! {
    /// The body of a response that passed an [`AuthLayer`](super::AuthLayer).
    pub struct AuthBody<B> {
        #[pin]
        kind: Kind<B>,
        ties: Option<Box<Ties>>,
        exchange: Exchange,
    }
}

pin_project! {
    #[project = KindProjection]
    enum Kind<B> {
        Inner { #[pin] body: B },
        Own { #[pin] body: Full<Bytes> },
    }
}

/// What rules hold for a request: the answer keeps it, and the request as long as it is worked on.
pub(super) type Holds = Vec<Arc<[Hold]>>;

/// What a body hangs on: when one of them ends, the body ends, cleanly, as if the service behind
/// had nothing more to say. And what is kept for as long as it lasts.
pub(super) struct Ties {
    ends: Vec<Pin<Box<WaitForCancellationFutureOwned>>>,
    _session: Option<SessionUse>,
    _stream: Option<StreamUse>,
    _holds: Holds,
}

impl Ties {
    /// `None` where there is nothing to hang on and nothing to keep.
    pub(super) fn of(
        session: Option<SessionUse>,
        stream: Option<StreamUse>,
        holds: Holds,
    ) -> Option<Box<Self>> {
        let session_end = session.as_ref().map(SessionUse::ended);
        let ends = session_end
            .into_iter()
            .chain(stream.as_ref().map(StreamUse::ended));
        let ends: Vec<_> = ends
            .map(|end| Box::pin(end.clone().cancelled_owned()))
            .collect();
        (!ends.is_empty() || !holds.is_empty()).then(|| {
            Box::new(Self {
                ends,
                _session: session,
                _stream: stream,
                _holds: holds,
            })
        })
    }

    fn has_ended(&mut self, cx: &mut Context<'_>) -> bool {
        self.ends
            .iter_mut()
            .any(|end| end.as_mut().poll(cx).is_ready())
    }
}

impl<B> AuthBody<B> {
    pub(super) fn inner(body: B, ties: Option<Box<Ties>>) -> Self {
        Self {
            kind: Kind::Inner { body },
            ties,
            exchange: Exchange::default(),
        }
    }

    /// Keeps this until the body has ended.
    pub(super) fn keeping(mut self, hold: Hold) -> Self {
        match &mut self.ties {
            Some(ties) => ties._holds.push(Arc::new([hold])),
            None => self.ties = Ties::of(None, None, vec![Arc::new([hold])]),
        }
        self
    }

    pub(crate) fn own(body: Full<Bytes>) -> Self {
        Self {
            kind: Kind::Own { body },
            ties: None,
            exchange: Exchange::default(),
        }
    }
}

impl<B: Body<Data = Bytes>> AuthBody<B> {
    /// The same body, with somebody who wants to know how it ends.
    pub(super) fn tells(mut self, mut exchange: Exchange) -> Self {
        if self.is_end_stream() {
            exchange.ends(Ending::Complete);
        }
        self.exchange = exchange;
        self
    }
}

/// Empty, as the answer to a preflight is.
impl<B> Default for AuthBody<B> {
    fn default() -> Self {
        Self::own(Full::default())
    }
}

impl<B: Body<Data = Bytes>> Body for AuthBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let mut this = self.project();
        if this.ties.as_mut().is_some_and(|ties| ties.has_ended(cx)) {
            // Dropping the inner body tells the service behind that nobody listens any more.
            this.kind.set(Kind::Own {
                body: Full::default(),
            });
            *this.ties = None;
        }
        let (frame, was_last) = match this.kind.project() {
            KindProjection::Inner { mut body } => {
                (ready!(body.as_mut().poll_frame(cx)), body.is_end_stream())
            }
            KindProjection::Own { mut body } => {
                let frame = ready!(body.as_mut().poll_frame(cx));
                let frame = frame.map(|frame| frame.map_err(|never| match never {}));
                (frame, body.is_end_stream())
            }
        };
        if let Some(Ok(frame)) = &frame {
            this.exchange.passes(frame.data_ref().map_or(0, Bytes::len));
        }
        if was_last || !matches!(frame, Some(Ok(_))) {
            this.exchange.ends(match &frame {
                Some(Err(_)) => Ending::Broken,
                _ => Ending::Complete,
            });
            // Whoever sends it may keep it for a while after its end.
            *this.ties = None;
        }
        if matches!(frame, None | Some(Err(_))) {
            // Whoever sends it may keep it for a while after its end.
            *this.ties = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Inner { body } => body.is_end_stream(),
            Kind::Own { body } => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Inner { body } => body.size_hint(),
            Kind::Own { body } => body.size_hint(),
        }
    }
}
