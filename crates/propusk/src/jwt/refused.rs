//! Why a token is not valid: a kind for the log, and words for a human at `propusk inspect`.

use std::time::{Duration, SystemTime};

use crate::{Unavailable, jose::InvalidCompact};

/// Why a token is refused. The texts say nothing of what the token contains.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(crate) enum Refused {
    #[error("{0}")]
    Form(#[from] InvalidCompact),
    #[error("the `typ` of its header is not that of an access token")]
    MediaType,
    #[error("the `typ` of its header is not `at+jwt`, which this server requires")]
    NotAtJwt,
    #[error("it contains another token; nested tokens are not accepted")]
    Nested,
    #[error("its header brings or names a key (`{0}`); only keys of the issuer count")]
    KeySource(&'static str),
    #[error("its algorithm is not one that is accepted from this issuer")]
    Algorithm,
    #[error("it has no `{0}`")]
    Missing(&'static str),
    #[error("its `{0}` is not of the type or in the range that it must be")]
    Claim(&'static str),
    #[error("it is from another issuer")]
    OtherIssuer,
    #[error("it has expired")]
    Expired(SystemTime),
    #[error("it is not valid yet (`nbf`)")]
    NotYet(SystemTime),
    #[error("it was issued in the future (`iat`)")]
    FromTheFuture(SystemTime),
    #[error("it was issued for another audience")]
    OtherAudience,
    #[error("it has no `aud`, and the rule for such tokens does not accept it")]
    WithoutAudience,
    #[error("its key is not among those of the issuer")]
    UnknownKey,
    #[error("the key that it names is for another algorithm")]
    KeyAlgorithm,
    #[error(
        "it does not say which key it is signed with (`kid`), and none of the first {0} keys of \
         the set that would fit made its signature; no more are tried"
    )]
    AmbiguousKey(usize),
    #[error("its signature is wrong")]
    Signature,
}

impl Refused {
    /// The reason in words, with the local clock beside the times of the token.
    pub(crate) fn in_words(&self, now: SystemTime) -> String {
        let clock = || format!("this machine's clock says {}", shown(now));
        match *self {
            Self::Expired(end) => {
                let ago = rounded(now.duration_since(end).unwrap_or_default());
                format!("it expired {ago} ago (`exp` {}; {})", shown(end), clock())
            }
            Self::NotYet(start) => {
                let ahead = rounded(start.duration_since(now).unwrap_or_default());
                let start = shown(start);
                format!("it will be valid in {ahead} (`nbf` {start}; {})", clock())
            }
            Self::FromTheFuture(issued) => {
                let ahead = rounded(issued.duration_since(now).unwrap_or_default());
                let issued = shown(issued);
                format!(
                    "it was issued {ahead} in the future (`iat` {issued}; {})",
                    clock()
                )
            }
            _ => self.to_string(),
        }
    }
}

/// A refusal, or the lack of an answer.
pub(crate) enum NotVerified {
    Refused(Refused),
    Unavailable(Unavailable),
}

impl From<Refused> for NotVerified {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

impl From<InvalidCompact> for NotVerified {
    fn from(invalid: InvalidCompact) -> Self {
        Self::Refused(invalid.into())
    }
}

impl From<Unavailable> for NotVerified {
    fn from(unavailable: Unavailable) -> Self {
        Self::Unavailable(unavailable)
    }
}

fn shown(time: SystemTime) -> impl std::fmt::Display {
    humantime::format_rfc3339_seconds(time)
}

/// A duration in the one unit that a human would use.
fn rounded(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (count, unit) = match seconds {
        0..120 => (seconds, "second"),
        120..7_200 => (seconds / 60, "minute"),
        7_200..172_800 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_stand_beside_the_local_clock() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let hour = Duration::from_secs(3600);
        for (refused, expected) in [
            (
                Refused::Expired(now - 2 * hour),
                "it expired 2 hours ago (`exp` 2027-01-15T06:00:00Z; this machine's clock says 2027-01-15T08:00:00Z)",
            ),
            (
                Refused::NotYet(now + hour),
                "it will be valid in 60 minutes (`nbf` 2027-01-15T09:00:00Z; this machine's clock says 2027-01-15T08:00:00Z)",
            ),
            (
                Refused::FromTheFuture(now + 72 * hour),
                "it was issued 3 days in the future (`iat` 2027-01-18T08:00:00Z; this machine's clock says 2027-01-15T08:00:00Z)",
            ),
            (Refused::Signature, "its signature is wrong"),
        ] {
            assert_eq!(refused.in_words(now), expected);
        }
        assert_eq!(rounded(Duration::from_secs(1)), "1 second");
    }
}
