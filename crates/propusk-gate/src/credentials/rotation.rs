//! Which key signs and which are published, while keys come and go.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::signing_key::SigningKey;

/// How long a key is published before it signs. Libraries look for a key that they do not know no
/// sooner than half a minute after they last looked, and on the way to them there may be caches that
/// take the set for fresh as long as it says.
const ANNOUNCED: Duration = Duration::from_secs(300);

/// How long a key stays published that has signed and is gone: its last assertion has ended, and so
/// has what an upstream remembers of the time before.
const OVERLAP: Duration = Duration::from_secs(600);

pub(super) struct Rotation {
    signing: Arc<SigningKey>,
    /// Those that there are, in their order, and then those that are gone.
    published: Vec<Published>,
}

struct Published {
    key: Arc<SigningKey>,
    /// `None`: from the beginning.
    since: Option<Instant>,
    gone: Option<Instant>,
}

impl Rotation {
    /// The first one signs. `None` where there is none.
    pub(super) fn of(keys: Vec<SigningKey>) -> Option<Self> {
        let keys = keys.into_iter().map(|key| Published::new(key, None));
        let published: Vec<_> = keys.collect();
        Some(Self {
            signing: Arc::clone(&published.first()?.key),
            published,
        })
    }

    pub(super) fn signing(&self) -> &Arc<SigningKey> {
        &self.signing
    }

    pub(super) fn published(&self) -> impl Iterator<Item = &SigningKey> {
        self.published.iter().map(|published| &*published.key)
    }

    /// These are the keys from now on.
    pub(super) fn replace(&mut self, keys: Vec<SigningKey>, now: Instant) {
        let mut before = std::mem::take(&mut self.published);
        for new in keys {
            let known = before.iter().position(|old| old.key.id() == new.id());
            let mut there = match known {
                Some(at) => before.swap_remove(at),
                None => Published::new(new, Some(now)),
            };
            there.gone = None;
            self.published.push(there);
        }
        for old in &mut before {
            old.gone.get_or_insert(now);
        }
        self.published.extend(before);
    }

    /// Lets time pass: the first key signs when it has been published for long enough.
    pub(super) fn turn(&mut self, now: Instant) {
        let over = |since: Instant, time| now.saturating_duration_since(since) >= time;
        let first = self.published.first().filter(|first| {
            let announced = first.since.is_none_or(|since| over(since, ANNOUNCED));
            announced && first.key.id() != self.signing.id()
        });
        if let Some(first) = first.map(|first| Arc::clone(&first.key)) {
            let last = std::mem::replace(&mut self.signing, first);
            let mut gone = self.published.iter_mut().filter(|key| key.gone.is_some());
            if let Some(last) = gone.find(|gone| gone.key.id() == last.id()) {
                last.gone = Some(now);
            }
        }
        let signing = self.signing.id();
        self.published.retain(|published| {
            let forgotten = published.gone.is_some_and(|gone| over(gone, OVERLAP));
            !forgotten || published.key.id() == signing
        });
    }
}

impl Published {
    fn new(key: SigningKey, since: Option<Instant>) -> Self {
        Self {
            key: Arc::new(key),
            since,
            gone: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::signing_key::tests::pem, *};

    fn keys(pems: &[&String]) -> Vec<SigningKey> {
        let pems: String = pems.iter().map(|pem| pem.as_str()).collect();
        SigningKey::all_in(&pems).expect("keys")
    }

    fn id(pem: &String) -> String {
        keys(&[pem])[0].id().to_owned()
    }

    /// At each time (in seconds) the file holds these keys from then on, if any are named; then this
    /// one signs, and so many are published.
    fn check(first: &[&String], steps: &[(u64, &[&String], &String, usize)]) {
        let begin = Instant::now();
        let mut rotation = Rotation::of(keys(first)).expect("a key");
        for (time, file, signs, published) in steps {
            let now = begin + Duration::from_secs(*time);
            if !file.is_empty() {
                rotation.replace(keys(file), now);
            }
            rotation.turn(now);
            assert_eq!(rotation.signing().id(), id(signs), "at {time}");
            let mut ids: Vec<_> = rotation.published().map(SigningKey::id).collect();
            assert!(ids.contains(&&*id(signs)), "at {time}");
            ids.sort_unstable();
            ids.dedup();
            assert_eq!(ids.len(), *published, "at {time}");
            assert_eq!(rotation.published().count(), *published, "at {time}");
        }
    }

    #[test]
    fn a_key_is_known_before_it_signs_and_after_it_did() {
        let [a, b, c] = [pem(), pem(), pem()];
        let (a, b, c) = (&a, &b, &c);
        // Replaced: the old one signs until the new one is known, and is known until it is forgotten.
        check(
            &[a],
            &[
                (0, &[], a, 1),
                (10, &[b], a, 2),
                (309, &[], a, 2),
                (310, &[], b, 2),
                (909, &[], b, 2),
                (910, &[], b, 1),
            ],
        );
        // Announced behind the first one.
        check(
            &[a],
            &[
                (0, &[a, b], a, 2),
                (300, &[b, a], b, 2),
                (301, &[b], b, 2),
                (901, &[], b, 1),
            ],
        );
        check(&[a, b], &[(0, &[b, a], b, 2)]);
        // Undone, and done again: it was known all the time.
        check(
            &[a],
            &[
                (0, &[b], a, 2),
                (1, &[a], a, 2),
                (2, &[b], a, 2),
                (302, &[], b, 2),
            ],
        );
        // It signs as soon as it is first again: it was published all the time.
        check(
            &[a],
            &[
                (0, &[b], a, 2),
                (299, &[c], a, 3),
                (598, &[b], b, 3),
                (1198, &[], b, 1),
            ],
        );
    }

    #[test]
    fn who_signs_is_published_however_long_it_is_gone() {
        let pems: [String; 5] = std::array::from_fn(|_| pem());
        let [a, b, c, d, e] = pems.each_ref();
        check(
            &[a],
            &[
                (0, &[b], a, 2),
                (299, &[c], a, 3),
                (598, &[d], a, 4),
                (897, &[e], a, 5),
                (900, &[], a, 4),
                (1197, &[], e, 4),
                (1797, &[], e, 1),
            ],
        );
    }
}
