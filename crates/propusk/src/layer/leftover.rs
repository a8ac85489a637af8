//! What a request that was refused before its end still sends.
//!
//! Clients send head and body one after the other. An HTTP/1.1 server that has answered, and whose
//! service wants no body, closes the connection where the body is not there yet: the client loses the
//! refusal, or meets a dead connection with its next request. So the body is taken and thrown away,
//! within bounds, while the answer is on its way.

use std::{future::poll_fn, pin::pin, time::Duration};

use bytes::{Buf, Bytes};
use http::{HeaderMap, header::EXPECT};
use http_body::Body;
use tokio::{runtime::Handle, time::timeout};

/// Long enough for what a client had sent already when it was refused.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// Of a body that is too long so much more is taken: clients often write all before they read.
const LEAST: usize = 1024 * 1024;
const TIMES: usize = 4;

/// Takes at most `most` bytes of a body that nobody wants, and does not wait for it.
pub(super) fn throw_away<B>(headers: &HeaderMap, body: B, most: usize)
where
    B: Body<Data = Bytes> + Send + 'static,
{
    if body.size_hint().lower() <= most as u64 {
        drain(headers, body, most);
    }
}

/// The same for a body that has turned out to be longer than `most`. What is far too long is given up
/// in the end; whoever reads while it writes has the answer by then.
pub(super) fn throw_away_the_rest<B>(headers: &HeaderMap, body: B, most: usize)
where
    B: Body<Data = Bytes> + Send + 'static,
{
    drain(headers, body, LEAST.max(most.saturating_mul(TIMES)));
}

fn drain<B>(headers: &HeaderMap, body: B, most: usize)
where
    B: Body<Data = Bytes> + Send + 'static,
{
    if body.is_end_stream() || is_kept(headers) {
        return;
    }
    if let Ok(runtime) = Handle::try_current() {
        // Whether it ends in time or not: then it is dropped, and the connection closes.
        runtime.spawn(async move { timeout(PATIENCE, take(body, most)).await });
    }
}

/// Whether the client keeps its body where it is refused: who expects `100 Continue` does (RFC 9110
/// §10.1.1), and to read from that body would ask for it.
pub(super) fn is_kept(headers: &HeaderMap) -> bool {
    headers.contains_key(EXPECT)
}

async fn take<B: Body<Data = Bytes>>(body: B, most: usize) {
    let mut body = pin!(body);
    let mut taken = 0;
    while let Some(Ok(frame)) = poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
        taken += frame.data_ref().map_or(0, Buf::remaining);
        if taken > most {
            return;
        }
    }
}
