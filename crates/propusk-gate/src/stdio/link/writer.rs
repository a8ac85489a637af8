//! Writing to a child, which may not read.
//!
//! A child that reads nothing is found out by its pipe being full: the message that is being written
//! then gets so much time, and no other one is ever begun after a part of it. The child is taken for
//! hanging, and ended.

use std::{io, time::Duration};

use tokio::{
    io::{AsyncWrite, AsyncWriteExt},
    sync::mpsc::Receiver,
    time::timeout,
};

/// Why nothing is written any more.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stopped {
    /// The child has closed its input.
    Closed,
    /// It has not read a message in this time.
    Unread(Duration),
}

/// Writes lines, each within a limit, until the child takes no more. Dropped, it leaves a line as it is.
pub(super) async fn write(
    lines: &mut Receiver<String>,
    mut child: impl AsyncWrite + Unpin,
    limit: Duration,
) -> Stopped {
    while let Some(mut line) = lines.recv().await {
        line.push('\n');
        let writing = async {
            child.write_all(line.as_bytes()).await?;
            child.flush().await
        };
        match timeout(limit, writing).await {
            Ok(Ok(())) => {}
            Ok(Err::<(), io::Error>(_)) => return Stopped::Closed,
            Err(_) => return Stopped::Unread(limit),
        }
    }
    Stopped::Closed
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, duplex},
        sync::mpsc,
    };

    use super::*;

    #[tokio::test]
    async fn nothing_follows_a_message_that_was_not_read_to_its_end() {
        let (lines, mut waiting) = mpsc::channel(8);
        for line in ["one", "two, which has no room", "three"] {
            lines.send(line.to_owned()).await.unwrap();
        }
        let (child, mut reads) = duplex(10);
        let limit = Duration::from_millis(20);
        let stopped = write(&mut waiting, child, limit).await;
        assert_eq!(stopped, Stopped::Unread(limit));
        let mut text = String::new();
        reads.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "one\ntwo, w");
    }

    #[tokio::test]
    async fn a_child_that_reads_gets_all() {
        let (lines, mut waiting) = mpsc::channel(8);
        let (child, mut reads) = duplex(4);
        for line in ["one", "two", "three"] {
            lines.send(line.to_owned()).await.unwrap();
        }
        drop(lines);
        let mut text = String::new();
        let (stopped, _) = tokio::join!(
            write(&mut waiting, child, Duration::from_secs(20)),
            reads.read_to_string(&mut text)
        );
        assert_eq!(stopped, Stopped::Closed);
        assert_eq!(text, "one\ntwo\nthree\n");
    }
}
