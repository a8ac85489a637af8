//! Names with `*`.

/// A pattern in which `*` stands for any characters, also none and also `/`; everything else for
/// itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Glob(Box<str>);

impl Glob {
    /// A pattern, or `None` where the text has no `*` and is a name.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        text.contains('*').then(|| Self(text.into()))
    }

    /// A URI template (RFC 6570) as a pattern: an expression stands for any characters.
    #[cfg(any(feature = "server", test))]
    pub(crate) fn of_template(template: &str) -> Self {
        let mut pattern = String::with_capacity(template.len());
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('{') {
            pattern.push_str(before);
            pattern.push('*');
            rest = after.split_once('}').map_or("", |(_, rest)| rest);
        }
        pattern.push_str(rest);
        Self(pattern.into())
    }

    /// What stands before the first `*`.
    pub(crate) fn beginning(&self) -> &str {
        self.0.split('*').next().unwrap_or_default()
    }

    #[cfg(test)]
    fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn matches(&self, text: &str) -> bool {
        let (pattern, text) = (self.0.as_bytes(), text.as_bytes());
        let (mut p, mut t) = (0, 0);
        // Where the last `*` stands, and how far it has been stretched.
        let mut star = None;
        while t < text.len() {
            match pattern.get(p) {
                Some(b'*') => {
                    star = Some((p, t));
                    p += 1;
                }
                Some(byte) if *byte == text[t] => {
                    p += 1;
                    t += 1;
                }
                _ => {
                    let Some((at, stretched)) = star else {
                        return false;
                    };
                    star = Some((at, stretched + 1));
                    (p, t) = (at + 1, stretched + 1);
                }
            }
        }
        pattern[p..].iter().all(|byte| *byte == b'*')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_characters() {
        #[rustfmt::skip]
        let table = [
            ("*", "", true),          ("*", "a/b", true),       ("a*", "a", true),
            ("a*", "ba", false),      ("*a", "bba", true),      ("*a", "ab", false),
            ("a*b*c", "abbc", true),  ("a*b*c", "acb", false),  ("a**b", "ab", true),
            ("a*ab", "aaab", true),   ("notes_*", "notes_add", true),
            ("notes_*", "Notes_add", false), ("a?c", "abc", false), ("*ж*", "ужас", true),
            ("notes_*", "notes_\0", true),
        ];
        for (pattern, text, expected) in table {
            if let Some(glob) = Glob::parse(pattern) {
                assert_eq!(glob.matches(text), expected, "{pattern} {text:?}");
            }
        }
        assert_eq!(Glob::parse("a.c"), None);
        for (template, pattern) in [
            ("notes://{id}", "notes://*"),
            ("f:///{+path}/x{?q,r}", "f:///*/x*"),
            ("f:///{unclosed", "f:///*"),
            ("plain", "plain"),
        ] {
            assert_eq!(Glob::of_template(template).as_str(), pattern);
        }
    }
}
