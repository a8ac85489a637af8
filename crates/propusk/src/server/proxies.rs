//! Whose word counts about where a request comes from: proxies of these address ranges.
//!
//! Left out, on purpose: `X-Forwarded-Host`, `X-Forwarded-Proto` and the `host` and `proto` of
//! `Forwarded` (RFC 7239 §5.3, §5.4). The public URL is a setting; nobody talks us into another.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    str::FromStr,
};

use http::{HeaderMap, HeaderName, header::FORWARDED};

use super::forwarded;
use crate::audit::RemoteAddress;

/// Proxies that are believed when they say for whom they ask.
///
/// A proxy adds the address that a request came from at the right end of one header. It is read from
/// there, hop by hop, for as long as the hop is one of these proxies; what stands left of the first
/// stranger is the stranger's own invention. A request from any other address comes from there,
/// whatever it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedProxies {
    ranges: Vec<AddressRange>,
    header: ForwardedHeader,
}

/// The header that the proxies write. The other one passes through proxies as a client wrote it, so
/// that there can be only one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ForwardedHeader {
    /// `X-Forwarded-For`, which most write.
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

/// Addresses that begin alike, such as `10.0.0.0/8` or `2001:db8::/32`, or a single one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressRange {
    first: IpAddr,
    prefix: u32,
}

/// A text is no range of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidAddressRange {
    /// It is neither an address nor one with the length of a prefix.
    #[error("this is no range of addresses")]
    Malformed,
    /// The address has more bits than its prefix, so that something else may be meant.
    #[error("the address goes on after its prefix of {0} bits")]
    BeyondPrefix(u32),
}

impl TrustedProxies {
    /// Believes proxies in these ranges, by this header.
    #[must_use]
    pub fn new(ranges: impl IntoIterator<Item = AddressRange>, header: ForwardedHeader) -> Self {
        let ranges = ranges.into_iter().collect();
        Self { ranges, header }
    }

    /// The ranges.
    #[must_use]
    pub fn ranges(&self) -> &[AddressRange] {
        &self.ranges
    }

    /// Where a request comes from that `peer` has sent. A hop without an address (`unknown`) leaves
    /// it at the one before. Where no port is known, it is 0.
    #[must_use]
    pub fn client(&self, peer: SocketAddr, headers: &HeaderMap) -> RemoteAddress {
        let mut client = peer;
        if self.trusts(peer.ip()) {
            let name = match self.header {
                ForwardedHeader::XForwardedFor => X_FORWARDED_FOR,
                ForwardedHeader::Forwarded => FORWARDED,
            };
            let values = headers.get_all(name);
            let values: Vec<&str> = values.iter().map(|v| v.to_str().unwrap_or("")).collect();
            for hop in forwarded::from_the_right(&values, self.header) {
                let Some(address) = hop else { break };
                client = address;
                if !self.trusts(address.ip()) {
                    break;
                }
            }
        }
        RemoteAddress(client)
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.ranges.iter().any(|range| range.contains(address))
    }
}

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

impl AddressRange {
    /// Whether an address is in it. An IPv4 address that is written as one of IPv6 is the same.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.first, address.to_canonical()) {
            (IpAddr::V4(first), IpAddr::V4(other)) => {
                let differ = u32::from(first) ^ u32::from(other);
                differ.checked_shr(32 - self.prefix).unwrap_or(0) == 0
            }
            (IpAddr::V6(first), IpAddr::V6(other)) => {
                let differ = u128::from(first) ^ u128::from(other);
                differ.checked_shr(128 - self.prefix).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

impl FromStr for AddressRange {
    type Err = InvalidAddressRange;

    fn from_str(text: &str) -> Result<Self, InvalidAddressRange> {
        let malformed = InvalidAddressRange::Malformed;
        let (address, prefix) = text.split_once('/').unwrap_or((text, ""));
        let first: IpAddr = address.parse().map_err(|_| malformed)?;
        let all = if first.is_ipv4() { 32 } else { 128 };
        let digits = prefix.bytes().all(|b| b.is_ascii_digit());
        let prefix = match prefix {
            "" if text == address => all,
            prefix if digits => prefix.parse().map_err(|_| malformed)?,
            _ => return Err(malformed),
        };
        if prefix > all {
            return Err(malformed);
        }
        let rest = match first {
            IpAddr::V4(first) => u128::from(u32::from(first).checked_shl(prefix).unwrap_or(0)),
            IpAddr::V6(first) => u128::from(first).checked_shl(prefix).unwrap_or(0),
        };
        match rest {
            0 => Ok(Self { first, prefix }),
            _ => Err(InvalidAddressRange::BeyondPrefix(prefix)),
        }
    }
}

impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn ranges_hold_what_begins_alike() {
        for (range, inside, outside) in [
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.1"),
            ("192.0.2.7", "192.0.2.7", "192.0.2.8"),
            ("0.0.0.0/0", "198.51.100.1", "::1"),
            ("2001:db8::/32", "2001:db8:1::1", "2001:db9::1"),
            ("::1", "::1", "::2"),
            ("::/0", "::2", "10.0.0.1"),
            ("10.0.0.0/8", "::ffff:10.0.0.1", "::ffff:11.0.0.1"),
        ] {
            let range: AddressRange = range.parse().expect(range);
            assert!(
                range.contains(inside.parse().expect("an address")),
                "{range}"
            );
            assert!(
                !range.contains(outside.parse().expect("an address")),
                "{range}"
            );
        }
        for wrong in [
            "",
            "10",
            "10.0.0.0/",
            "10.0.0.0/33",
            "::/129",
            "10.0.0.0/+8",
            "a/8",
        ] {
            let parsed: Result<AddressRange, _> = wrong.parse();
            assert_eq!(parsed, Err(InvalidAddressRange::Malformed), "{wrong}");
        }
        for wrong in ["10.0.0.1/8", "2001:db8::1/32"] {
            let parsed: Result<AddressRange, _> = wrong.parse();
            assert!(
                matches!(parsed, Err(InvalidAddressRange::BeyondPrefix(_))),
                "{wrong}"
            );
        }
    }

    fn client(header: ForwardedHeader, peer: &str, written: &[(&'static str, &str)]) -> String {
        let ranges = ["10.0.0.0/8", "fd00::/8"].map(|range| range.parse().expect(range));
        let mut headers = HeaderMap::new();
        for (name, value) in written {
            headers.append(*name, HeaderValue::from_str(value).expect("a value"));
        }
        let proxies = TrustedProxies::new(ranges, header);
        let peer = format!("{peer}:9").parse().expect("an address");
        proxies.client(peer, &headers).0.to_string()
    }

    #[test]
    fn a_chain_is_read_from_the_right_and_only_as_far_as_it_is_trusted() {
        const NAME: &str = "x-forwarded-for";
        for (peer, values, expected) in [
            // A stranger says what it likes.
            ("192.0.2.1", &["10.0.0.9, 198.51.100.1"][..], "192.0.2.1:9"),
            ("10.0.0.1", &[], "10.0.0.1:9"),
            ("10.0.0.1", &["198.51.100.1"], "198.51.100.1:0"),
            // What the client has written itself stands on the left.
            ("10.0.0.1", &["203.0.113.9, 198.51.100.1"], "198.51.100.1:0"),
            (
                "10.0.0.1",
                &["203.0.113.9", "198.51.100.1"],
                "198.51.100.1:0",
            ),
            ("10.0.0.1", &["198.51.100.1, 10.0.0.2"], "198.51.100.1:0"),
            (
                "10.0.0.1",
                &["198.51.100.1:4711,10.0.0.2:80"],
                "198.51.100.1:4711",
            ),
            ("10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3:0"),
            (
                "10.0.0.1",
                &["2001:db8::1, [fd00::2]:80"],
                "[2001:db8::1]:0",
            ),
            // Who it was is not known beyond the proxy that says so.
            (
                "10.0.0.1",
                &["198.51.100.1, unknown, 10.0.0.2"],
                "10.0.0.2:0",
            ),
            ("10.0.0.1", &["198.51.100.1, "], "10.0.0.1:9"),
            ("10.0.0.1", &["198.51.100.1; DROP"], "10.0.0.1:9"),
        ] {
            let written: Vec<_> = values.iter().map(|value| (NAME, *value)).collect();
            let found = client(ForwardedHeader::XForwardedFor, peer, &written);
            assert_eq!(found, expected, "{peer} {values:?}");
        }
    }

    #[test]
    fn rfc7239_4_forwarded_is_read_with_its_quotes() {
        for (value, expected) in [
            ("for=198.51.100.1", "198.51.100.1:0"),
            ("For=\"198.51.100.1:4711\";proto=https", "198.51.100.1:4711"),
            ("by=10.0.0.1;for=\"[2001:db8::1]\"", "[2001:db8::1]:0"),
            (
                "for=203.0.113.9, for=\"198.51.100.1\" ;host=\"a,b\"",
                "198.51.100.1:0",
            ),
            (
                "for=\"198.51.100.1\", for=10.0.0.2;host=\"a\\\",b\"",
                "198.51.100.1:0",
            ),
            ("for=198.51.100.1, for=_hidden", "10.0.0.1:9"),
            ("for=198.51.100.1, for=unknown", "10.0.0.1:9"),
            ("for=198.51.100.1, proto=https", "10.0.0.1:9"),
            ("for=198.51.100.1;for=203.0.113.9", "10.0.0.1:9"),
            ("for=\"198.51.100.1", "10.0.0.1:9"),
        ] {
            let written = [("forwarded", value)];
            let found = client(ForwardedHeader::Forwarded, "10.0.0.1", &written);
            assert_eq!(found, expected, "{value}");
        }
    }

    /// A proxy hands on the header that it does not write as the client has written it.
    #[test]
    fn the_other_header_is_not_read() {
        let both = [
            ("forwarded", "for=203.0.113.9"),
            ("x-forwarded-for", "198.51.100.1"),
        ];
        let found = client(ForwardedHeader::XForwardedFor, "10.0.0.1", &both);
        assert_eq!(found, "198.51.100.1:0");
        let found = client(ForwardedHeader::Forwarded, "10.0.0.1", &both);
        assert_eq!(found, "203.0.113.9:0");
    }
}
