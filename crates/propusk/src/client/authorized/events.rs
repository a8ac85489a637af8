//! An event stream, of which no event may be larger than the limit.

use std::{
    fmt,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_core::Stream;
use reqwest::Response;
use sse_stream::SseStream;

use super::Events;

type Chunks = Pin<Box<dyn Stream<Item = reqwest::Result<Bytes>> + Send>>;

/// The events of a response. Where one is too large, the flag is set and the stream ends.
pub(super) fn of(response: Response, limit: usize, oversized: &Arc<AtomicBool>) -> Events {
    Box::pin(SseStream::from_bytes_stream(Bounded {
        bytes: Box::pin(response.bytes_stream()),
        size: Size::default(),
        limit,
        oversized: Arc::clone(oversized),
        ended: false,
    }))
}

struct Bounded {
    bytes: Chunks,
    size: Size,
    limit: usize,
    oversized: Arc<AtomicBool>,
    ended: bool,
}

/// Why an event stream ended.
#[derive(Debug)]
enum Broken {
    TooLarge(usize),
    Connection(reqwest::Error),
}

impl Stream for Bounded {
    type Item = Result<Bytes, Broken>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let limit = self.limit;
        Poll::Ready(match ready!(self.bytes.as_mut().poll_next(cx)) {
            Some(Ok(chunk)) if self.size.stays_below(limit, &chunk) => Some(Ok(chunk)),
            Some(Ok(_)) => {
                self.ended = true;
                self.oversized.store(true, Ordering::Relaxed);
                Some(Err(Broken::TooLarge(limit)))
            }
            Some(Err(error)) => {
                self.ended = true;
                Some(Err(Broken::Connection(error.without_url())))
            }
            None => None,
        })
    }
}

/// How much of an event has come. A blank line ends one; comments are not kept by anybody.
#[derive(Debug, Default)]
struct Size {
    kept: usize,
    line: usize,
    is_comment: bool,
    after_return: bool,
}

impl Size {
    fn stays_below(&mut self, limit: usize, chunk: &[u8]) -> bool {
        for byte in chunk {
            let after_return = std::mem::replace(&mut self.after_return, *byte == b'\r');
            match byte {
                // The second half of a CRLF.
                b'\n' if after_return => {}
                b'\n' | b'\r' => self.end_line(),
                _ => {
                    if self.line == 0 {
                        self.is_comment = *byte == b':';
                    }
                    self.line += 1;
                }
            }
            if self.kept + self.line > limit {
                return false;
            }
        }
        true
    }

    fn end_line(&mut self) {
        if self.line == 0 {
            self.kept = 0;
        } else if !self.is_comment {
            self.kept += self.line + 1;
        }
        self.line = 0;
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge(limit) => write!(f, "an event of more than {limit} bytes"),
            Self::Connection(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Broken {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_bounded_and_a_stream_is_not() {
        let line = format!("data: {}", "x".repeat(94));
        let comment = format!(":{}\n", "x".repeat(80));
        let table = [
            (format!("{line}\n\n").repeat(100), true),
            (format!("{line}\r\n\r\n").repeat(100), true),
            (format!("{line}\r\r").repeat(100), true),
            (comment.repeat(100), true),
            (format!("{line}xx"), false),
            (format!("{line}\ndata: x\n\n"), false),
            (format!("{line}\r\ndata: x\r\n"), false),
            (format!(":{line}{line}"), false),
            ("data:x\n".repeat(20), false),
        ];
        for (text, expected) in table {
            for pieces in [1, 7, text.len()] {
                let mut size = Size::default();
                let fits = |piece| size.stays_below(101, piece);
                let all = text.as_bytes().chunks(pieces).all(fits);
                assert_eq!(all, expected, "{text:?} in pieces of {pieces}");
            }
        }
    }
}
