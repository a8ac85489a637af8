//! `WWW-Authenticate`: what is parsed, printed and parsed again is the same.

use propusk::Challenge;

pub(crate) fn run(input: &[u8]) -> bool {
    let Ok(header) = str::from_utf8(input) else {
        return false;
    };
    let parsed = Challenge::parse_all(header);
    let printed = print(&parsed);
    let again = Challenge::parse_all(&printed);
    // What does not belong into a header comes out as a question mark, once.
    if header.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        assert_eq!(parsed, again, "printed as {printed:?}");
    }
    assert_eq!(parsed.len(), again.len(), "printed as {printed:?}");
    assert_eq!(again, Challenge::parse_all(&print(&again)));
    let bearer = parsed.iter().find(|challenge| challenge.is_bearer());
    assert_eq!(bearer, Challenge::parse_bearer(header).as_ref());
    for challenge in &parsed {
        let value = challenge.to_header_value();
        assert_eq!(value.as_bytes(), challenge.to_string().as_bytes());
        // None of them may panic.
        let _ = (challenge.scope(), challenge.resource_metadata());
        let _ = (challenge.error(), challenge.error_description());
    }
    bearer.is_some()
}

fn print(challenges: &[Challenge]) -> String {
    let texts: Vec<String> = challenges.iter().map(ToString::to_string).collect();
    texts.join(", ")
}
