//! Which addresses may be asked (MCP Security Best Practices, SSRF).
//!
//! The operator configures one URL. Documents found there name others, and whoever can change such a
//! document must not be able to point us at the inside of our own network.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use super::FetchError;

/// The configured host is trusted wherever it is; every other one must be public. Plain http is
/// spoken with the configured host only, and only where it was configured so.
#[derive(Debug, Clone)]
pub(crate) struct AddressPolicy {
    configured: String,
    trusts_http: bool,
    also_trusted: Vec<String>,
    neighbours: bool,
}

impl AddressPolicy {
    pub(crate) fn trusting(configured: &Url) -> Self {
        Self {
            configured: configured.host_str().unwrap_or_default().to_owned(),
            trusts_http: configured.scheme() == "http",
            also_trusted: Vec::new(),
            neighbours: false,
        }
    }

    /// Where the configured host is this very machine, other servers of this machine are trusted
    /// too: whoever develops a server runs its authorization server beside it.
    #[cfg(feature = "client")]
    pub(crate) fn with_neighbours(mut self) -> Self {
        self.neighbours = self.trusts_loopback();
        self
    }

    /// Trusts the host of another configured URL wherever it is, over https.
    #[cfg(feature = "client")]
    pub(crate) fn also_trusting(mut self, configured: &Url) -> Self {
        self.also_trusted
            .extend(configured.host_str().map(str::to_owned));
        self
    }

    /// Whether the configured host is this very machine.
    pub(crate) fn trusts_loopback(&self) -> bool {
        is_this_machine(&self.configured)
    }

    fn trusts(&self, host: &str) -> bool {
        host == self.configured || self.also_trusted.iter().any(|other| other == host)
    }

    fn is_neighbour(&self, host: &str) -> bool {
        self.neighbours && is_this_machine(host)
    }

    /// Checks what can be told from the URL itself; names are checked when they are resolved.
    pub(crate) fn check(&self, url: &Url) -> Result<(), FetchError> {
        let refuse = |why| {
            let shown = url.origin().ascii_serialization();
            Err(FetchError::Forbidden(shown, why))
        };
        if !matches!(url.scheme(), "http" | "https") {
            return refuse("its scheme is not https");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return refuse("it contains a user name");
        }
        let host = url.host_str().unwrap_or_default();
        let neighbour = self.is_neighbour(host);
        let trusted_over_http = neighbour || (self.trusts_http && host == self.configured);
        if url.scheme() != "https" && !trusted_over_http {
            return refuse("its scheme is not https");
        }
        if neighbour || self.trusts(host) {
            return Ok(());
        }
        let address = match url.host() {
            Some(Host::Ipv4(address)) => IpAddr::V4(address),
            Some(Host::Ipv6(address)) => IpAddr::V6(address),
            Some(Host::Domain(_)) => return Ok(()),
            None => return refuse("it has no host"),
        };
        if is_public(address) {
            Ok(())
        } else {
            refuse("its address is not public")
        }
    }
}

impl Resolve for AddressPolicy {
    fn resolve(&self, name: Name) -> Resolving {
        let trusted = self.trusts(name.as_str());
        let neighbour = self.is_neighbour(name.as_str());
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> = found
                .filter(|address| {
                    let address = address.ip();
                    trusted || is_public(address) || (neighbour && address.is_loopback())
                })
                .collect();
            if allowed.is_empty() {
                return Err(NoPublicAddress(name.as_str().to_owned()).into());
            }
            let addresses: Addrs = Box::new(allowed.into_iter());
            Ok(addresses)
        })
    }
}

/// A name that leads to no address that may be asked.
#[derive(Debug, thiserror::Error)]
#[error("{0} has no public address")]
pub(super) struct NoPublicAddress(pub(super) String);

/// Whether a host, as it stands in a URL, is this very machine.
fn is_this_machine(host: &str) -> bool {
    let text = host.trim_matches(['[', ']']);
    text == "localhost" || text.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

/// Whether an address is reachable from the whole Internet, by the special-purpose registries of
/// IANA (RFC 6890). What is in doubt is not.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (18..20).contains(&b)))
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    match segments {
        // An IPv4 address in disguise is judged as what it is: mapped, NAT64, 6to4.
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            is_public_v4(v4(high, low))
        }
        [0x2002, high, low, ..] => is_public_v4(v4(high, low)),
        // Teredo, benchmarking, ORCHID and documentation.
        [0x2001, 0..=0x1ff, ..] | [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => false,
        // All that is handed out for global use is below 2000::/3.
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

fn v4(high: u16, low: u16) -> Ipv4Addr {
    let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
    Ipv4Addr::new(a, b, c, d)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc6890_special_addresses_are_not_public() {
        for (address, public) in [
            ("93.184.216.34", true),
            ("8.8.8.8", true),
            ("127.0.0.1", false),
            ("10.0.0.1", false),
            ("172.16.0.1", false),
            ("172.32.0.1", true),
            ("192.168.1.1", false),
            ("169.254.169.254", false),
            ("100.64.0.1", false),
            ("100.128.0.1", true),
            ("0.0.0.0", false),
            ("192.0.0.8", false),
            ("192.0.2.1", false),
            ("192.88.99.1", false),
            ("198.18.0.1", false),
            ("203.0.113.1", false),
            ("224.0.0.1", false),
            ("255.255.255.255", false),
            ("2606:4700::1111", true),
            ("::1", false),
            ("::", false),
            ("fe80::1", false),
            ("fc00::1", false),
            ("fd00:ec2::254", false),
            ("ff02::1", false),
            ("2001:db8::1", false),
            ("2001::1", false),
            ("3fff::1", false),
            ("::ffff:127.0.0.1", false),
            ("::ffff:8.8.8.8", true),
            ("::127.0.0.1", false),
            ("64:ff9b::a00:1", false),
            ("64:ff9b::808:808", true),
            ("2002:7f00:1::", false),
        ] {
            let parsed: IpAddr = address.parse().expect(address);
            assert_eq!(is_public(parsed), public, "{address}");
        }
    }

    #[test]
    fn only_the_configured_host_may_be_inside() {
        let policy = |configured: &str| AddressPolicy::trusting(&configured.parse().expect("URL"));
        for (configured, url, allowed) in [
            ("https://login.example", "https://login.example/keys", true),
            ("https://login.example", "http://login.example/keys", false),
            ("https://login.example", "https://keys.example/keys", true),
            ("https://login.example", "http://keys.example/keys", false),
            ("https://login.example", "https://8.8.8.8/keys", true),
            ("https://login.example", "https://127.0.0.1/keys", false),
            ("https://login.example", "https://[::1]/keys", false),
            ("https://login.example", "https://2130706433/keys", false),
            ("https://login.example", "https://0x7f.1/keys", false),
            ("https://login.example", "https://169.254.169.254/", false),
            ("https://login.example", "https://me@login.example/", false),
            ("https://login.example", "file:///etc/passwd", false),
            ("http://127.0.0.1:9000", "http://127.0.0.1:9000/keys", true),
            ("http://127.0.0.1:9000", "http://127.0.0.1:9001/keys", true),
            ("http://127.0.0.1:9000", "https://127.0.0.2/keys", false),
            ("http://127.0.0.1:9000", "https://10.0.0.1/keys", false),
            ("https://10.0.0.1", "https://10.0.0.1/keys", true),
        ] {
            let url: Url = url.parse().expect("URL");
            assert_eq!(
                policy(configured).check(&url).is_ok(),
                allowed,
                "{configured} {url}"
            );
        }
        assert!(policy("http://[::1]:1").trusts_loopback());
        assert!(!policy("https://login.example").trusts_loopback());
    }

    #[cfg(feature = "client")]
    #[test]
    fn a_server_on_this_machine_may_name_others_on_this_machine() {
        for (configured, url, allowed) in [
            ("http://127.0.0.1:1/mcp", "http://127.0.0.1:2/", true),
            ("http://127.0.0.1:1/mcp", "http://localhost:2/", true),
            ("http://localhost:1/mcp", "http://[::1]:2/", true),
            ("http://localhost:1/mcp", "https://127.0.0.2/", true),
            ("http://localhost:1/mcp", "http://10.0.0.1/", false),
            ("http://localhost:1/mcp", "https://10.0.0.1/", false),
            ("http://localhost:1/mcp", "http://login.example/", false),
            ("http://localhost:1/mcp", "https://login.example/", true),
            ("https://mcp.example/mcp", "http://localhost:2/", false),
            ("https://mcp.example/mcp", "https://127.0.0.1/", false),
            ("https://mcp.example/mcp", "https://[::1]/", false),
            ("https://mcp.example/mcp", "https://192.168.1.1/", false),
            ("https://mcp.example/mcp", "https://10.1.1.1/", true),
            ("https://mcp.example/mcp", "http://10.1.1.1/", false),
        ] {
            let parse = |text: &str| text.parse::<Url>().expect("URL");
            let policy = AddressPolicy::trusting(&parse(configured))
                .also_trusting(&parse("https://10.1.1.1"))
                .with_neighbours();
            assert_eq!(
                policy.check(&parse(url)).is_ok(),
                allowed,
                "{configured} {url}"
            );
        }
    }

    #[tokio::test]
    async fn a_name_with_an_inside_address_is_not_resolved_unless_it_is_the_configured_one() {
        let name = |text: &str| text.parse::<Name>().expect("a name");
        let other = AddressPolicy::trusting(&"https://login.example".parse().expect("URL"));
        assert!(other.resolve(name("localhost")).await.is_err());
        let own = AddressPolicy::trusting(&"http://localhost:1".parse().expect("URL"));
        assert!(own.resolve(name("localhost")).await.is_ok());
        #[cfg(feature = "client")]
        {
            let own = AddressPolicy::trusting(&"http://127.0.0.1:1".parse().expect("URL"));
            assert!(own.resolve(name("localhost")).await.is_err());
            let own = own.with_neighbours();
            assert!(own.resolve(name("localhost")).await.is_ok());
        }
    }
}
