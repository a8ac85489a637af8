//! `--token TOKEN=SUBJECT[:SCOPE,SCOPE]`.

use propusk::{AccessToken, BearerToken, FixedTokens, Scope};

use crate::failure::Failure;

pub(super) fn parse(texts: &[String]) -> Result<FixedTokens, Failure> {
    let mut tokens = FixedTokens::new();
    let mut seen: Vec<BearerToken> = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        let (token, caller) = parse_one(text)
            .and_then(|parsed| match seen.contains(&parsed.0) {
                true => Err("this token was given before".to_owned()),
                false => Ok(parsed),
            })
            .map_err(|why| {
                // The text holds a secret and is not repeated.
                Failure::usage(format!("--token (number {}): {why}", index + 1)).hint(
                    "write TOKEN=SUBJECT[:SCOPE,SCOPE], for example secret-token-123=alice:echo",
                )
            })?;
        tokens = tokens.with(token.expose_secret(), caller);
        seen.push(token);
    }
    Ok(tokens)
}

fn parse_one(text: &str) -> Result<(BearerToken, AccessToken), String> {
    // A token may end in `=` itself: the last one of the first run separates.
    let first = text.find('=').ok_or("there is no `=` in it")?;
    let run = text[first..].bytes().take_while(|b| *b == b'=').count();
    let (token, rest) = (&text[..first + run - 1], &text[first + run..]);
    let token = BearerToken::parse(token).map_err(|error| error.to_string())?;
    let (subject, scopes) = rest.split_once(':').unwrap_or((rest, ""));
    if subject.is_empty() {
        return Err("the subject is missing".to_owned());
    }
    let scopes = scopes
        .split(',')
        .filter(|scope| !scope.is_empty())
        .map(Scope::parse)
        .collect::<Result<_, _>>()
        .map_err(|error| error.to_string())?;
    Ok((token, AccessToken::new(subject).with_scopes(scopes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_subject_and_scopes() {
        for (text, token, subject, scopes) in [
            (
                "secret-token-123=alice:echo",
                "secret-token-123",
                "alice",
                "echo",
            ),
            ("t=alice", "t", "alice", ""),
            (
                "t===alice:notes:read,notes:write",
                "t==",
                "alice",
                "notes:read notes:write",
            ),
            ("t=алиса:", "t", "алиса", ""),
            ("t=a=b", "t", "a=b", ""),
        ] {
            let (parsed, caller) = parse_one(text).expect(text);
            assert_eq!(parsed.expose_secret(), token);
            assert_eq!(
                (caller.subject(), caller.scopes().to_string().as_str()),
                (subject, scopes),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_wrong_is_said_without_the_secret() {
        for bad in [
            "hunter2",
            "hunter2=",
            "=alice",
            "hunter 2=alice",
            "hunter2=alice:a b",
            "hunter2=:echo",
        ] {
            let shown = format!("{:?}", parse(&[bad.to_owned()]).expect_err(bad));
            assert!(!shown.contains("hunter"), "{shown}");
        }
    }
}
