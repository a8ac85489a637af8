//! What a browser is told about the page.

use http::{HeaderMap, HeaderName, HeaderValue, header};

/// Code, styles and fonts of this server only, nothing inline, nothing from anybody else; the page
/// may talk to any server, since that is what it is for, and nobody may frame it. Texts become markup
/// only through the one door that the page's library (Svelte) opens for its own templates.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data: blob:; media-src data: blob:; connect-src http: https:; font-src 'self'; \
    form-action 'none'; base-uri 'none'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'; trusted-types svelte-trusted-html";

/// In every answer, whatever it is.
const SAFE: [(HeaderName, &str); 5] = [
    (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // The address may hold the code of a sign-in.
    (header::REFERRER_POLICY, "no-referrer"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];

pub(crate) fn add_safe(headers: &mut HeaderMap) {
    for (name, value) in SAFE {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Read the way a browser does: by directive.
    #[test]
    fn the_policy_lets_no_foreign_and_no_inline_code_in() {
        let directives: Vec<(&str, Vec<&str>)> = CONTENT_SECURITY_POLICY
            .split(';')
            .filter_map(|directive| {
                let mut words = directive.split_ascii_whitespace();
                Some((words.next()?, words.collect()))
            })
            .collect();
        let of = |name: &str| {
            let mut found = directives.iter().filter(|(own, _)| *own == name);
            let (_, values) = found.next().unwrap_or_else(|| panic!("no {name}"));
            assert!(found.next().is_none(), "{name} is there twice");
            values.clone()
        };
        assert_eq!(of("default-src"), ["'none'"]);
        for own in ["script-src", "style-src", "font-src"] {
            assert_eq!(of(own), ["'self'"], "{own}");
        }
        for none in ["form-action", "base-uri", "frame-ancestors"] {
            assert_eq!(of(none), ["'none'"], "{none}");
        }
        assert_eq!(of("require-trusted-types-for"), ["'script'"]);
        assert_eq!(of("trusted-types"), ["svelte-trusted-html"]);
        // Whatever is not listed here falls back to nothing.
        assert_eq!(directives.len(), 12);
        assert!(!CONTENT_SECURITY_POLICY.contains("unsafe"));
    }
}
