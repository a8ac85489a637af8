//! Whose limit it is.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Asked, buckets::Key};
use crate::{AccessToken, Principal};

/// A network that one client has: an IPv4 address, or 64 bits of an IPv6 address, since who has one of
/// those has them all (RFC 6177 §2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Network {
    V4(u32),
    V6(u64),
}

impl Network {
    pub(super) fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::V4(address.to_bits()),
            IpAddr::V6(address) => Self::V6((address.to_bits() >> 64) as u64),
        }
    }
}

impl Key for Network {
    /// What a provider has: 16 bits, or 32.
    fn wider(&self) -> Self {
        match self {
            Self::V4(bits) => Self::V4(bits & 0xffff_0000),
            Self::V6(bits) => Self::V6(bits & 0xffff_ffff_0000_0000),
        }
    }
}

impl std::fmt::Display for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::V4(bits) => Ipv4Addr::from_bits(*bits).fmt(f),
            Self::V6(bits) => write!(f, "{}/64", Ipv6Addr::from_bits(u128::from(*bits) << 64)),
        }
    }
}

/// Who asks: a subject of an issuer, whatever token it has and by whatever client; without one, whoever
/// has that address.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Who {
    Principal(Principal),
    Network(Network),
    Nobody,
}

impl Who {
    pub(super) fn of(asked: &Asked<'_>) -> Self {
        match (asked.caller.map(AccessToken::principal), asked.remote) {
            (Some(principal), _) => Self::Principal(Principal {
                client_id: None,
                ..principal.clone()
            }),
            (None, Some(address)) => Self::Network(Network::of(address)),
            (None, None) => Self::Nobody,
        }
    }
}

impl Key for Who {
    fn wider(&self) -> Self {
        match self {
            Self::Principal(principal) => Self::Principal(Principal {
                issuer: principal.issuer.clone(),
                subject: "".into(),
                client_id: None,
            }),
            Self::Network(network) => Self::Network(network.wider()),
            Self::Nobody => Self::Nobody,
        }
    }
}

/// Everybody together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct All;

impl Key for All {
    fn wider(&self) -> Self {
        Self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where anybody may register clients, one user would have any number of buckets.
    #[test]
    fn the_clients_of_a_subject_are_one() {
        let who = |issuer: &str, subject: &str, client: &str| {
            let token = AccessToken::new(subject).with_issuer(issuer);
            Who::of(&Asked {
                operation: &crate::Operation::Request,
                arguments: None,
                caller: Some(&token.with_client_id(client)),
                remote: None,
                now: std::time::SystemTime::UNIX_EPOCH,
            })
        };
        let alice = who("https://a", "alice", "one");
        assert_eq!(alice, who("https://a", "alice", "two"));
        assert_ne!(alice, who("https://b", "alice", "one"));
        assert_ne!(alice, who("https://a", "bob", "one"));
    }

    #[test]
    fn a_client_has_one_network() {
        let network = |text: &str| Network::of(text.parse().expect("an address"));
        for (one, another, same) in [
            ("192.0.2.1", "192.0.2.1", true),
            ("192.0.2.1", "192.0.2.2", false),
            ("192.0.2.1", "::ffff:192.0.2.1", true),
            ("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", true),
            ("2001:db8:1:2::1", "2001:db8:1:3::1", false),
            ("::1", "0.0.0.1", false),
        ] {
            assert_eq!(network(one) == network(another), same, "{one} {another}");
        }
        let wider = |text: &str| network(text).wider();
        assert_eq!(wider("192.0.2.1"), wider("192.0.255.9"));
        assert_ne!(wider("192.0.2.1"), wider("192.1.2.1"));
        assert_eq!(wider("2001:db8:1::"), wider("2001:db8:ffff::"));
        assert_ne!(wider("2001:db8::"), wider("2001:db9::"));
        assert_eq!(
            network("2001:db8:1:2:3::4").to_string(),
            "2001:db8:1:2::/64"
        );
    }
}
