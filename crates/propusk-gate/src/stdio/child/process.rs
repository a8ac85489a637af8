//! One child process and all that it starts: they form a process group, and end together.

use std::{io, time::Duration};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    process::{Child, ChildStdin, ChildStdout},
    task::JoinHandle,
    time::timeout,
};

use super::{
    super::{StdioCommand, watchdog::Watched},
    log,
};

/// A running child.
///
/// Dropped without [`end`](Self::end), the whole group is killed at once.
#[derive(Debug)]
pub(in crate::stdio) struct Process {
    child: Child,
    group: Group,
    log: JoinHandle<()>,
}

/// The streams of a child.
pub(in crate::stdio) struct Streams {
    pub(in crate::stdio) input: ChildStdin,
    pub(in crate::stdio) output: ChildStdout,
}

impl Process {
    /// Starts a program as the leader of a group of its own.
    ///
    /// # Errors
    /// The system cannot start it; for example there is no such program.
    pub(in crate::stdio) fn start(
        command: &StdioCommand,
        upstream: &str,
    ) -> io::Result<(Self, Streams)> {
        let mut child = command.build().spawn()?;
        let leader = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        let group = Group::new(leader.ok_or_else(missing)?);
        let input = child.stdin.take().ok_or_else(missing)?;
        let output = child.stdout.take().ok_or_else(missing)?;
        let errors = child.stderr.take().ok_or_else(missing)?;
        let log = log::follow(upstream.to_owned(), errors);
        let process = Self { child, group, log };
        Ok((process, Streams { input, output }))
    }

    /// Its number.
    pub(in crate::stdio) fn id(&self) -> i32 {
        self.group.leader.as_raw_nonzero().get()
    }

    /// Waits until it has ended by itself, and says how.
    pub(in crate::stdio) async fn ended(&mut self) -> String {
        match self.child.wait().await {
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        }
    }

    /// Ends it and all that it has started. Its standard input has been closed before, which is how
    /// a server is asked to end (2025-11-25 and 2026-07-28, Lifecycle, Shutdown, stdio): it is given
    /// the grace for that, once more after SIGTERM, and then killed.
    pub(in crate::stdio) async fn end(mut self, grace: Duration) {
        if timeout(grace, self.child.wait()).await.is_err() {
            self.group.signal(Signal::TERM);
            let _ = timeout(grace, self.child.wait()).await;
        } else if self.group.signal(Signal::TERM) {
            // The leader has gone and left children behind; they get a moment.
            let _ = timeout(grace.min(Duration::from_secs(1)), self.group.gone()).await;
        }
        self.group.kill();
        let _ = timeout(grace, self.child.wait()).await;
        // A line that it wrote at the end may still be on its way.
        let _ = timeout(Duration::from_millis(200), &mut self.log).await;
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.log.abort();
    }
}

/// A process group; killed when dropped.
#[derive(Debug)]
struct Group {
    leader: Pid,
    _watched: Watched,
}

impl Group {
    fn new(leader: Pid) -> Self {
        let _watched = Watched::group(leader);
        Self { leader, _watched }
    }

    /// Whether there was anybody to get it.
    fn signal(&self, signal: Signal) -> bool {
        kill_process_group(self.leader, signal).is_ok()
    }

    fn kill(&self) {
        self.signal(Signal::KILL);
    }

    /// Waits until nobody is left. The system tells of children only, and these may be grandchildren.
    async fn gone(&self) {
        while rustix::process::test_kill_process_group(self.leader).is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

fn missing() -> io::Error {
    io::Error::other("the process has ended at once")
}
