//! W3C Trace Context: the span of a request, and the header that tells it to others.

use std::{
    fmt,
    hash::BuildHasher,
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
};

use http::{HeaderMap, HeaderName, HeaderValue};

use super::request_id::is_traceparent;

pub(crate) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// The span of one request: part of the trace that its client began, else the root of a new one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Span {
    trace_id: u128,
    id: u64,
    parent: Option<u64>,
    sampled: bool,
}

impl Span {
    /// A span for a request with these headers (W3C Trace Context §4.3). The header names it as the
    /// parent afterwards. A `traceparent` that is not valid is as if it were not there, and then
    /// `tracestate` goes with it.
    pub(crate) fn begin(headers: &mut HeaderMap) -> Self {
        let span = match given(headers) {
            Some((trace_id, parent, sampled)) => Self {
                trace_id,
                id: random(),
                parent: Some(parent),
                sampled,
            },
            None => {
                headers.remove(TRACESTATE);
                Self {
                    trace_id: (u128::from(random()) << 64) | u128::from(random()),
                    id: random(),
                    parent: None,
                    sampled: true,
                }
            }
        };
        headers.insert(TRACEPARENT, span.header());
        span
    }

    /// The same span as part of the trace that a message names (`traceparent` in its `_meta`), where no
    /// header named one.
    pub(crate) fn or_after(self, told: &str) -> Self {
        match parse(told.as_bytes()).filter(|_| self.parent.is_none()) {
            Some((trace_id, parent, sampled)) => Self {
                trace_id,
                id: self.id,
                parent: Some(parent),
                sampled,
            },
            None => self,
        }
    }

    /// The id of the whole trace, 16 bytes, never zero.
    #[must_use]
    pub fn trace_id(&self) -> u128 {
        self.trace_id
    }

    /// The id of this span, never zero.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.id
    }

    /// The id of the client's span, if it named one.
    #[must_use]
    pub fn parent(&self) -> Option<u64> {
        self.parent
    }

    /// Whether the trace is recorded: as the client says, else yes.
    #[must_use]
    pub fn is_sampled(&self) -> bool {
        self.sampled
    }

    fn header(&self) -> HeaderValue {
        // Hexadecimal digits and hyphens are a header value.
        HeaderValue::from_str(&self.to_string()).unwrap_or_else(|_| HeaderValue::from_static(""))
    }
}

/// As `traceparent` says it.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flags = u8::from(self.sampled);
        write!(f, "00-{:032x}-{:016x}-{flags:02x}", self.trace_id, self.id)
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Span({self})")
    }
}

/// Trace, parent, and whether it is sampled.
fn given(headers: &HeaderMap) -> Option<(u128, u64, bool)> {
    let mut values = headers.get_all(TRACEPARENT).iter();
    let value = values.next()?;
    if values.next().is_some() {
        return None;
    }
    parse(value.as_bytes())
}

fn parse(value: &[u8]) -> Option<(u128, u64, bool)> {
    if !is_traceparent(value) {
        return None;
    }
    let value = std::str::from_utf8(value).ok()?;
    let trace_id = u128::from_str_radix(value.get(3..35)?, 16).ok()?;
    let parent = u64::from_str_radix(value.get(36..52)?, 16).ok()?;
    let flags = u8::from_str_radix(value.get(53..55)?, 16).ok()?;
    (parent != 0).then_some((trace_id, parent, flags & 1 == 1))
}

/// A number that is not zero and that nobody outside can foretell: of a counter, under a key that
/// the operating system gave.
fn random() -> u64 {
    static KEY: LazyLock<std::hash::RandomState> = LazyLock::new(std::hash::RandomState::new);
    static NEXT: AtomicU64 = AtomicU64::new(0);
    KEY.hash_one(NEXT.fetch_add(1, Ordering::Relaxed)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    fn begin(headers: &[(&str, &str)]) -> (Span, HeaderMap) {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name: HeaderName = name.parse().expect("a name");
            map.append(name, value.parse().expect("a value"));
        }
        let span = Span::begin(&mut map);
        (span, map)
    }

    #[test]
    fn w3c_trace_context_4_3_the_trace_goes_on_with_another_parent() {
        for (flags, sampled) in [("01", true), ("00", false), ("03", true)] {
            let given = format!("00-{TRACE}-00f067aa0ba902b7-{flags}");
            let (span, headers) = begin(&[("traceparent", &given), ("tracestate", "a=b")]);
            assert_eq!(format!("{:032x}", span.trace_id()), TRACE);
            assert_eq!(span.parent(), Some(0x00f0_67aa_0ba9_02b7));
            assert_eq!(span.is_sampled(), sampled);
            let flags = u8::from(sampled);
            let expected = format!("00-{TRACE}-{:016x}-{flags:02x}", span.id());
            assert_eq!(headers["traceparent"], expected);
            assert_eq!(headers["tracestate"], "a=b");
        }
    }

    #[test]
    fn a_trace_that_only_the_message_names_goes_on() {
        let told = format!("00-{TRACE}-00f067aa0ba902b7-00");
        let (own, _) = begin(&[]);
        let after = own.or_after(&told);
        assert_eq!(format!("{:032x}", after.trace_id()), TRACE);
        assert_eq!(after.parent(), Some(0x00f0_67aa_0ba9_02b7));
        assert_eq!((after.id(), after.is_sampled()), (own.id(), false));
        assert_eq!(own.or_after("garbage"), own);
        // A header is nearer than what the message says.
        let other = format!("00-{}-00f067aa0ba902b8-01", TRACE.replace('4', "5"));
        let (given, _) = begin(&[("traceparent", &other)]);
        assert_eq!(given.or_after(&told), given);
    }

    #[test]
    fn what_is_not_valid_begins_a_new_trace() {
        let good = format!("00-{TRACE}-00f067aa0ba902b7-01");
        let no_parent = format!("00-{TRACE}-0000000000000000-01");
        let table: [&[(&str, &str)]; 4] = [
            &[],
            &[("traceparent", "garbage"), ("tracestate", "a=b")],
            &[("traceparent", &no_parent)],
            &[("traceparent", &good), ("traceparent", &good)],
        ];
        let mut seen = std::collections::HashSet::new();
        for headers in table {
            let (span, after) = begin(headers);
            assert_eq!((span.parent(), span.is_sampled()), (None, true));
            assert_ne!(format!("{:032x}", span.trace_id()), TRACE);
            assert!(seen.insert(span.trace_id()) && span.trace_id() != 0 && span.id() != 0);
            let sent: Vec<_> = after.get_all("traceparent").iter().collect();
            assert_eq!(sent, [&span.to_string()]);
            assert!(!after.contains_key("tracestate"));
        }
    }
}
