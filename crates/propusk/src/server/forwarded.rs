//! The hops of `X-Forwarded-For` and of `Forwarded` (RFC 7239).

use std::net::{IpAddr, SocketAddr};

use super::proxies::ForwardedHeader;

/// The hops from the last to the first; `None` is one without an address. Several headers of one
/// name are one list (RFC 9110 §5.3).
pub(super) fn from_the_right<'a>(
    values: &'a [&'a str],
    header: ForwardedHeader,
) -> impl Iterator<Item = Option<SocketAddr>> + 'a {
    values.iter().rev().flat_map(move |value| {
        let hops: Vec<Option<SocketAddr>> = match header {
            ForwardedHeader::XForwardedFor => value.split(',').map(node).collect(),
            ForwardedHeader::Forwarded => match elements(value) {
                Some(elements) => elements
                    .iter()
                    .map(|element| forwarded_for(element))
                    .collect(),
                // Where a quote does not end, nobody knows what stands where.
                None => vec![None],
            },
        };
        hops.into_iter().rev()
    })
}

/// The elements of a list, whose commas may stand in quotes.
fn elements(value: &str) -> Option<Vec<&str>> {
    split(value, ',')
}

/// Splits outside of quotes (RFC 9110 §5.6.4).
fn split(text: &str, at: char) -> Option<Vec<&str>> {
    let (mut parts, mut begin) = (Vec::new(), 0);
    let (mut quoted, mut escaped) = (false, false);
    for (index, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            c if c == at && !quoted => {
                parts.push(&text[begin..index]);
                begin = index + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[begin..]);
    (!quoted).then_some(parts)
}

/// The address of the one `for` of an element.
fn forwarded_for(element: &str) -> Option<SocketAddr> {
    let pairs = split(element, ';')?;
    let mut fors = pairs.iter().filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        name.trim()
            .eq_ignore_ascii_case("for")
            .then(|| value.trim())
    });
    let (Some(value), None) = (fors.next(), fors.next()) else {
        return None;
    };
    let unquoted = value
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    node(unquoted.unwrap_or(value))
}

/// `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:80` (§6).
fn node(text: &str) -> Option<SocketAddr> {
    let text = text.trim();
    let address = text.parse::<SocketAddr>().ok().or_else(|| {
        let bare = text
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'));
        let ip: IpAddr = bare.unwrap_or(text).parse().ok()?;
        (bare.is_none() || ip.is_ipv6()).then(|| SocketAddr::new(ip, 0))
    })?;
    Some(SocketAddr::new(address.ip().to_canonical(), address.port()))
}
