//! What is shown of settings in which a secret may stand where nobody calls it one.

/// A text; of a URL, without who signs in, the query and the fragment, which are often keys.
pub(super) fn url(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else {
        return text.to_owned();
    };
    let end = rest.find(['?', '#']);
    let (rest, more) = rest.split_at(end.unwrap_or(rest.len()));
    let authority = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at(authority);
    let authority = match authority.rsplit_once('@') {
        Some((_, host)) => format!("***@{host}"),
        None => authority.to_owned(),
    };
    let more = match more.chars().next() {
        Some(mark) => format!("{mark}***"),
        None => String::new(),
    };
    format!("{scheme}://{authority}{path}{more}")
}

/// A program, and how many arguments it has.
pub(super) fn command(words: &[String]) -> String {
    let [program, arguments @ ..] = words else {
        return "nothing".to_owned();
    };
    match arguments.len() {
        0 => program.clone(),
        1 => format!("{program} and 1 argument"),
        count => format!("{program} and {count} arguments"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_url_nothing_is_shown_that_may_be_a_key() {
        for (text, shown) in [
            ("notes:read", "notes:read"),
            ("a?b", "a?b"),
            ("https://a.example/mcp", "https://a.example/mcp"),
            ("https://a.example", "https://a.example"),
            ("https://a.example/mcp?key=s", "https://a.example/mcp?***"),
            ("https://a.example?key=s@t", "https://a.example?***"),
            ("https://a.example/#s", "https://a.example/#***"),
            ("https://u:s@a.example:1/x@y", "https://***@a.example:1/x@y"),
            ("https://u:s@t@a.example", "https://***@a.example"),
        ] {
            assert_eq!(url(text), shown);
        }
    }

    #[test]
    fn of_a_command_the_program_is_shown() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(command(&words("cat")), "cat");
        assert_eq!(command(&words("cat --token=s")), "cat and 1 argument");
        assert_eq!(command(&words("cat a b")), "cat and 2 arguments");
    }
}
