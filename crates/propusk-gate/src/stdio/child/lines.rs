//! Lines of a stream, none longer than a limit.

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};

/// How much of the two ends of a line that is too long is kept.
const END: usize = 256;

/// Reads lines, and lets none of them fill the memory.
pub(in crate::stdio) struct Lines<R> {
    stream: BufReader<R>,
    line: Vec<u8>,
    limit: usize,
}

/// What was read.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::stdio) enum Line {
    /// A whole line, without its end.
    Whole(Vec<u8>),
    /// A line beyond the limit: its first and its last bytes.
    TooLong { head: Vec<u8>, tail: Vec<u8> },
}

impl<R: AsyncRead + Unpin> Lines<R> {
    pub(in crate::stdio) fn new(stream: R, limit: usize) -> Self {
        Self {
            stream: BufReader::with_capacity(64 * 1024, stream),
            line: Vec::new(),
            limit,
        }
    }

    /// The next line; `None` when the stream has ended or failed.
    pub(in crate::stdio) async fn next(&mut self) -> Option<Line> {
        loop {
            let available = self.stream.fill_buf().await.ok()?;
            if available.is_empty() {
                return None;
            }
            let end = available.iter().position(|byte| *byte == b'\n');
            let taken = end.unwrap_or(available.len());
            self.line.extend_from_slice(&available[..taken]);
            self.stream.consume(end.map_or(taken, |end| end + 1));
            let too_long = self.line.len() > self.limit;
            if end.is_some() && !too_long {
                let mut line = std::mem::take(&mut self.line);
                if line.last() == Some(&b'\r') {
                    line.pop();
                }
                return Some(Line::Whole(line));
            }
            if too_long {
                return self.skip(end.is_some()).await;
            }
        }
    }

    async fn skip(&mut self, mut ended: bool) -> Option<Line> {
        let line = std::mem::take(&mut self.line);
        let head = line[..END.min(line.len())].to_vec();
        let mut tail = last(&line).to_vec();
        drop(line);
        while !ended {
            let available = self.stream.fill_buf().await.ok()?;
            if available.is_empty() {
                return None;
            }
            let end = available.iter().position(|byte| *byte == b'\n');
            let taken = end.unwrap_or(available.len());
            tail.extend_from_slice(last(&available[..taken]));
            tail = last(&tail).to_vec();
            self.stream.consume(end.map_or(taken, |end| end + 1));
            ended = end.is_some();
        }
        Some(Line::TooLong { head, tail })
    }
}

fn last(bytes: &[u8]) -> &[u8] {
    &bytes[bytes.len().saturating_sub(END)..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_line_beyond_the_limit_is_skipped_and_the_next_one_is_read() {
        let long = format!("{}{}", "a".repeat(400), "b".repeat(300_000));
        let text = format!("one\r\n{long}\ntwo\n\nthe end is missing");
        let mut lines = Lines::new(text.as_bytes(), 1000);
        assert_eq!(lines.next().await, Some(Line::Whole(b"one".to_vec())));
        let skipped = Line::TooLong {
            head: vec![b'a'; END],
            tail: vec![b'b'; END],
        };
        assert_eq!(lines.next().await, Some(skipped));
        assert_eq!(lines.next().await, Some(Line::Whole(b"two".to_vec())));
        assert_eq!(lines.next().await, Some(Line::Whole(Vec::new())));
        assert_eq!(lines.next().await, None);
    }
}
