//! Sealing of state that a client holds: AES-256-GCM-SIV, bound to principal and purpose.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Serialize, de::DeserializeOwned};

use crate::{Clock, Principal, SystemClock};

/// Mixed into every seal, so that a key which somebody uses elsewhere too opens nothing here.
const DOMAIN: &[u8] = b"propusk state 1";

/// The expiry in front of the payload: seconds since 1970, big-endian.
const EXPIRY_LEN: usize = 8;

/// The longest text that is looked at, in bytes.
const MAX_LENGTH: usize = 1024 * 1024;

/// Seals what a client is to keep, and opens what it gives back.
///
/// A sealed text is opaque (encrypted), cannot be altered, and opens only for the same principal,
/// the same purpose, and before it expires. It may be used more than once: what must happen only
/// once has to be remembered by the handler. All anonymous callers are one principal here.
///
/// [`Server`](crate::Server) seals request states, cursors and task ids of every handler by
/// itself; use this for more of the kind.
///
/// ```
/// use std::time::Duration;
/// use propusk::{AccessToken, server::{Sealed, StateSealer}};
///
/// # fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let sealer = StateSealer::new()?;
/// let (alice, bob) = (AccessToken::new("alice"), AccessToken::new("bob"));
/// let hers = Sealed::of(Some(alice.principal())).purpose("upload");
///
/// let sealed = sealer.seal(&hers, Duration::from_secs(600), &("report.pdf", 3))?;
/// let (name, part): (String, u32) = sealer.open(&hers, &sealed)?;
/// assert_eq!((name.as_str(), part), ("report.pdf", 3));
///
/// let his = Sealed::of(Some(bob.principal())).purpose("upload");
/// assert!(sealer.open::<(String, u32)>(&his, &sealed).is_err());
/// # Ok(())
/// # }
/// # run().unwrap();
/// ```
#[derive(Clone)]
pub struct StateSealer {
    /// The first one seals, all of them open.
    keys: Arc<[LessSafeKey]>,
    clock: Arc<dyn Clock>,
}

/// What a sealed text is bound to.
#[derive(Clone)]
pub struct Sealed(Vec<u8>);

/// A text is not one that this server sealed for this principal and purpose, or it has expired.
/// Which of them is not told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the sealed state is not valid")]
pub struct NotValid;

impl StateSealer {
    /// With a random key: what it seals opens in this process only.
    ///
    /// # Errors
    /// The operating system gives no random bytes.
    pub fn new() -> std::io::Result<Self> {
        let mut key = zeroize::Zeroizing::new([0; 32]);
        // Not from the crypto library: its own generator takes a tenth of a second to start.
        getrandom::fill(&mut *key).map_err(|error| std::io::Error::other(error.to_string()))?;
        Ok(Self::with_key(&key, &[]))
    }

    /// With a key that several replicas share, and earlier ones that still open what they sealed
    /// (to change the key without breaking what is under way: give every replica the new one as an
    /// earlier one, then as the first, and drop the old one when all that it sealed has expired).
    #[must_use]
    pub fn with_key(key: &[u8; 32], earlier: &[[u8; 32]]) -> Self {
        let keys = std::iter::once(key).chain(earlier);
        // A key of 32 bytes is what this algorithm takes, so that none is left out.
        let keys = keys.filter_map(|key| UnboundKey::new(&AES_256_GCM_SIV, key).ok());
        Self {
            keys: keys.map(LessSafeKey::new).collect(),
            clock: Arc::new(SystemClock),
        }
    }

    /// With another clock, for tests of expiry.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Seals a payload for so long. The text consists of letters, digits, `-` and `_`.
    ///
    /// # Errors
    /// The payload cannot be written as JSON, or the operating system gives no random bytes.
    pub fn seal<T: Serialize>(
        &self,
        bound_to: &Sealed,
        lifetime: Duration,
        payload: &T,
    ) -> Result<String, serde_json::Error> {
        use serde::ser::Error;
        let failed = |_| serde_json::Error::custom("sealing failed");
        // Where the clock is before 1970 it is not right, and what is sealed has expired.
        let expiry = self
            .seconds()
            .map_or(0, |now| now.saturating_add(lifetime.as_secs()));
        let mut text = expiry.to_be_bytes().to_vec();
        serde_json::to_writer(&mut text, payload)?;
        let key = self.keys.first().ok_or(()).map_err(failed)?;
        let mut nonce = [0; NONCE_LEN];
        getrandom::fill(&mut nonce).map_err(serde_json::Error::custom)?;
        let unique = Nonce::assume_unique_for_key(nonce);
        key.seal_in_place_append_tag(unique, Aad::from(&bound_to.0), &mut text)
            .map_err(|_| failed(()))?;
        Ok(URL_SAFE_NO_PAD.encode([nonce.as_slice(), &text].concat()))
    }

    /// Opens what [`StateSealer::seal`] made.
    ///
    /// # Errors
    /// [`NotValid`], whatever the cause.
    pub fn open<T: DeserializeOwned>(&self, bound_to: &Sealed, text: &str) -> Result<T, NotValid> {
        if text.len() > MAX_LENGTH {
            return Err(NotValid);
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| NotValid)?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE_LEN).ok_or(NotValid)?;
        let plain = self.keys.iter().find_map(|key| {
            let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
            let mut sealed = sealed.to_vec();
            let plain = key.open_in_place(nonce, Aad::from(&bound_to.0), &mut sealed);
            plain.ok().map(|plain| plain.to_vec())
        });
        let plain = plain.ok_or(NotValid)?;
        let (expiry, payload) = plain.split_first_chunk::<EXPIRY_LEN>().ok_or(NotValid)?;
        if self
            .seconds()
            .is_none_or(|now| u64::from_be_bytes(*expiry) <= now)
        {
            return Err(NotValid);
        }
        serde_json::from_slice(payload).map_err(|_| NotValid)
    }

    fn seconds(&self) -> Option<u64> {
        let since = self.clock.now().duration_since(SystemTime::UNIX_EPOCH);
        since.ok().map(|since| since.as_secs())
    }
}

impl fmt::Debug for StateSealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StateSealer({} keys)", self.keys.len())
    }
}

impl Sealed {
    /// For this principal, or for all anonymous callers together.
    #[must_use]
    pub fn of(principal: Option<&Principal>) -> Self {
        let mut bound = Self(DOMAIN.to_vec());
        match principal {
            None => bound.0.push(0),
            Some(principal) => {
                bound.0.push(1);
                bound.push(principal.issuer());
                bound.push(Some(principal.subject()));
                bound.push(principal.client_id());
            }
        }
        bound
    }

    /// And for this purpose, such as the name of a method. Several narrow it down one after the
    /// other; their order counts.
    #[must_use]
    pub fn purpose(mut self, purpose: &str) -> Self {
        self.push(Some(purpose));
        self
    }

    /// And for a request with these contents.
    pub(super) fn digest(mut self, digest: &[u8; 32]) -> Self {
        self.0.extend_from_slice(digest);
        self
    }

    /// Each part with its length in front, so that no two lists of parts look the same.
    fn push(&mut self, part: Option<&str>) {
        match part {
            None => self.0.push(0),
            Some(part) => {
                self.0.push(1);
                self.0.extend_from_slice(&(part.len() as u64).to_be_bytes());
                self.0.extend_from_slice(part.as_bytes());
            }
        }
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealed(..)")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;
    use crate::AccessToken;

    const HOUR: Duration = Duration::from_secs(3600);

    fn alice() -> AccessToken {
        AccessToken::new("alice")
            .with_issuer("https://a")
            .with_client_id("app")
    }

    fn bound(token: &AccessToken) -> Sealed {
        Sealed::of(Some(token.principal()))
            .purpose("tools/call")
            .purpose("buy")
    }

    #[test]
    fn opens_only_for_the_same_principal_and_purpose() {
        let sealer = StateSealer::new().expect("random");
        let text = sealer
            .seal(&bound(&alice()), HOUR, &"paid")
            .expect("sealed");
        assert_eq!(
            sealer.open::<String>(&bound(&alice()), &text),
            Ok("paid".to_owned())
        );
        let refreshed = alice().with_scope_claim("more").with_token_id("2");
        assert_eq!(
            sealer.open::<String>(&bound(&refreshed), &text),
            Ok("paid".to_owned())
        );
        let principal = alice();
        let of_alice = || Sealed::of(Some(principal.principal()));
        for (case, other) in [
            (
                "another subject",
                bound(
                    &AccessToken::new("bob")
                        .with_issuer("https://a")
                        .with_client_id("app"),
                ),
            ),
            ("another issuer", bound(&alice().with_issuer("https://b"))),
            ("another client", bound(&alice().with_client_id("other"))),
            (
                "no client",
                bound(&AccessToken::new("alice").with_issuer("https://a")),
            ),
            (
                "anonymous",
                Sealed::of(None).purpose("tools/call").purpose("buy"),
            ),
            (
                "another method",
                of_alice().purpose("prompts/get").purpose("buy"),
            ),
            (
                "another tool",
                of_alice().purpose("tools/call").purpose("sell"),
            ),
            ("no tool", of_alice().purpose("tools/call")),
            ("both in one", of_alice().purpose("tools/callbuy")),
            ("one more", bound(&alice()).purpose("")),
        ] {
            assert_eq!(
                sealer.open::<String>(&other, &text),
                Err(NotValid),
                "{case}"
            );
        }
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        let token = |issuer: &str, subject: &str, client: &str| {
            AccessToken::new(subject)
                .with_issuer(issuer)
                .with_client_id(client)
        };
        let sealer = StateSealer::new().expect("random");
        let text = sealer
            .seal(&bound(&token("a", "bc", "d")), HOUR, &1)
            .expect("sealed");
        for other in [
            token("ab", "c", "d"),
            token("a", "b", "cd"),
            token("", "abc", "d"),
        ] {
            assert_eq!(
                sealer.open::<u8>(&bound(&other), &text),
                Err(NotValid),
                "{other:?}"
            );
        }
    }

    #[test]
    fn nothing_that_was_altered_opens() {
        let sealer = StateSealer::new().expect("random");
        let text = sealer
            .seal(&bound(&alice()), HOUR, &"paid")
            .expect("sealed");
        let open = |text: &str| sealer.open::<String>(&bound(&alice()), text);
        for at in 0..text.len() {
            let mut altered = text.clone().into_bytes();
            altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
            let altered = String::from_utf8(altered).expect("text");
            assert_eq!(open(&altered), Err(NotValid), "at {at}");
        }
        for end in 0..text.len() {
            assert_eq!(open(&text[..end]), Err(NotValid), "cut at {end}");
        }
        let twice = format!("{text}{text}");
        for other in [
            "",
            "x",
            "-TAMPERED",
            "\u{0}",
            &twice,
            &format!("{text}="),
            &"A".repeat(MAX_LENGTH + 1),
        ] {
            assert_eq!(open(other), Err(NotValid), "{} bytes", other.len());
        }
        assert_eq!(
            StateSealer::new()
                .expect("random")
                .open::<String>(&bound(&alice()), &text),
            Err(NotValid)
        );
        assert_eq!(
            sealer.open::<u8>(&bound(&alice()), &text),
            Err(NotValid),
            "of another type"
        );
    }

    #[test]
    fn what_is_sealed_cannot_be_read_and_looks_different_each_time() {
        let sealer = StateSealer::new().expect("random");
        let seal = || {
            sealer
                .seal(&bound(&alice()), HOUR, &"hunter2")
                .expect("sealed")
        };
        let text = seal();
        assert_ne!(text, seal());
        let bytes = URL_SAFE_NO_PAD.decode(text).expect("base64url");
        assert!(!bytes.windows(7).any(|window| window == b"hunter2"));
    }

    #[test]
    fn it_expires() {
        let now = Arc::new(AtomicU64::new(1_000_000));
        let seconds = Arc::clone(&now);
        let clock =
            move || SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.load(Ordering::SeqCst));
        let sealer = StateSealer::new().expect("random").with_clock(clock);
        let text = sealer
            .seal(&bound(&alice()), Duration::from_secs(10), &1)
            .expect("sealed");
        let open = || sealer.open::<u8>(&bound(&alice()), &text);
        now.store(1_000_009, Ordering::SeqCst);
        assert_eq!(open(), Ok(1));
        now.store(1_000_010, Ordering::SeqCst);
        assert_eq!(open(), Err(NotValid));
        let ever = sealer
            .seal(&bound(&alice()), Duration::MAX, &1)
            .expect("sealed");
        assert_eq!(sealer.open::<u8>(&bound(&alice()), &ever), Ok(1));
    }

    #[test]
    fn keys_change_without_breaking_what_is_under_way() {
        let (old, new) = ([1; 32], [2; 32]);
        let (before, after) = (
            StateSealer::with_key(&old, &[new]),
            StateSealer::with_key(&new, &[old]),
        );
        let seal = |sealer: &StateSealer| sealer.seal(&bound(&alice()), HOUR, &1).expect("sealed");
        for (sealer, text) in [(&after, seal(&before)), (&before, seal(&after))] {
            assert_eq!(sealer.open::<u8>(&bound(&alice()), &text), Ok(1));
        }
        let done = StateSealer::with_key(&new, &[]);
        assert_eq!(
            done.open::<u8>(&bound(&alice()), &seal(&before)),
            Err(NotValid)
        );
        assert_eq!(done.open::<u8>(&bound(&alice()), &seal(&after)), Ok(1));
    }

    #[test]
    fn debug_shows_no_key() {
        let sealer = StateSealer::with_key(&[7; 32], &[]);
        assert_eq!(format!("{sealer:?}"), "StateSealer(1 keys)");
        assert_eq!(format!("{:?}", bound(&alice())), "Sealed(..)");
    }
}
