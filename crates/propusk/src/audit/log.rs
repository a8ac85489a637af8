//! Events as JSON lines in a file.

use std::{fmt, io, io::Write, path::PathBuf, sync::Arc, thread::Builder, time::Duration};

use super::{
    AuditEvent, AuditSink, Decision, Finished, line,
    queue::Queue,
    writer::{Target, Writer},
};

/// How long the end of the program is held up for what is not yet written.
const PATIENCE: Duration = Duration::from_secs(5);

/// Writes each event as one line of JSON, from a thread of its own: no request waits for a disk.
///
/// Up to 4 MiB of lines wait in memory. Where they do not fit, or the disk is full, events are
/// counted, a warning is logged, and a line `{"event":"lost","time":…,"count":n}` stands in their
/// place once the file can be written again. Lines are handed to the operating system within some
/// milliseconds and are not synced to the disk.
///
/// | key | value | there |
/// |---|---|---|
/// | `event` | `decision` | always |
/// | `time` | RFC 3339, UTC | always |
/// | `decision` | `allowed` or `refused` | always |
/// | `reason` | one word, see [`AuditEvent::reason`] | always |
/// | `operation` | `request`, `tools/list`, `tools/call:echo`, at most 512 characters | always |
/// | `http_method` | `POST` | always |
/// | `issuer`, `subject`, `client_id`, `token_id` | of the token, never the token | if known |
/// | `needed`, `missing` | lists of scopes | of a refusal for scopes |
/// | `request_id` | see [`RequestId`](super::RequestId) | always |
/// | `rpc_id` | the id of the JSON-RPC request | if the body was read |
/// | `remote` | address and port of the peer, or of whom a trusted proxy names | if known |
/// | `certificate` | `subject` and `sha256` of the client's certificate | if it showed one |
/// | `verifier`, `verifier_us` | `valid`, `invalid` or `unavailable`, and microseconds | if asked |
/// | `upstream` | its name | where there is one |
///
/// What an upstream answered has a second line with the same `request_id`, written when the answer
/// has been taken: `event` is `finished`, with `time`, `upstream`, `operation`, `request_id`, `rpc_id`
/// and
///
/// | key | value | there |
/// |---|---|---|
/// | `status` | of the answer | if there was one |
/// | `ending` | `complete`, `broken` (by the upstream) or `abandoned` (by the client) | always |
/// | `bytes` | of the answer's body that were taken | always |
/// | `duration_ms` | milliseconds from the request's head to the end of the answer | always |
///
/// Copies write to the same file. The last one that is dropped closes it, as [`AuditLog::close`]
/// does.
#[derive(Clone)]
pub struct AuditLog(Arc<Closing>);

/// Closes when the last handle goes.
struct Closing(Arc<Queue>);

impl AuditLog {
    /// Appends to this file, which is made (with mode 0600) where it is not there.
    ///
    /// # Errors
    /// The file cannot be opened, or no thread be started.
    pub fn open(path: impl Into<PathBuf>) -> io::Result<Self> {
        Self::start(Target::open(path.into())?)
    }

    /// Writes to something else that is not a file by name, such as stdout.
    ///
    /// # Errors
    /// No thread can be started.
    pub fn to_writer(writer: impl Write + Send + 'static) -> io::Result<Self> {
        Self::start(Target::Stream(Box::new(writer)))
    }

    fn start(target: Target) -> io::Result<Self> {
        let queue = Arc::new(Queue::default());
        let writer = Writer::new(Arc::clone(&queue), target);
        Builder::new()
            .name("propusk-audit".to_owned())
            .spawn(|| writer.run())?;
        Ok(Self(Arc::new(Closing(queue))))
    }

    /// Opens the file of this name again, as a rotation of logs needs it: rename the file, then call
    /// this (the command line does at SIGHUP). Returns at once; no line is lost in between.
    pub fn reopen(&self) {
        self.0.0.reopen();
    }

    /// How many events are not in the file and never will be, since the start.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.0.0.lost_in_all()
    }

    /// Writes what is waiting and ends; blocks for at most five seconds. Later events are lost.
    pub fn close(&self) {
        self.0.close();
    }
}

impl Closing {
    fn close(&self) {
        if !self.0.close(PATIENCE) {
            tracing::warn!("the audit log was not written to its end in time");
        }
    }
}

impl Drop for Closing {
    fn drop(&mut self) {
        self.close();
    }
}

impl AuditSink for AuditLog {
    fn record(&self, event: &AuditEvent<'_>) {
        match line::line(event) {
            Ok(line) => self.0.0.push(&line),
            Err(_) => self.0.0.lost(1),
        }
    }

    /// An answer that an upstream gave has a second line, since the first was written before it was
    /// asked. A refusal is over with its own.
    fn finished(&self, end: &Finished<'_>) {
        if end.upstream().is_none() || end.decision() == Decision::Refused {
            return;
        }
        match line::ended(end, end.began() + end.duration()) {
            Ok(line) => self.0.0.push(&line),
            Err(_) => self.0.0.lost(1),
        }
    }

    fn wants_ends(&self) -> bool {
        true
    }
}

impl fmt::Debug for AuditLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditLog")
            .field("lost", &self.lost())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        collections::HashSet,
        fs,
        path::Path,
        sync::mpsc::{Receiver, Sender, channel},
        time::{Instant, SystemTime},
    };

    use serde_json::Value;

    use super::*;
    use crate::{
        AccessToken,
        audit::{event::Facts, event::tests::facts},
    };

    /// Records an event about this subject.
    fn record(log: &AuditLog, subject: &str) {
        let facts = Facts {
            token: Some(AccessToken::new(subject)),
            ..facts()
        };
        log.record(&AuditEvent {
            time: SystemTime::UNIX_EPOCH,
            facts: &facts,
            cause: None,
            hierarchy: &crate::ScopeHierarchy::default(),
            upstream: None,
        });
    }

    fn lines(text: &str) -> Vec<Value> {
        assert!(text.is_empty() || text.ends_with('\n'), "whole lines");
        let json = |line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
        text.lines().map(json).collect()
    }

    fn subjects(path: &Path) -> Vec<String> {
        let text = fs::read_to_string(path).expect("readable");
        let subject = |line: &Value| line["subject"].as_str().expect("one").to_owned();
        lines(&text).iter().map(subject).collect()
    }

    fn soon(what: &str, mut done: impl FnMut() -> bool) {
        let began = Instant::now();
        while !done() {
            assert!(began.elapsed() < Duration::from_secs(60), "{what}");
            std::thread::yield_now();
        }
    }

    #[test]
    fn every_event_is_a_line_at_once_and_in_order() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("audit.jsonl");
        fs::write(&path, "{\"subject\":\"before\"}\n").expect("written");
        let log = AuditLog::open(&path).expect("opened");
        record(&log, "a");
        soon("the line", || subjects(&path) == ["before", "a"]);
        record(&log, "b\n");
        record(&log.clone(), "c");
        log.close();
        assert_eq!(subjects(&path), ["before", "a", "b\n", "c"]);
        assert_eq!(log.lost(), 0);
        record(&log, "late");
        assert_eq!((log.lost(), subjects(&path).len()), (1, 4));
    }

    #[cfg(unix)]
    #[test]
    fn a_new_file_is_for_its_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("audit.jsonl");
        let _log = AuditLog::open(&path).expect("opened");
        let mode = || fs::metadata(&path).expect("there").permissions().mode() & 0o777;
        assert_eq!(mode(), 0o600);
        AuditLog::open(folder.path()).expect_err("a folder is no file");
    }

    /// What `logrotate` does without `copytruncate`.
    #[test]
    fn a_rotation_loses_no_line() {
        const EVENTS: usize = 5_000;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("audit.jsonl");
        let log = AuditLog::open(&path).expect("opened");
        let recording = {
            let log = log.clone();
            std::thread::spawn(move || {
                for number in 0..EVENTS {
                    record(&log, &number.to_string());
                }
            })
        };
        let mut files = vec![path.clone()];
        while !recording.is_finished() || files.len() < 3 {
            let old = folder.path().join(format!("audit.{}", files.len()));
            fs::rename(&path, &old).expect("renamed");
            files.push(old);
            log.reopen();
            soon("the new file", || path.exists());
        }
        recording.join().expect("no panic");
        log.close();
        let all: Vec<String> = files.iter().flat_map(|file| subjects(file)).collect();
        assert_eq!((all.len(), log.lost()), (EVENTS, 0));
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), EVENTS);
    }

    #[test]
    fn a_name_that_cannot_be_opened_again_leaves_the_old_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("audit.jsonl");
        let moved = folder.path().join("moved");
        let log = AuditLog::open(&path).expect("opened");
        fs::rename(&path, &moved).expect("renamed");
        fs::create_dir(&path).expect("in the way");
        log.reopen();
        record(&log, "a");
        soon("the line", || subjects(&moved) == ["a"]);
    }

    /// `/dev/full` takes nothing; then the operator makes room.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_loses_nothing_that_fits_into_memory() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("audit.jsonl");
        std::os::unix::fs::symlink("/dev/full", &path).expect("a link");
        let log = AuditLog::open(&path).expect("opened");
        for subject in ["a", "b", "c"] {
            record(&log, subject);
        }
        soon("a complaint", || log.0.0.has_warned());
        fs::remove_file(&path).expect("removed");
        log.reopen();
        soon("the new file", || {
            path.exists() && !subjects(&path).is_empty()
        });
        record(&log, "d");
        log.close();
        assert_eq!(subjects(&path), ["a", "b", "c", "d"]);
        assert_eq!(log.lost(), 0);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_a_full_disk_never_took_is_counted() {
        let log = AuditLog::open("/dev/full").expect("opened");
        for subject in ["a", "b", "c"] {
            record(&log, subject);
        }
        log.close();
        assert_eq!(log.lost(), 3);
    }

    /// Says when it is written to, and waits.
    struct Stuck {
        written: Arc<std::sync::Mutex<Vec<u8>>>,
        entered: Sender<()>,
        go_on: Receiver<()>,
    }

    impl Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.entered.send(());
            let _ = self.go_on.recv();
            self.written.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_disk_that_hangs_holds_nobody_up_and_the_lost_are_told() {
        let (entered, hangs) = channel();
        let (release, go_on) = channel();
        let written = Arc::default();
        let log = AuditLog::to_writer(Stuck {
            written: Arc::clone(&written),
            entered,
            go_on,
        });
        let log = log.expect("started");
        record(&log, "first");
        hangs.recv().expect("it is written to");
        let mut recorded = 1;
        // Nothing is written meanwhile, so this ends only because nobody waits.
        while log.lost() < 10 {
            record(&log, "more");
            recorded += 1;
        }
        drop(release);
        log.close();
        let text = String::from_utf8(written.lock().unwrap().clone()).expect("UTF-8");
        let lines = lines(&text);
        let (last, events) = lines.split_last().expect("lines");
        assert_eq!(
            (&last["event"], &last["count"]),
            (&"lost".into(), &10.into())
        );
        assert!(events.iter().all(|line| line["event"] == "decision"));
        assert_eq!(events.len() + 10, recorded);
    }

    /// A disk that is full until somebody makes room.
    #[derive(Clone, Default)]
    struct Full(Arc<std::sync::Mutex<Option<Vec<u8>>>>);

    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut room = self.0.lock().unwrap();
            let room = room.as_mut().ok_or(io::ErrorKind::StorageFull)?;
            room.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_is_waiting_is_written_when_the_last_handle_goes() {
        let room = Arc::new(std::sync::Mutex::new(Some(Vec::new())));
        let log = AuditLog::to_writer(Full(Arc::clone(&room))).expect("started");
        let other = log.clone();
        drop(log);
        for number in 0..1_000 {
            record(&other, &number.to_string());
        }
        drop(other);
        let room = Arc::into_inner(room).expect("the writer is closed");
        let written = room.into_inner().unwrap().expect("there was room");
        assert_eq!(
            lines(&String::from_utf8(written).expect("UTF-8")).len(),
            1_000
        );
    }

    #[test]
    fn it_tries_again_by_itself() {
        let disk = Full::default();
        let log = AuditLog::to_writer(disk.clone()).expect("started");
        record(&log, "a");
        soon("a complaint", || log.0.0.has_warned());
        *disk.0.lock().unwrap() = Some(Vec::new());
        soon("the line", || {
            let written = disk.0.lock().unwrap().clone().expect("there is room");
            lines(&String::from_utf8(written).expect("UTF-8")).len() == 1
        });
        assert_eq!(log.lost(), 0);
    }
}
