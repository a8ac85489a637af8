//! What ends the children when this process is killed.
//!
//! A process that gets SIGKILL cannot end anybody. Its children notice that their standard input is
//! closed, and most servers end then; one that does not, and what it has started, would live on. So a
//! second, tiny process holds the other end of a pipe and knows the groups of all children. When the
//! pipe closes, it ends those that are left.
//!
//! The second process is this very program, started again with one argument. A `main` that wants it
//! calls [`run_if_asked`] first; without that call there is none.

use std::{
    collections::{HashMap, HashSet},
    env,
    io::{self, BufRead, BufReader, Write},
    os::unix::process::CommandExt,
    process::{Child, ChildStdin, Command, Stdio},
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process_group};

use super::child::{Identity, below, started};

/// The argument with which this program is started again.
const ARGUMENT: &str = "--propusk-watch-children";

/// How long the children get after SIGTERM.
const GRACE: Duration = Duration::from_secs(2);

static WANTED: AtomicBool = AtomicBool::new(false);
static WATCHDOG: OnceLock<Option<Mutex<ChildStdin>>> = OnceLock::new();

/// The first line of a `main` whose children shall end with it, with all that they have started, and
/// even when it is killed.
///
/// From the first upstream's start on, this process is also the one that orphans of its descendants come
/// to (Linux), and every child of it that is no upstream's process is taken for such an orphan, and ended
/// and waited for with the process that may have started it. So a program that starts others by itself
/// while upstreams run must not call this.
///
/// Returns `true` when this process was the second one and has done its work: then `main` returns.
///
/// ```no_run
/// # fn serve() {}
/// if propusk_gate::stdio::run_watchdog_if_asked() {
///     return;
/// }
/// serve();
/// ```
#[must_use]
pub fn run_if_asked() -> bool {
    let mut arguments = env::args_os().skip(1);
    if arguments.next().is_some_and(|first| first == ARGUMENT) && arguments.next().is_none() {
        watch(BufReader::new(io::stdin()));
        return true;
    }
    WANTED.store(true, Ordering::Relaxed);
    false
}

/// Whether this process's `main` has asked for all that.
pub(super) fn is_wanted() -> bool {
    WANTED.load(Ordering::Relaxed)
}

/// A group of which the second process knows, as long as this lives.
#[derive(Debug)]
pub(super) struct Watched(Option<Pid>);

impl Watched {
    pub(super) fn group(leader: Pid) -> Self {
        let told = tell('+', leader);
        Self(told.then_some(leader))
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if let Some(leader) = self.0 {
            tell('-', leader);
        }
    }
}

fn tell(sign: char, leader: Pid) -> bool {
    if !is_wanted() {
        return false;
    }
    let Some(pipe) = WATCHDOG.get_or_init(start) else {
        return false;
    };
    let mut pipe = pipe.lock().unwrap_or_else(PoisonError::into_inner);
    let written = writeln!(pipe, "{sign}{}", leader.as_raw_nonzero());
    written.and_then(|()| pipe.flush()).is_ok()
}

fn start() -> Option<Mutex<ChildStdin>> {
    let watchdog = env::current_exe().and_then(|program| {
        let mut command = Command::new(program);
        let command = command
            .arg(ARGUMENT)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // A Ctrl-C at the terminal is not for it.
            .process_group(0);
        let number = |child: &Child| Pid::from_raw(child.id().cast_signed());
        started(|| command.spawn(), number)
    });
    match watchdog {
        Ok((child, _)) => child.stdin.map(Mutex::new),
        Err(error) => {
            tracing::warn!(%error, "children may outlive this process if it is killed");
            None
        }
    }
}

/// The work of the second process: reads which groups there are, and ends those that are left.
fn watch(pipe: impl BufRead) {
    let mut groups = HashMap::new();
    for line in pipe.lines().map_while(Result::ok) {
        let leader = line.get(1..).and_then(|number| number.parse().ok());
        let Some(leader) = leader.and_then(Pid::from_raw) else {
            continue;
        };
        match line.chars().next() {
            Some('+') => drop(groups.insert(leader, Identity::of(leader))),
            Some('-') => drop(groups.remove(&leader)),
            _ => {}
        }
    }
    // What has left its group is found from the leaders, as long as they are there.
    let known = groups.values().copied().flatten();
    let outside: HashSet<_> = known.flat_map(below).collect();
    let ends = |signal| {
        let groups = groups
            .keys()
            .map(|leader| kill_process_group(*leader, signal));
        let told = groups.filter(Result::is_ok).count();
        told + outside.iter().filter(|one| one.signal(signal)).count()
    };
    if ends(Signal::TERM) > 0 {
        thread::sleep(GRACE);
        ends(Signal::KILL);
    }
}
