//! The parser for challenges: tolerant, linear, and without panics.

use super::Challenge;

/// More parameters than any server sends; what comes after is dropped.
const MAX_PARAMETERS: usize = 64;

pub(super) fn challenges(header: &str) -> Vec<Challenge> {
    let mut found: Vec<Challenge> = Vec::new();
    let mut input = Input(header);
    while input.skip_separators() {
        let Some(word) = input.token() else {
            input.skip_one();
            continue;
        };
        input.skip_spaces();
        if !input.eat('=') {
            found.push(Challenge {
                scheme: word.to_owned(),
                parameters: Vec::new(),
            });
            continue;
        }
        input.skip_spaces();
        let value = input.value();
        // A parameter before any scheme belongs to nobody.
        if let Some(challenge) = found.last_mut()
            && challenge.parameters.len() < MAX_PARAMETERS
            && challenge.parameter(word).is_none()
        {
            challenge
                .parameters
                .push((word.to_ascii_lowercase(), value));
        }
    }
    found
}

struct Input<'a>(&'a str);

impl<'a> Input<'a> {
    /// Skips blanks and commas; tells whether something is left.
    fn skip_separators(&mut self) -> bool {
        self.0 = self.0.trim_start_matches([' ', '\t', ',']);
        !self.0.is_empty()
    }

    fn skip_spaces(&mut self) {
        self.0 = self.0.trim_start_matches([' ', '\t']);
    }

    fn skip_one(&mut self) {
        let mut chars = self.0.chars();
        chars.next();
        self.0 = chars.as_str();
    }

    fn eat(&mut self, c: char) -> bool {
        let rest = self.0.strip_prefix(c);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    fn token(&mut self) -> Option<&'a str> {
        let end = self
            .0
            .find(|c: char| !is_token_char(c))
            .unwrap_or(self.0.len());
        let (token, rest) = self.0.split_at(end);
        self.0 = rest;
        (!token.is_empty()).then_some(token)
    }

    /// A quoted string without its quotes and escapes, or everything up to a blank or a comma.
    fn value(&mut self) -> String {
        if !self.eat('"') {
            let end = self.0.find([' ', '\t', ',']).unwrap_or(self.0.len());
            let (value, rest) = self.0.split_at(end);
            self.0 = rest;
            return value.to_owned();
        }
        let mut value = String::new();
        let mut chars = self.0.chars();
        while let Some(c) = chars.next() {
            match c {
                '"' => break,
                '\\' => value.extend(chars.next()),
                _ => value.push(c),
            }
        }
        self.0 = chars.as_str();
        value
    }
}

fn is_token_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc9110_11_6_1_examples_and_oddities() {
        #[rustfmt::skip]
        let table: &[(&str, &str)] = &[
            ("Bearer", "Bearer"),
            ("bearer realm=x", "bearer realm=\"x\""),
            ("Basic realm=\"simple\", Newauth realm=\"apps\", type=1, title=\"Login to \\\"apps\\\"\"",
             "Basic realm=\"simple\" | Newauth realm=\"apps\", type=\"1\", title=\"Login to \\\"apps\\\"\""),
            ("Bearer error = \"x\" , scope=\"a b\"", "Bearer error=\"x\", scope=\"a b\""),
            ("Bearer,,, Basic", "Bearer | Basic"),
            ("Bearer realm=\"a\", realm=\"b\"", "Bearer realm=\"a\""),
            ("Bearer realm=\"unfinished", "Bearer realm=\"unfinished\""),
            ("Bearer realm=\"a\\", "Bearer realm=\"a\""),
            ("realm=x", ""),
            ("", ""),
            ("===", ""),
            ("Bearer realm=", "Bearer realm=\"\""),
            ("Bearer resource_metadata=https://a/b?c=d, error=x",
             "Bearer resource_metadata=\"https://a/b?c=d\", error=\"x\""),
            ("Тест Bearer", "Bearer"),
        ];
        for (header, expected) in table {
            let parsed: Vec<String> = challenges(header).iter().map(ToString::to_string).collect();
            assert_eq!(parsed.join(" | "), *expected, "{header}");
        }
    }

    #[test]
    fn a_flood_of_parameters_is_bounded() {
        let header = format!(
            "Bearer {}",
            (0..10_000).map(|i| format!("p{i}=x,")).collect::<String>()
        );
        assert_eq!(challenges(&header)[0].parameters.len(), MAX_PARAMETERS);
    }
}
