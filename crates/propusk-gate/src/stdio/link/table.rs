//! What is under way at a child, and for whom.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    time::{Duration, Instant},
};

use rmcp::model::ErrorData;
use tokio_util::sync::CancellationToken;

use super::{
    super::{
        asker::{Asker, Questions, SessionKey},
        errors,
    },
    flight::Sender,
};

/// How long a request that was taken back may still be worked on, as far as is assumed.
const AFTERWARDS: Duration = Duration::from_secs(10 * 60);

/// Requests that were taken back and are remembered.
const MOST_ABANDONED: usize = 4096;

/// Requests under way, by number.
#[derive(Default)]
pub(super) struct Table {
    under_way: BTreeMap<u64, Entry>,
    /// Requests that nobody waits for, and the child may still work on.
    abandoned: BTreeMap<u64, (SessionKey, Instant)>,
    /// Questions of the child that are being answered, by their id as text.
    questions: HashMap<String, CancellationToken>,
    ended: bool,
}

pub(super) struct Entry {
    asker: Option<Asker>,
    events: Sender,
}

/// Where a question of the child goes.
pub(super) enum Way {
    /// To the request that has caused it.
    To(Sender),
    /// No request is under way.
    None,
    /// Requests of several are, or of one who cannot be asked.
    Refused(&'static str),
}

impl Table {
    pub(super) fn begin(
        &mut self,
        number: u64,
        asker: Option<Asker>,
        events: Sender,
    ) -> Result<(), ErrorData> {
        if self.ended {
            return Err(errors::ended());
        }
        self.under_way.insert(number, Entry { asker, events });
        Ok(())
    }

    /// Takes out a request that has been answered.
    pub(super) fn finish(&mut self, number: u64) -> Option<Sender> {
        self.abandoned.remove(&number);
        Some(self.under_way.remove(&number)?.events)
    }

    /// Remembers a request that nobody waits for any longer. Says whether anybody had.
    pub(super) fn abandon(&mut self, number: u64) -> bool {
        let Some(entry) = self.under_way.remove(&number) else {
            return false;
        };
        if let Some(asker) = entry.asker {
            if self.abandoned.len() >= MOST_ABANDONED {
                self.abandoned.pop_first();
            }
            self.abandoned.insert(number, (asker.key, Instant::now()));
        }
        true
    }

    /// Ends everything, and says whom to tell.
    pub(super) fn end(&mut self) -> Vec<Sender> {
        self.ended = true;
        for (_, withdrawn) in self.questions.drain() {
            withdrawn.cancel();
        }
        self.abandoned.clear();
        let under_way = std::mem::take(&mut self.under_way);
        under_way.into_values().map(|entry| entry.events).collect()
    }

    pub(super) fn is_used(&self) -> bool {
        self.under_way.values().any(|entry| entry.asker.is_some())
    }

    pub(super) fn events(&self, number: u64) -> Option<&Sender> {
        Some(&self.under_way.get(&number)?.events)
    }

    /// All requests of clients, the newest first.
    pub(super) fn asked(&self) -> impl Iterator<Item = (&Asker, &Sender)> {
        let entries = self.under_way.values().rev();
        entries.filter_map(|entry| Some((entry.asker.as_ref()?, &entry.events)))
    }

    /// Who may have caused what the child does now.
    pub(super) fn causes(&mut self) -> HashSet<SessionKey> {
        let now = Instant::now();
        self.abandoned
            .retain(|_, (_, since)| now.duration_since(*since) < AFTERWARDS);
        let under_way = self.under_way.values();
        let waiting = under_way.filter_map(|entry| Some(entry.asker.as_ref()?.key.clone()));
        let abandoned = self.abandoned.values().map(|(key, _)| key.clone());
        waiting.chain(abandoned).collect()
    }

    /// Where a question goes. One child that serves several passes it on only where there is exactly
    /// one who can have caused it.
    pub(super) fn way(&mut self, serves_one: bool) -> Way {
        let causes = self.causes().len();
        if causes > 1 && !serves_one {
            return Way::Refused(
                "Requests of several clients are under way, and which of them this belongs to is not \
                 known. A server that asks clients needs a process for each principal: \
                 `per = \"principal\"`.",
            );
        }
        let mut asked = self.asked();
        let takes = asked.find(|(asker, _)| asker.questions != Questions::Refused);
        match takes {
            Some((_, events)) => Way::To(events.clone()),
            None if causes == 0 => Way::None,
            None => Way::Refused("The client of the request under way cannot be asked here."),
        }
    }

    pub(super) fn open_question(&mut self, id: String) -> CancellationToken {
        let withdrawn = CancellationToken::new();
        self.questions.insert(id, withdrawn.clone());
        withdrawn
    }

    pub(super) fn close_question(&mut self, id: &str) -> Option<CancellationToken> {
        self.questions.remove(id)
    }
}
