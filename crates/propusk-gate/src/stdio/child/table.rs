//! The processes of the system, as `/proc` shows them. Where there is no `/proc`, there are none.

use std::{fs, io};

use rustix::process::{Pid, Signal};

/// One process, which is not taken for a later one with the same number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::stdio) struct Identity {
    pub(super) id: Pid,
    /// In ticks of the clock since the system was started.
    pub(super) start: u64,
}

/// What is known of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) identity: Identity,
    pub(super) parent: i32,
    pub(super) group: i32,
    /// It has ended, and its parent has not asked how.
    pub(super) is_zombie: bool,
}

impl Identity {
    /// The process that has this number now.
    pub(in crate::stdio) fn of(id: Pid) -> Option<Self> {
        Some(row(id)?.identity)
    }

    /// Its process group now.
    pub(super) fn group(self) -> Option<Pid> {
        let row = row(self.id).filter(|row| row.identity == self)?;
        Pid::from_raw(row.group)
    }

    pub(super) fn is_alive(self) -> bool {
        row(self.id).is_some_and(|row| row.identity == self && !row.is_zombie)
    }

    /// Sends a signal to this very process.
    pub(in crate::stdio) fn signal(self, signal: Signal) -> bool {
        let sent = held(self.id).and_then(|held| {
            // Whoever has the number now has had it when it was taken hold of, if it is still this one.
            if !self.is_alive() {
                return Err(io::ErrorKind::NotFound.into());
            }
            send(held.as_ref(), self.id, signal)
        });
        sent.is_ok()
    }
}

/// All processes that can be seen.
pub(super) fn rows() -> Vec<Row> {
    let Ok(folder) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let names = folder.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let ids = names.filter_map(|name| Pid::from_raw(name.parse().ok()?));
    ids.filter_map(row).collect()
}

fn row(id: Pid) -> Option<Row> {
    let text = fs::read_to_string(format!("/proc/{}/stat", id.as_raw_nonzero())).ok()?;
    read(id, &text)
}

/// One line of `stat` (proc_pid_stat(5)). The name of the program may hold anything.
fn read(id: Pid, text: &str) -> Option<Row> {
    let (_, rest) = text.rsplit_once(") ")?;
    let mut fields = rest.split(' ');
    let state = fields.next()?;
    let parent = fields.next()?.parse().ok()?;
    let group = fields.next()?.parse().ok()?;
    let start = fields.nth(16)?.parse().ok()?;
    Some(Row {
        identity: Identity { id, start },
        parent,
        group,
        is_zombie: state == "Z" || state == "X",
    })
}

#[cfg(target_os = "linux")]
type Held = std::os::fd::OwnedFd;
#[cfg(not(target_os = "linux"))]
type Held = ();

/// A handle, where the system has such a thing: it never comes to mean another process.
#[cfg(target_os = "linux")]
fn held(id: Pid) -> io::Result<Option<Held>> {
    use rustix::{
        io::Errno,
        process::{PidfdFlags, pidfd_open},
    };
    match pidfd_open(id, PidfdFlags::empty()) {
        Ok(held) => Ok(Some(held)),
        // Linux before 5.3, or a container that forbids it.
        Err(Errno::NOSYS | Errno::PERM) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(target_os = "linux"))]
fn held(_: Pid) -> io::Result<Option<Held>> {
    Ok(None)
}

fn send(held: Option<&Held>, id: Pid, signal: Signal) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    if let Some(held) = held {
        return Ok(rustix::process::pidfd_send_signal(held, signal)?);
    }
    let _ = held;
    Ok(rustix::process::kill_process(id, signal)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_and_spaces_hides_nothing() {
        let text = "77 (a) S 1 (b)) Z 12 78 77 0 -1 4228364 0 0 0 0 0 0 0 0 20 0 1 0 98765 0 0";
        let id = Pid::from_raw(77).unwrap();
        let expected = Row {
            identity: Identity { id, start: 98765 },
            parent: 12,
            group: 78,
            is_zombie: true,
        };
        assert_eq!(read(id, text), Some(expected));
        assert_eq!(read(id, "77 (a"), None);
        assert_eq!(read(id, "77 (a) S 1"), None);
    }
}
