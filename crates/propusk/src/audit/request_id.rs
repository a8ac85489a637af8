//! What ties an event to the lines of other programs: the client's own id, or one of ours.

use std::{
    fmt,
    hash::{BuildHasher, Hasher, RandomState},
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
};

use http::{HeaderMap, HeaderName, HeaderValue, header::AUTHORIZATION};

use super::span::TRACEPARENT;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest id that is taken from a client.
const LONGEST: usize = 128;

/// The id of an HTTP request: its `X-Request-Id`, else the trace id of its `traceparent` (W3C
/// Trace Context §3.2), else 32 hexadecimal digits that no other request has.
///
/// A client's id is taken where it is up to 128 letters, digits and `-_.:/+=@`, and there is one.
#[derive(Clone, PartialEq, Eq)]
pub struct RequestId(Kind);

#[derive(Clone, PartialEq, Eq)]
enum Kind {
    /// `X-Request-Id`, checked.
    Given(HeaderValue),
    /// `traceparent`, checked.
    Trace(HeaderValue),
    /// The number of a request of this process.
    Own(u64),
}

impl RequestId {
    /// The id of a request with these headers. Nothing is allocated.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(if let Some(given) = only(headers, &X_REQUEST_ID, is_sane) {
            Kind::Given(given)
        } else if let Some(trace) = only(headers, &TRACEPARENT, is_traceparent) {
            Kind::Trace(trace)
        } else {
            Kind::Own(NEXT.fetch_add(1, Ordering::Relaxed))
        })
    }
}

/// The only header of this name, if it is good and does not repeat the credentials.
fn only(headers: &HeaderMap, name: &HeaderName, good: fn(&[u8]) -> bool) -> Option<HeaderValue> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().filter(|value| good(value.as_bytes()))?;
    let alone = values.next().is_none();
    let secret = |credentials: &HeaderValue| {
        let credentials = credentials.as_bytes().windows(value.len());
        // Something short stands in a long token by chance.
        value.len() >= 8 && credentials.into_iter().any(|part| part == value.as_bytes())
    };
    let secret = headers.get_all(AUTHORIZATION).iter().any(secret);
    (alone && !secret).then(|| value.clone())
}

fn is_sane(id: &[u8]) -> bool {
    let good = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:/+=@".contains(byte);
    (1..=LONGEST).contains(&id.len()) && id.iter().all(good)
}

/// `00-<32 hexadecimal digits, not all 0>-<16>-<2>`; later versions may add to it.
pub(super) fn is_traceparent(value: &[u8]) -> bool {
    let hex = |part: &[u8]| {
        part.iter()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let later = |value: &[u8]| value.len() == 55 || (value[..2] != *b"00" && value[55] == b'-');
    (55..=LONGEST).contains(&value.len())
        && [2, 35, 52].iter().all(|at| value[*at] == b'-')
        && [0..2, 3..35, 36..52, 53..55]
            .into_iter()
            .all(|part| hex(&value[part]))
        && value[..2] != *b"ff"
        && value[3..35].iter().any(|byte| *byte != b'0')
        && later(value)
}

/// Half of every id of our own: another process counts from 0 too.
fn process() -> u64 {
    // The keys of a `RandomState` come from the operating system.
    static PROCESS: LazyLock<u64> = LazyLock::new(|| RandomState::new().build_hasher().finish());
    *PROCESS
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Given(id) => f.write_str(id.to_str().unwrap_or_default()),
            Kind::Trace(trace) => f.write_str(
                trace
                    .to_str()
                    .ok()
                    .and_then(|trace| trace.get(3..35))
                    .unwrap_or_default(),
            ),
            Kind::Own(number) => write!(f, "{:016x}{number:016x}", process()),
        }
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequestId({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Headers<'a> = &'a [(&'a str, &'a [u8])];

    fn id(headers: Headers<'_>) -> String {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name: HeaderName = name.parse().expect("a name");
            map.append(name, HeaderValue::from_bytes(value).expect("a value"));
        }
        RequestId::of(&map).to_string()
    }

    #[test]
    fn a_sane_id_of_the_client_is_taken() {
        let uuid = "1f0c9b2e-7c1d-4a57-9d4e-1a2b3c4d5e6f";
        let long = "a".repeat(LONGEST);
        let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let later = "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more";
        let trace_id = "4bf92f3577b34da6a3ce929d0e0e4736";
        #[rustfmt::skip]
        let table: [(Headers<'_>, &str); 7] = [
            (&[("x-request-id", b"a")], "a"),
            (&[("x-request-id", uuid.as_bytes())], uuid),
            (&[("x-request-id", long.as_bytes())], &long),
            (&[("x-request-id", b"Root=1-67891233-abcdef")], "Root=1-67891233-abcdef"),
            (&[("traceparent", trace.as_bytes())], trace_id),
            (&[("traceparent", later.as_bytes())], trace_id),
            (&[("x-request-id", b"no good"), ("traceparent", trace.as_bytes())], trace_id),
        ];
        for (headers, expected) in table {
            assert_eq!(id(headers), expected, "{headers:?}");
        }
    }

    #[test]
    fn anything_else_is_replaced_by_one_of_ours() {
        let long = "a".repeat(LONGEST + 1);
        #[rustfmt::skip]
        let table: [Headers<'_>; 15] = [
            &[],
            &[("x-request-id", b"")],
            &[("x-request-id", b"a b")],
            &[("x-request-id", b"\"}{\"")],
            &[("x-request-id", "имя".as_bytes())],
            &[("x-request-id", b"\xff")],
            &[("x-request-id", long.as_bytes())],
            &[("x-request-id", b"a"), ("x-request-id", b"a")],
            &[("x-request-id", b"secret-token"), ("authorization", b"Bearer secret-token")],
            &[("x-request-id", b"secret-t"), ("authorization", b"Bearer secret-token")],
            &[("traceparent", b"00-00000000000000000000000000000000-00f067aa0ba902b7-01")],
            &[("traceparent", b"00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01")],
            &[("traceparent", b"ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")],
            &[("traceparent", b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x")],
            &[("traceparent", b"cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01x")],
        ];
        let mut seen = std::collections::HashSet::new();
        for headers in table {
            let id = id(headers);
            assert!(
                id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()),
                "{headers:?}: {id}"
            );
            assert!(seen.insert(id), "each is its own");
        }
    }
}
