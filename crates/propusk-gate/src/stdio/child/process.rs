//! One child process and all that it starts: they end together.

use std::{io, time::Duration};

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use tokio::{
    process::{Child, ChildStdin, ChildStdout},
    task::JoinHandle,
    time::{sleep, timeout},
};

use super::{
    super::{
        StdioCommand,
        watchdog::{self, Watched},
    },
    family::{Family, adopt, started},
    log,
};

/// How often it is looked whether those have ended that were told to.
const LOOK: Duration = Duration::from_millis(20);

/// A running child.
///
/// Dropped without [`end`](Self::end), all of it is killed at once.
#[derive(Debug)]
pub(in crate::stdio) struct Process {
    child: Child,
    // Who has left the group is found from the child, which is killed with the group.
    family: Family,
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
        if watchdog::is_wanted() {
            adopt();
        }
        let number = |child: &Child| Pid::from_raw(child.id()?.cast_signed());
        let (mut child, identity) = started(|| command.build().spawn(), number)?;
        let family = Family::of(identity);
        let group = Group::new(number(&child).ok_or_else(missing)?);
        let input = child.stdin.take().ok_or_else(missing)?;
        let output = child.stdout.take().ok_or_else(missing)?;
        let errors = child.stderr.take().ok_or_else(missing)?;
        let log = log::follow(upstream.to_owned(), errors);
        let process = Self {
            child,
            family,
            group,
            log,
        };
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

    /// Looks what it has started, as long as it can be seen whose that is.
    pub(in crate::stdio) async fn look(&self) {
        self.family.look().await;
    }

    /// Ends it and all that it has started. Its standard input has been closed before, which is how
    /// a server is asked to end (2025-11-25 and 2026-07-28, Lifecycle, Shutdown, stdio): it is given
    /// the grace for that, once more after SIGTERM, and then killed.
    pub(in crate::stdio) async fn end(mut self, grace: Duration) {
        self.family.look().await;
        let is_there = timeout(grace, self.child.wait()).await.is_err();
        self.family.look().await;
        let told = self.tell_to_end();
        if is_there {
            let _ = timeout(grace, self.child.wait()).await;
        } else if told {
            // The leader has gone and left children behind; they get a moment.
            let _ = timeout(grace.min(Duration::from_secs(1)), self.gone()).await;
        }
        // Who leaves the group now is found before it can.
        self.family.look().await;
        self.group.kill();
        let _ = timeout(grace, self.child.wait()).await;
        let _ = timeout(grace, self.family.kill()).await;
        // A line that it wrote at the end may still be on its way.
        let _ = timeout(Duration::from_millis(200), &mut self.log).await;
    }
}

impl Process {
    /// Whether there was anybody to be told.
    fn tell_to_end(&self) -> bool {
        let outside = self.family.tell_to_end();
        self.group.signal(Signal::TERM) || outside
    }

    /// Waits until nobody is left. The system tells of children only, and these may be grandchildren.
    async fn gone(&self) {
        loop {
            // Those that came to this process are waited for here.
            self.family.look().await;
            if !(self.group.is_there() || self.family.is_there()) {
                return;
            }
            sleep(LOOK).await;
        }
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

    fn is_there(&self) -> bool {
        test_kill_process_group(self.leader).is_ok()
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
