//! The address of the server, and the URL that follows from it.

use std::{
    io::ErrorKind,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use tokio::net::{TcpListener, lookup_host};

use crate::failure::Failure;

/// `host:port`. Resolving the host is the operating system's business.
pub(super) fn address_of(flag: &str, text: &str) -> Result<(), Failure> {
    let parts = text.rsplit_once(':');
    let good = |(host, port): (&str, &str)| {
        !host.is_empty() && !host.contains('/') && port.parse::<u16>().is_ok()
    };
    if parts.is_some_and(good) {
        return Ok(());
    }
    Err(
        Failure::usage(format!("{flag}: {text:?} is not an address"))
            .hint("write an address with its port, such as 127.0.0.1:8000 or [::1]:8000"),
    )
}

pub(super) async fn bind(flag: &str, listen: &str) -> Result<TcpListener, Failure> {
    TcpListener::bind(listen)
        .await
        .map_err(|error| match error.kind() {
            ErrorKind::AddrInUse => Failure::unavailable(format!(
                "{listen} is in use by another program"
            ))
            .hint(format!(
                "choose another port with {flag}, for example {flag} 127.0.0.1:0 for any free one"
            )),
            _ => Failure::unavailable(format!("cannot listen on {listen}: {error}")),
        })
}

/// The address that [`bind`] would take if nobody else had it: the first that belongs to this
/// machine. Where none does, the settings are those of another machine, and it is the first of all.
pub(super) async fn would_bind(listen: &str) -> Result<SocketAddr, Failure> {
    let unknown = |why: &dyn std::fmt::Display| {
        Failure::unavailable(format!("--listen: {listen}: {why}"))
            .hint("name the URL that clients use with --resource")
    };
    let found = lookup_host(listen).await.map_err(|error| unknown(&error))?;
    let addresses: Vec<SocketAddr> = found.collect();
    if addresses.iter().any(|address| address.port() == 0) {
        return Err(Failure::usage(format!(
            "--listen: {listen}: the port, and the resource URL with it, is chosen when the server starts"
        ))
        .hint("name the URL that clients use with --resource"));
    }
    for address in &addresses {
        if TcpListener::bind((address.ip(), 0)).await.is_ok() {
            return Ok(*address);
        }
    }
    let first = addresses.first().copied();
    first.ok_or_else(|| unknown(&"the name has no address"))
}

/// The URL of a server that listens there, for a program of the same machine. A wildcard is none that
/// can be connected to.
pub(crate) fn reachable(listen: &str, tls: bool) -> String {
    match listen.parse::<SocketAddr>() {
        Ok(address) => base_at(address, tls),
        Err(_) if tls => format!("https://{listen}"),
        Err(_) => format!("http://{listen}"),
    }
}

/// The URL of a server that is bound to this address, without a path. A wildcard is none that a
/// client can connect to.
pub(super) fn base_at(bound: SocketAddr, tls: bool) -> String {
    let ip = match bound.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    let scheme = if tls { "https" } else { "http" };
    format!("{scheme}://{}", SocketAddr::new(ip, bound.port()))
}
