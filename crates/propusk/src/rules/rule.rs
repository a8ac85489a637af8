//! One rule of a table.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use super::{
    Hold, Rate,
    buckets::{Buckets, Key},
    places::Places,
    who::{All, Who},
};

/// What holds for the tools, prompts, resources or methods of one name or pattern.
///
/// A rule that says nothing names them, so that they are not under the default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rule {
    hidden: bool,
    denied: Option<Option<String>>,
    rate: Option<Rate>,
    rate_in_all: Option<Rate>,
    concurrency: Option<u32>,
    concurrency_in_all: Option<u32>,
    pub(super) time_limit: Option<Duration>,
}

impl Rule {
    /// Says nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// It is in no list, and who names it is told that there is nothing of that name.
    #[must_use]
    pub fn hidden(mut self) -> Self {
        self.hidden = true;
        self
    }

    /// It is in no list, and nobody may use it: 403.
    #[must_use]
    pub fn denied(mut self) -> Self {
        self.denied.get_or_insert(None);
        self
    }

    /// The same, with a sentence for the client.
    #[must_use]
    pub fn denied_with(mut self, message: impl Into<String>) -> Self {
        self.denied = Some(Some(message.into()));
        self
    }

    /// How often each principal may use it. All names that a pattern matches count together.
    #[must_use]
    pub fn rate(mut self, rate: Rate) -> Self {
        self.rate = Some(rate);
        self
    }

    /// How often all together may use it.
    #[must_use]
    pub fn rate_in_all(mut self, rate: Rate) -> Self {
        self.rate_in_all = Some(rate);
        self
    }

    /// How many uses of each principal may be under way at the same time.
    #[must_use]
    pub fn concurrency(mut self, most: u32) -> Self {
        self.concurrency = Some(most);
        self
    }

    /// How many uses of all together may be under way at the same time.
    #[must_use]
    pub fn concurrency_in_all(mut self, most: u32) -> Self {
        self.concurrency_in_all = Some(most);
        self
    }

    /// How long an answer may take, in all.
    #[must_use]
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = Some(limit);
        self
    }
}

/// A rule with its name and what has been used up of it.
#[derive(Debug)]
pub(super) struct Bound {
    /// As it is told in the audit log: `tools "delete_*"`.
    pub(super) name: String,
    pub(super) rule: Rule,
    each: Quota<Who>,
    all: Quota<All>,
}

impl Bound {
    pub(super) fn new(name: String, rule: Rule) -> Self {
        Self {
            each: Quota::new(rule.rate, rule.concurrency),
            all: Quota::new(rule.rate_in_all, rule.concurrency_in_all),
            name,
            rule,
        }
    }

    /// Goes on with what has been used up of another, as far as the limits are the same.
    pub(super) fn continuing(&self, other: &Self) -> Self {
        Self {
            name: self.name.clone(),
            rule: self.rule.clone(),
            each: self.each.continuing(&other.each),
            all: self.all.continuing(&other.all),
        }
    }

    pub(super) fn is_hidden(&self) -> bool {
        self.rule.hidden
    }

    /// Whether it is denied, with a sentence for the client if there is one.
    pub(super) fn denied(&self) -> Option<Option<&str>> {
        self.rule.denied.as_ref().map(Option::as_deref)
    }

    pub(super) fn has_limits(&self) -> bool {
        !(self.each.is_empty() && self.all.is_empty())
    }

    /// Takes what one use needs of its limits.
    pub(super) fn take(
        &self,
        who: &Who,
        now: SystemTime,
        lasts: bool,
        taking: &mut Taking,
    ) -> Result<(), Limited> {
        let limited = |(retry_after, which, whose)| Limited {
            retry_after,
            reason: format!("{}: {which} {whose}", self.name),
        };
        let each = self.each.take(who, now, lasts, taking);
        each.map_err(|(wait, which)| limited((wait, which, "for each principal")))?;
        let all = self.all.take(&All, now, lasts, taking);
        all.map_err(|(wait, which)| limited((wait, which, "in all")))
    }
}

/// A limit that is reached.
pub(super) struct Limited {
    pub(super) retry_after: Duration,
    pub(super) reason: String,
}

/// What has been taken for one request. Where it is refused after all, the tokens go back.
#[derive(Default)]
pub(super) struct Taking {
    pub(super) holds: Vec<Hold>,
    back: Vec<Box<dyn FnOnce()>>,
}

impl Taking {
    pub(super) fn give_back(self) {
        for back in self.back {
            back();
        }
    }
}

#[derive(Debug)]
struct Quota<K> {
    rate: Option<Arc<Buckets<K>>>,
    places: Option<Arc<Places<K>>>,
}

/// When a place may be free again, nobody knows.
const A_MOMENT: Duration = Duration::from_secs(1);

impl<K: Key> Quota<K> {
    fn new(rate: Option<Rate>, concurrency: Option<u32>) -> Self {
        Self {
            rate: rate.map(|rate| Arc::new(Buckets::new(rate))),
            places: concurrency.map(Places::new),
        }
    }

    fn continuing(&self, other: &Self) -> Self {
        let same_rate = |old: &&Arc<Buckets<K>>| {
            self.rate
                .as_ref()
                .is_some_and(|new| new.rate() == old.rate())
        };
        let same_places = |old: &&Arc<Places<K>>| {
            self.places
                .as_ref()
                .is_some_and(|new| new.most() == old.most())
        };
        Self {
            rate: other
                .rate
                .as_ref()
                .filter(same_rate)
                .or(self.rate.as_ref())
                .cloned(),
            places: other
                .places
                .as_ref()
                .filter(same_places)
                .or(self.places.as_ref())
                .cloned(),
        }
    }

    fn is_empty(&self) -> bool {
        self.rate.is_none() && self.places.is_none()
    }

    fn take(
        &self,
        key: &K,
        now: SystemTime,
        lasts: bool,
        taking: &mut Taking,
    ) -> Result<(), (Duration, String)> {
        if let Some(places) = self.places.as_ref().filter(|_| !lasts) {
            match places.take(key) {
                Some(place) => taking.holds.push(Box::new(place)),
                None => return Err((A_MOMENT, format!("{} at the same time", places.most()))),
            }
        }
        let Some(buckets) = &self.rate else {
            return Ok(());
        };
        if let Err(wait) = buckets.take(key, now) {
            return Err((wait, buckets.rate().to_string()));
        }
        let (buckets, key) = (Arc::clone(buckets), key.clone());
        taking.back.push(Box::new(move || buckets.give_back(&key)));
        Ok(())
    }
}
