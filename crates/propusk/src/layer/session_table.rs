//! The open sessions by owner: a plain table that knows the limits and reads no clock.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use tokio_util::sync::CancellationToken;

use crate::{Principal, SessionLimits};

/// Whose a session is; `None` is any anonymous caller.
pub(super) type Owner = Option<Principal>;

/// The sweep for idle sessions is at most this far behind.
const SWEEP: Duration = Duration::from_secs(60);

pub(super) struct SessionTable {
    limits: SessionLimits,
    owners: HashMap<Owner, HashMap<String, Entry>>,
    in_all: usize,
    swept: Instant,
}

struct Entry {
    last_used: Instant,
    /// Requests in flight and open streams.
    uses: usize,
    /// Cancelled when the session ends.
    end: CancellationToken,
}

impl Entry {
    /// What is in use comes after everything that is not, then the later used.
    fn liveliness(&self) -> (bool, Instant) {
        (self.uses > 0, self.last_used)
    }

    fn is_idle(&self, now: Instant, idle: Duration) -> bool {
        self.uses == 0 && now.saturating_duration_since(self.last_used) >= idle
    }
}

impl SessionTable {
    pub(super) fn new(limits: SessionLimits, now: Instant) -> Self {
        Self {
            limits,
            owners: HashMap::new(),
            in_all: 0,
            swept: now,
        }
    }

    /// Sets other limits, and ends what is too many by them. Returns the ids of those.
    pub(super) fn limit(&mut self, limits: SessionLimits, now: Instant) -> Vec<String> {
        self.limits = limits;
        let mut ended = self.sweep(now);
        let owners: Vec<Owner> = self
            .owners
            .keys()
            .filter(|o| o.is_some())
            .cloned()
            .collect();
        for owner in owners {
            while self.count_of(&owner) > limits.per_principal {
                ended.extend(self.end_idlest(&owner));
            }
        }
        while self.in_all > limits.in_all
            && let Some(greediest) = self.greediest()
        {
            ended.extend(self.end_idlest(&greediest));
        }
        ended
    }

    /// Notes a session that has just been opened, and ends what is too many by it. Returns the ids
    /// of those.
    pub(super) fn insert(&mut self, owner: Owner, id: String, now: Instant) -> Vec<String> {
        let mut ended = self.sweep_if_due(now);
        if owner.is_some() && self.count_of(&owner) >= self.limits.per_principal {
            ended.extend(self.end_idlest(&owner));
        }
        if self.in_all >= self.limits.in_all
            && let Some(greediest) = self.greediest()
        {
            ended.extend(self.end_idlest(&greediest));
        }
        let entry = Entry {
            last_used: now,
            uses: 0,
            end: CancellationToken::new(),
        };
        if self
            .owners
            .entry(owner)
            .or_default()
            .insert(id, entry)
            .is_none()
        {
            self.in_all += 1;
        }
        ended
    }

    /// Marks a session of this owner as in use, if there is one that has not idled too long.
    /// Returns what is cancelled when it ends.
    pub(super) fn begin_use(
        &mut self,
        owner: &Owner,
        id: &str,
        now: Instant,
    ) -> Option<CancellationToken> {
        let idle = self.limits.idle;
        let entry = self.owners.get_mut(owner)?.get_mut(id)?;
        if entry.is_idle(now, idle) {
            return None;
        }
        entry.uses += 1;
        entry.last_used = now;
        Some(entry.end.clone())
    }

    /// The reverse of [`SessionTable::begin_use`]; the session may have ended meanwhile.
    pub(super) fn end_use(&mut self, owner: &Owner, id: &str, now: Instant) {
        let entry = self.owners.get_mut(owner).and_then(|own| own.get_mut(id));
        if let Some(entry) = entry {
            entry.uses = entry.uses.saturating_sub(1);
            entry.last_used = now;
        }
    }

    /// Ends a session, and with it its streams.
    pub(super) fn remove(&mut self, owner: &Owner, id: &str) {
        let Some(own) = self.owners.get_mut(owner) else {
            return;
        };
        if let Some(entry) = own.remove(id) {
            entry.end.cancel();
            self.in_all -= 1;
        }
        if own.is_empty() {
            self.owners.remove(owner);
        }
    }

    /// Ends what has idled too long, and returns the ids.
    pub(super) fn sweep(&mut self, now: Instant) -> Vec<String> {
        self.swept = now;
        let idle = self.limits.idle;
        let mut ended = Vec::new();
        self.owners.retain(|_, own| {
            ended.extend(own.extract_if(|_, entry| entry.is_idle(now, idle)));
            !own.is_empty()
        });
        self.in_all -= ended.len();
        let end = |(id, entry): (String, Entry)| {
            entry.end.cancel();
            id
        };
        ended.into_iter().map(end).collect()
    }

    pub(super) fn sweep_if_due(&mut self, now: Instant) -> Vec<String> {
        if now.saturating_duration_since(self.swept) < SWEEP {
            return Vec::new();
        }
        self.sweep(now)
    }

    pub(super) fn len(&self) -> usize {
        self.in_all
    }

    fn count_of(&self, owner: &Owner) -> usize {
        self.owners.get(owner).map_or(0, HashMap::len)
    }

    fn greediest(&self) -> Option<Owner> {
        let most = self.owners.iter().max_by_key(|(_, own)| own.len());
        most.map(|(owner, _)| owner.clone())
    }

    fn end_idlest(&mut self, owner: &Owner) -> Option<String> {
        let own = self.owners.get(owner)?;
        let (id, _) = own.iter().min_by_key(|(_, entry)| entry.liveliness())?;
        let id = id.clone();
        self.remove(owner, &id);
        Some(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AccessToken;

    fn owner(subject: &str) -> Owner {
        Some(AccessToken::new(subject).principal().clone())
    }

    fn table(limits: SessionLimits) -> (SessionTable, Instant) {
        let start = Instant::now();
        (SessionTable::new(limits, start), start)
    }

    fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn one_too_many_ends_the_principals_own_idlest() {
        let (mut table, start) = table(SessionLimits::default().per_principal(2));
        let (alice, bob) = (owner("alice"), owner("bob"));
        assert!(table.insert(bob.clone(), "b".into(), start).is_empty());
        assert!(
            table
                .insert(alice.clone(), "a1".into(), start + seconds(1))
                .is_empty()
        );
        assert!(
            table
                .insert(alice.clone(), "a2".into(), start + seconds(2))
                .is_empty()
        );
        let end = table
            .begin_use(&alice, "a1", start + seconds(3))
            .expect("hers");
        table.end_use(&alice, "a1", start + seconds(3));
        assert_eq!(
            table.insert(alice.clone(), "a3".into(), start + seconds(4)),
            ["a2"]
        );
        // One with a stream stays, however long ago that was opened.
        table
            .begin_use(&alice, "a1", start + seconds(5))
            .expect("hers");
        assert_eq!(
            table.insert(alice.clone(), "a4".into(), start + seconds(6)),
            ["a3"]
        );
        assert!(!end.is_cancelled());
        // Where all have one, the idlest of them goes, and its streams end.
        table
            .begin_use(&alice, "a4", start + seconds(7))
            .expect("hers");
        assert_eq!(
            table.insert(alice.clone(), "a5".into(), start + seconds(8)),
            ["a1"]
        );
        assert!(end.is_cancelled());
        assert!(
            table.begin_use(&bob, "b", start + seconds(9)).is_some(),
            "not another's"
        );
        assert_eq!(table.len(), 3);
    }

    #[test]
    fn a_crowd_crowds_out_itself() {
        let (mut table, now) = table(SessionLimits::default().in_all(4));
        table.insert(owner("alice"), "a".into(), now);
        // No limit per principal holds for anonymous callers; the one in all does.
        for n in 0..100 {
            table.insert(None, format!("n{n}"), now + seconds(n));
        }
        assert_eq!(table.len(), 4);
        assert_eq!(
            table.insert(owner("bob"), "b".into(), now + seconds(200)),
            ["n97"]
        );
        for (owner, id) in [
            (owner("alice"), "a"),
            (owner("bob"), "b"),
            (None, "n98"),
            (None, "n99"),
        ] {
            assert!(
                table.begin_use(&owner, id, now + seconds(201)).is_some(),
                "{id}"
            );
        }
    }

    #[test]
    fn ten_thousand_openings_leave_no_more_than_the_limits() {
        let (mut table, now) = table(SessionLimits::default());
        let mut ended = 0;
        for n in 0..20_000_u32 {
            let who = if n % 2 == 0 { owner("alice") } else { None };
            ended += table.insert(who, n.to_string(), now).len();
        }
        assert_eq!((table.len(), ended), (10_000, 10_000));
        assert_eq!(table.count_of(&owner("alice")), 100);
    }

    #[test]
    fn what_idles_too_long_ends_unless_it_is_in_use() {
        let (mut table, start) = table(SessionLimits::default().idle(seconds(10)));
        for id in ["idle", "used", "open"] {
            table.insert(None, id.into(), start);
        }
        table.begin_use(&None, "open", start).expect("there");
        table
            .begin_use(&None, "used", start + seconds(9))
            .expect("there");
        table.end_use(&None, "used", start + seconds(9));
        assert!(
            table
                .begin_use(&None, "idle", start + seconds(10))
                .is_none(),
            "before any sweep"
        );
        assert_eq!(table.sweep(start + seconds(10)), ["idle"]);
        assert_eq!(table.sweep(start + seconds(19)), ["used"]);
        assert!(
            table.sweep(start + seconds(1_000)).is_empty(),
            "a stream is open"
        );
        table.end_use(&None, "open", start + seconds(1_000));
        assert!(
            table.sweep_if_due(start + seconds(1_010)).is_empty(),
            "not due yet"
        );
        assert_eq!(table.sweep_if_due(start + seconds(1_060)), ["open"]);
        assert_eq!((table.len(), table.owners.len()), (0, 0));
    }
}
