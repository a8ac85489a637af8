//! The thread that writes the lines, and what it does when they cannot be written.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::{Duration, SystemTime},
};

use super::{line, queue::Queue};

/// How long lines are gathered after some have been written: to wake this thread for each of them
/// would cost a request more than its line.
const GATHER: Duration = Duration::from_millis(1);

/// Where the lines go.
pub(super) enum Target {
    /// A file that can be opened again by its name.
    File(PathBuf, File),
    Stream(Box<dyn Write + Send>),
}

impl Target {
    pub(super) fn open(path: PathBuf) -> io::Result<Self> {
        let file = append(&path)?;
        Ok(Self::File(path, file))
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = match self {
            Self::File(_, file) => file.write(bytes)?,
            Self::Stream(stream) => {
                let written = stream.write(bytes)?;
                stream.flush()?;
                written
            }
        };
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        Ok(written)
    }
}

/// A file to append to, which nobody but its owner reads where it is new.
fn append(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

pub(super) struct Writer {
    queue: Arc<Queue>,
    target: Target,
    /// Lines that are being written; empty where all are.
    pending: Vec<u8>,
    /// How much of them is written.
    written: usize,
    failing: bool,
}

impl Writer {
    pub(super) fn new(queue: Arc<Queue>, target: Target) -> Self {
        Self {
            queue,
            target,
            pending: Vec::new(),
            written: 0,
            failing: false,
        }
    }

    /// Writes until the queue is closed.
    pub(super) fn run(self) {
        // Dropped last: the file is closed when the end is told.
        let _ended = Ended(Arc::clone(&self.queue));
        let mut writer = self;
        while writer.go_on() {}
    }

    /// Whether there is more to do.
    fn go_on(&mut self) -> bool {
        let turn = match self.failing {
            false => self.queue.next(),
            true => self.queue.pause(),
        };
        self.take(turn.lines, turn.lost);
        if turn.reopen {
            self.reopen();
        }
        let done = self.write();
        if turn.closing {
            if let Err(error) = done {
                self.give_up(&error);
            }
            return false;
        }
        thread::sleep(GATHER);
        true
    }

    fn take(&mut self, mut lines: Vec<u8>, lost: u64) {
        if lost > 0 {
            lines.extend_from_slice(&line::lost(lost, SystemTime::now()));
        }
        if self.pending.is_empty() {
            self.pending = lines;
        } else {
            self.pending.extend_from_slice(&lines);
        }
    }

    /// Opens the file of this name again. A line of which a part is in the old file begins anew.
    fn reopen(&mut self) {
        let line_start = self.line_start();
        let Target::File(path, file) = &mut self.target else {
            return;
        };
        match append(path) {
            Ok(opened) => {
                *file = opened;
                self.written = line_start;
                tracing::info!(file = %path.display(), "the audit log is opened again");
            }
            Err(error) => tracing::warn!(
                file = %path.display(), %error,
                "the audit log cannot be opened again; the old file is written on"
            ),
        }
    }

    fn line_start(&self) -> usize {
        let written = &self.pending[..self.written];
        let end = written.iter().rposition(|byte| *byte == b'\n');
        end.map_or(0, |end| end + 1)
    }

    /// Writes what is pending. What remains after an error is tried again: a full disk may have
    /// room later.
    fn write(&mut self) -> io::Result<()> {
        while self.written < self.pending.len() {
            match self.target.write(&self.pending[self.written..]) {
                Ok(written) => self.written += written,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.complain(&error);
                    return Err(error);
                }
            }
        }
        self.pending = Vec::new();
        self.written = 0;
        if std::mem::take(&mut self.failing) {
            tracing::info!("the audit log is written again");
        }
        Ok(())
    }

    fn complain(&mut self, error: &io::Error) {
        // The first time always, then not too often.
        if self.queue.may_warn() || !self.failing {
            tracing::warn!(
                %error, lost = self.queue.lost_in_all(),
                "the audit log cannot be written; events wait in memory"
            );
        }
        self.failing = true;
    }

    fn give_up(&self, error: &io::Error) {
        let rest = &self.pending[self.line_start()..];
        let told = br#"{"event":"lost""#;
        let lines = rest
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty());
        let lost = lines.filter(|line| !line.starts_with(told)).count();
        tracing::warn!(%error, lost, "audit events are lost: the audit log cannot be written");
        self.queue.lost(u64::try_from(lost).unwrap_or(u64::MAX));
    }
}

/// Tells the queue that the thread has ended, however it did.
struct Ended(Arc<Queue>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.ended();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// A disk with room for so many bytes at a time.
    #[derive(Clone, Default)]
    struct Disk(Arc<Mutex<(Vec<u8>, usize)>>);

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let (written, room) = &mut *self.0.lock().unwrap();
            let fits = bytes.len().min(*room);
            if fits == 0 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            written.extend_from_slice(&bytes[..fits]);
            *room -= fits;
            Ok(fits)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_that_was_cut_by_a_full_disk_is_continued() {
        let disk = Disk::default();
        let target = Target::Stream(Box::new(disk.clone()));
        let mut writer = Writer::new(Arc::default(), target);
        writer.take(b"one\ntwo\n".to_vec(), 0);
        for room in [2, 0, 3, 1] {
            disk.0.lock().unwrap().1 = room;
            assert!(writer.write().is_err());
        }
        // What came while the disk was full follows, and then how much did not even fit here.
        writer.take(b"three\n".to_vec(), 2);
        disk.0.lock().unwrap().1 = 1_000;
        writer.write().expect("room");
        let text = String::from_utf8(disk.0.lock().unwrap().0.clone()).expect("UTF-8");
        let (lines, lost) = text.split_once('{').expect("a line about the lost");
        assert_eq!(lines, "one\ntwo\nthree\n");
        let lost: serde_json::Value = serde_json::from_str(&format!("{{{lost}")).expect("JSON");
        assert_eq!(
            (&lost["event"], &lost["count"]),
            (&"lost".into(), &2.into())
        );
    }

    #[test]
    fn what_cannot_be_written_at_the_end_is_counted() {
        let disk = Disk::default();
        let queue = Arc::new(Queue::default());
        let mut writer = Writer::new(Arc::clone(&queue), Target::Stream(Box::new(disk.clone())));
        writer.take(b"one\ntwo\nthree\n".to_vec(), 5);
        disk.0.lock().unwrap().1 = 6;
        let error = writer.write().expect_err("no room");
        writer.give_up(&error);
        // The second line is cut, the third is not there; the five were counted before.
        assert_eq!(queue.lost_in_all(), 2);
    }

    #[test]
    fn a_line_that_was_cut_begins_anew_in_a_new_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("audit.jsonl");
        let target = Target::open(path.clone()).expect("opened");
        let mut writer = Writer::new(Arc::default(), target);
        writer.take(b"one\ntwo\n".to_vec(), 0);
        // So far it had come when the disk was full.
        writer.written = 6;
        std::fs::rename(&path, folder.path().join("old")).expect("renamed");
        writer.reopen();
        writer.write().expect("room");
        assert_eq!(std::fs::read(&path).expect("readable"), b"two\n");
    }
}
