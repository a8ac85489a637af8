//! All that a child has started, wherever it has gone.
//!
//! A process group is not enough: a program may start others in sessions of their own (`setsid`), and
//! leave them. So `/proc` is walked from the child downwards, now and then while it runs and before it
//! is ended. What lost its parent before it was seen comes back to this process, where this process is
//! the sub-reaper of its descendants (prctl(2), `PR_SET_CHILD_SUBREAPER`): then each child of ours that
//! was not started here is such an orphan, and belongs to the one child that may have started it. Where
//! several may have, it is left until only one is.

use std::{
    collections::{HashMap, HashSet},
    io,
    sync::{
        LazyLock, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, getpid, waitid};
use tokio::time::sleep;

use super::table::{Identity, Row, rows};

/// How often it is looked whether those have ended that were told to.
const LOOK: Duration = Duration::from_millis(20);

/// Whether orphans come to this process, and are those of children.
static ADOPTS: AtomicBool = AtomicBool::new(false);

static KNOWN: LazyLock<Mutex<Known>> = LazyLock::new(Mutex::default);

/// Of all children of this process that were started here.
#[derive(Default)]
struct Known {
    /// Those that nobody else than their starter may wait for.
    own: HashSet<Identity>,
    /// What each running child has started, as far as it was seen.
    families: HashMap<Identity, HashSet<Identity>>,
}

fn known() -> MutexGuard<'static, Known> {
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes this process the one that orphans of its descendants come to. It must have no other children,
/// and start none by other ways than [`started`].
pub(in crate::stdio) fn adopt() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let mut others = rows().into_iter().filter(is_child);
        if others.any(|other| !known().own.contains(&other.identity)) {
            tracing::info!(
                "this process had children before: what upstreams leave behind in sessions of \
                 their own is not looked for"
            );
        } else if become_reaper().is_ok() {
            ADOPTS.store(true, Ordering::Relaxed);
        }
    });
}

fn become_reaper() -> io::Result<()> {
    #[cfg(target_os = "linux")]
    rustix::process::set_child_subreaper(Some(getpid()))?;
    #[cfg(not(target_os = "linux"))]
    return Err(io::ErrorKind::Unsupported.into());
    #[cfg(target_os = "linux")]
    Ok(())
}

/// Starts a process that is no orphan. Nobody looks in between.
pub(in crate::stdio) fn started<T>(
    start: impl FnOnce() -> io::Result<T>,
    id: impl FnOnce(&T) -> Option<Pid>,
) -> io::Result<(T, Option<Identity>)> {
    let mut known = known();
    let process = start()?;
    let identity = id(&process).and_then(Identity::of);
    known.own.extend(identity);
    Ok((process, identity))
}

/// What one child has started. Dropped, it is killed.
#[derive(Debug)]
pub(super) struct Family {
    /// `None` where processes cannot be seen.
    leader: Option<Identity>,
    has_ended: bool,
}

impl Family {
    /// That of a child which has just been started.
    pub(super) fn of(leader: Option<Identity>) -> Self {
        if let Some(leader) = leader {
            known().families.insert(leader, HashSet::new());
        }
        let has_ended = false;
        Self { leader, has_ended }
    }

    /// Looks who is there.
    pub(super) async fn look(&self) {
        let rows = tokio::task::spawn_blocking(rows).await;
        self.seen(&rows.unwrap_or_default());
    }

    fn seen(&self, rows: &[Row]) {
        if let Some(leader) = self.leader {
            let mut known = known();
            known.adopted(rows);
            known.look(leader, rows);
        }
    }

    /// Asks all to end that are not in the group of the child. Says whether there was anybody.
    pub(super) fn tell_to_end(&self) -> bool {
        let members = self.members().into_iter();
        let outside = members.filter(|one| one.group() != self.leader.map(|leader| leader.id));
        outside.filter(|one| one.signal(Signal::TERM)).count() > 0
    }

    /// Whether anybody is left of those that were seen.
    pub(super) fn is_there(&self) -> bool {
        self.members().into_iter().any(Identity::is_alive)
    }

    fn kill_seen(&self) -> bool {
        let members = self.members().into_iter();
        members.filter(|one| one.signal(Signal::KILL)).count() > 0
    }

    /// Kills all that is left, and what that leaves behind, until there is nothing.
    pub(super) async fn kill(&mut self) {
        loop {
            self.look().await;
            if !self.kill_seen() {
                break;
            }
            sleep(LOOK).await;
        }
        self.has_ended = true;
    }

    fn members(&self) -> Vec<Identity> {
        let known = known();
        let members = self.leader.and_then(|leader| known.families.get(&leader));
        members.into_iter().flatten().copied().collect()
    }
}

impl Drop for Family {
    fn drop(&mut self) {
        if !self.has_ended {
            self.seen(&rows());
            self.kill_seen();
        }
        if let Some(leader) = self.leader {
            let mut known = known();
            known.families.remove(&leader);
            known.own.remove(&leader);
        }
    }
}

impl Known {
    /// Finds all below a child that has not been found, and forgets what has gone.
    fn look(&mut self, leader: Identity, rows: &[Row]) {
        let members = self.families.entry(leader).or_default();
        members.retain(|member| rows.iter().any(|row| row.identity == *member));
        find(leader, members, rows);
    }

    /// Gives orphans to whose they are, and takes notice of those that have ended.
    fn adopted(&mut self, rows: &[Row]) {
        if ADOPTS.load(Ordering::Relaxed) {
            self.give(rows);
        }
    }

    fn give(&mut self, rows: &[Row]) {
        let orphans = rows.iter().filter(|row| is_child(row));
        for orphan in orphans.filter(|row| !self.own.contains(&row.identity)) {
            if orphan.is_zombie {
                let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
                let _ = waitid(WaitId::Pid(orphan.identity.id), options);
                continue;
            }
            let mut families = self.families.values();
            if families.any(|members| members.contains(&orphan.identity)) {
                continue;
            }
            let start = orphan.identity.start;
            let mut may = self.families.iter_mut();
            let mut may = may.by_ref().filter(|(leader, _)| leader.start <= start);
            if let (Some((_, members)), None) = (may.next(), may.next()) {
                members.insert(orphan.identity);
            }
        }
    }
}

/// All that can be seen below a process.
pub(in crate::stdio) fn below(leader: Identity) -> HashSet<Identity> {
    let mut members = HashSet::new();
    find(leader, &mut members, &rows());
    members
}

fn find(leader: Identity, members: &mut HashSet<Identity>, rows: &[Row]) {
    let mut parents: Vec<_> = members.iter().copied().chain([leader]).collect();
    while let Some(parent) = parents.pop() {
        let is_there = rows.iter().any(|row| row.identity == parent);
        let number = parent.id.as_raw_nonzero().get();
        let children = rows
            .iter()
            .filter(|row| is_there && row.parent == number && row.identity != leader);
        for child in children {
            if members.insert(child.identity) {
                parents.push(child.identity);
            }
        }
    }
}

fn is_child(row: &Row) -> bool {
    row.parent == getpid().as_raw_nonzero().get()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: i32, start: u64, parent: i32) -> Row {
        let id = Pid::from_raw(id).unwrap();
        Row {
            identity: Identity { id, start },
            parent,
            group: id.as_raw_nonzero().get(),
            is_zombie: false,
        }
    }

    fn members(known: &Known, leader: Identity) -> Vec<i32> {
        let members = known.families[&leader].iter();
        let mut ids: Vec<_> = members.map(|one| one.id.as_raw_nonzero().get()).collect();
        ids.sort_unstable();
        ids
    }

    #[test]
    fn an_orphan_belongs_to_the_only_one_that_may_have_started_it() {
        let mut known = Known::default();
        let own = getpid().as_raw_nonzero().get();
        let (first, second) = (row(10, 5, own), row(20, 10, own));
        let watchdog = row(30, 6, own);
        for one in [first, second, watchdog] {
            known.own.insert(one.identity);
        }
        for leader in [first, second] {
            known.families.insert(leader.identity, HashSet::new());
        }
        let before = row(40, 4, own);
        let (early, late) = (row(41, 7, own), row(42, 12, own));
        let rows = [first, second, watchdog, before, early, late, row(43, 12, 1)];
        known.give(&rows);
        assert_eq!(members(&known, first.identity), [41]);
        assert_eq!(members(&known, second.identity), [0; 0]);
        // The first one has ended: the other must have been the second one's.
        known.families.remove(&first.identity);
        known.give(&rows);
        assert_eq!(members(&known, second.identity), [42]);
    }

    #[test]
    fn who_was_seen_once_is_known_until_it_is_gone() {
        let mut known = Known::default();
        let leader = row(10, 5, 1).identity;
        let before = [row(10, 5, 1), row(11, 6, 10), row(12, 7, 11), row(20, 3, 1)];
        known.look(leader, &before);
        assert_eq!(members(&known, leader), [11, 12]);
        // Its parent has ended, and it has started another one; 11 is somebody else now.
        let after = [row(10, 5, 1), row(11, 9, 20), row(12, 7, 1), row(13, 9, 12)];
        known.look(leader, &after);
        assert_eq!(members(&known, leader), [12, 13]);
        // The child has ended, and its number is another's.
        let later = [row(10, 30, 1), row(14, 31, 10), row(13, 9, 1)];
        known.look(leader, &later);
        assert_eq!(members(&known, leader), [13]);
    }
}
