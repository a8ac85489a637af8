//! Two spellings of one resource.
//!
//! A handler that maps URIs to files may take `file:///a/../b` for `file:///b`, so a rule must see
//! both. This is no parser of URIs: it errs towards taking two for the same.

use std::borrow::Cow;

/// The URI without blanks around it and without tabs and line breaks (which the URLs of browsers drop),
/// without percent-encoding, dot segments, doubled or backward slashes, and with its scheme
/// and authority in lower case (RFC 3986 §6.2.2, and what is done to paths beyond it). A file has one
/// way of being written and no query.
pub(crate) fn normal(uri: &str) -> Cow<'_, str> {
    let decoded = percent_decoded(uri)
        .replace(['\t', '\n', '\r'], "")
        .replace('\\', "/");
    let decoded = of_file(decoded.trim_matches(|c: char| c <= ' '));
    let (head, path) = match decoded.split_once("://") {
        Some((scheme, rest)) => {
            let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            (format!("{scheme}://{authority}").to_lowercase(), path)
        }
        None => (String::new(), &*decoded),
    };
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(segments.pop()),
            _ => segments.push(segment),
        }
    }
    let first = if path.starts_with('/') { "/" } else { "" };
    let is_folder = path.ends_with('/') && !segments.is_empty();
    let last = if is_folder { "/" } else { "" };
    let normal = format!("{head}{first}{}{last}", segments.join("/"));
    if normal == uri {
        Cow::Borrowed(uri)
    } else {
        Cow::Owned(normal)
    }
}

/// `file:/x`, `file://localhost/x` and `file:///x?y` are one file.
fn of_file(uri: &str) -> Cow<'_, str> {
    let after = match uri.split_at_checked(5) {
        Some((scheme, after)) if scheme.eq_ignore_ascii_case("file:") => after,
        _ => return Cow::Borrowed(uri),
    };
    let after = after.split(['?', '#']).next().unwrap_or_default();
    let path = match after.strip_prefix("//") {
        Some(rest) => match rest.split_at_checked(9) {
            Some((host, path)) if host.eq_ignore_ascii_case("localhost") => path,
            _ => rest,
        },
        None => after,
    };
    if path.starts_with('/') {
        Cow::Owned(format!("file://{path}"))
    } else {
        Cow::Owned(format!("file:{after}"))
    }
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        let decoded = (*byte == b'%')
            .then(|| std::str::from_utf8(after.get(..2)?).ok())
            .flatten()
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(decoded.unwrap_or(*byte));
        rest = if decoded.is_some() {
            &after[2..]
        } else {
            after
        };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_resource_have_one_normal_form() {
        #[rustfmt::skip]
        let table = [
            ("file:///private/a", "file:///private/a"),
            ("file:///public/../private/a", "file:///private/a"),
            ("file:///public/%2e%2E/private/a", "file:///private/a"),
            ("file:///./private//a", "file:///private/a"),
            ("file:////private/a", "file:///private/a"),
            ("file:///../../private/a", "file:///private/a"),
            ("FILE:///private\\a", "file:///private/a"),
            ("file:///%70rivate/a", "file:///private/a"),
            ("http://Host/A/", "http://host/A/"),
            ("http://host", "http://host"),
            ("http://host/", "http://host/"),
            ("file:/private/x", "file:///private/x"),
            ("file://localhost/private/x", "file:///private/x"),
            ("FILE://LocalHost/private/x", "file:///private/x"),
            ("file:///pri\tvate/x", "file:///private/x"),
            (" file:///private/x\r\n", "file:///private/x"),
            ("file:///.\t./private/x", "file:///private/x"),
            ("file:///private?/x", "file:///private"),
            ("file:///private#/x", "file:///private"),
            ("file://server/share", "file://server/share"),
            ("http://host/a?b=c", "http://host/a?b=c"),
            ("notes:1", "notes:1"),
            ("notes://{id}", "notes://{id}"),
            ("a%zz%4", "a%zz%4"),
            ("", ""),
        ];
        for (uri, expected) in table {
            assert_eq!(normal(uri), expected, "{uri}");
            assert_eq!(normal(expected), expected, "stable: {expected}");
        }
    }
}
