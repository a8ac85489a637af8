//! The body of a request that passed the layer: read already, or not.

use std::{
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;
use pin_project_lite::pin_project;

pin_project! {
    /// The body of a request that passed an [`AuthLayer`](super::AuthLayer): the same bytes, which
    /// the layer may have read to decide about them.
    pub struct RequestBody<B> {
        #[pin]
        kind: Kind<B>,
    }
}

pin_project! {
    #[project = KindProjection]
    enum Kind<B> {
        Untouched { #[pin] body: B },
        Read { #[pin] body: Full<Bytes> },
    }
}

impl<B> RequestBody<B> {
    pub(super) fn untouched(body: B) -> Self {
        Self {
            kind: Kind::Untouched { body },
        }
    }

    pub(super) fn read(bytes: Bytes) -> Self {
        Self {
            kind: Kind::Read {
                body: Full::new(bytes),
            },
        }
    }
}

/// A body could not be read.
pub(super) enum Unreadable<B> {
    /// It is longer than it may be; this is the rest.
    TooLong(Pin<Box<B>>),
    /// The connection broke.
    Broken,
}

/// Reads a whole body of at most `most` bytes, whatever length it announces.
pub(super) async fn whole<B: Body<Data = Bytes>>(
    body: B,
    most: usize,
) -> Result<Bytes, Unreadable<B>> {
    let mut body = Box::pin(body);
    if body.size_hint().lower() > most as u64 {
        return Err(Unreadable::TooLong(body));
    }
    let (mut first, mut all) = (Bytes::new(), BytesMut::new());
    while let Some(frame) = poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
        let frame = frame.map_err(|_| Unreadable::Broken)?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if data.len() > most - first.len() - all.len() {
            return Err(Unreadable::TooLong(body));
        }
        // Most messages come in one piece, which is then not copied.
        if first.is_empty() && all.is_empty() {
            first = data;
        } else {
            all.extend_from_slice(&std::mem::take(&mut first));
            all.extend_from_slice(&data);
        }
    }
    Ok(if all.is_empty() { first } else { all.freeze() })
}

impl<B: Body<Data = Bytes>> Body for RequestBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        match self.project().kind.project() {
            KindProjection::Untouched { body } => body.poll_frame(cx),
            KindProjection::Read { body } => body.poll_frame(cx).map_err(|never| match never {}),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Untouched { body } => body.is_end_stream(),
            Kind::Read { body } => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Untouched { body } => body.size_hint(),
            Kind::Read { body } => body.size_hint(),
        }
    }
}
