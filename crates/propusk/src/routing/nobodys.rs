//! Why a token has no verifier, in words. Never on a request's way.

use serde_json::{Map, Value};

use crate::{
    Explanation, Verdict,
    jose::{Compact, InvalidCompact, parse_part, unverified_issuer},
};

/// Explains a token for which nobody is responsible, with what can be read of it.
pub(super) fn explain<'a>(token: &str, issuers: impl Iterator<Item = &'a str>) -> Explanation {
    let mut parts = token.split('.');
    let header = parts.next().and_then(parse_part);
    let claims = parts.next().and_then(parse_part);
    let why = match (unverified_issuer(token), &header) {
        (Some(issuer), _) => of_stranger(&issuer, issuers),
        (None, Some(header)) => flaw(token, header),
        (None, None) => "it has none of the prefixes that are known here, and no issuer".to_owned(),
    };
    Explanation::new("none", Verdict::NotMine(why))
        .with_header(header.unwrap_or_default())
        .with_claims(claims.unwrap_or_default())
}

fn of_stranger<'a>(issuer: &str, mut issuers: impl Iterator<Item = &'a str>) -> String {
    let bare = |text: &str| text.trim_end_matches('/').to_ascii_lowercase();
    let why = format!("it says that it is from {issuer:?}, which is no issuer here");
    match issuers.find(|known| bare(known) == bare(issuer)) {
        Some(near) => format!(
            "{why}; {near:?} is one, and they are compared exactly, with case and the last slash"
        ),
        None => why,
    }
}

/// What is wrong with a text that begins as a JSON Web Token does, and does not name its issuer.
fn flaw(token: &str, header: &Map<String, Value>) -> String {
    let alg = header.get("alg").and_then(Value::as_str);
    if alg.is_some_and(|alg| alg.eq_ignore_ascii_case("none")) {
        return "it is a JSON Web Token that is not signed: its `alg` is none".to_owned();
    }
    let compact = match Compact::parse(token) {
        Ok(compact) => compact,
        Err(InvalidCompact::Parts) => {
            let parts = token.split('.').count();
            return format!(
                "it begins as a JSON Web Token and has {parts} of the three parts with dots between \
                 them; was it cut?"
            );
        }
        Err(why @ InvalidCompact::Empty(_)) => {
            return format!("it begins as a JSON Web Token, but {why}; was it cut?");
        }
        Err(why) => return format!("it begins as a JSON Web Token, but {why}"),
    };
    match compact.claims() {
        Err(why) => format!("it begins as a JSON Web Token, but {why}"),
        Ok(claims) if claims.contains_key("iss") => {
            "it is a JSON Web Token whose `iss` is not a text".to_owned()
        }
        Ok(_) => "it is a JSON Web Token that names no issuer (`iss`)".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

    use super::*;

    #[test]
    fn what_is_wrong_is_said_and_what_can_be_read_is_shown() {
        let part = |json: &str| URL_SAFE_NO_PAD.encode(json);
        let (signed, unsigned) = (part(r#"{"alg":"RS256"}"#), part(r#"{"alg":"none"}"#));
        let claims = part(r#"{"iss":"https://a.example","sub":"alice"}"#);
        let of = |payload: &str| format!("{signed}.{}.c2ln", part(payload));
        #[rustfmt::skip]
        let table = [
            // a token, what is said of it, whether its header and its claims are shown
            (format!("{signed}.{claims}"), "2 of the three parts with dots between them; was it cut", true, true),
            (signed.clone(), "1 of the three parts", true, false),
            (format!("{signed}.{claims}."), "its signature is empty; was it cut", true, true),
            (format!("{signed}.{}.c2ln", &claims[..claims.len() - 5]), "its payload is not", true, false),
            (format!("{unsigned}.{claims}."), "not signed: its `alg` is none", true, true),
            (format!("{unsigned}.{claims}"), "not signed: its `alg` is none", true, true),
            (format!("{signed}.a.b.c.d"), "encrypted (five parts)", true, false),
            (of(r#"{"iss":"https://a.example","iss":"https://b.example"}"#), "its payload has a name twice", true, false),
            (of(r#"{"sub":"alice"}"#), "names no issuer (`iss`)", true, true),
            (of(r#"{"iss":7}"#), "`iss` is not a text", true, true),
            (of("[]"), "its payload is not a JSON object", true, false),
            (of(r#"{"iss":"https://b.example"}"#), "\"https://b.example\", which is no issuer here", true, true),
            (of(r#"{"iss":"https://a.example/"}"#), "\"https://a.example\" is one", true, true),
            (of(r#"{"iss":"https://A.example"}"#), "\"https://a.example\" is one", true, true),
            ("opaque.token.here".to_owned(), "none of the prefixes", false, false),
            ("opaque".to_owned(), "none of the prefixes", false, false),
            (String::new(), "none of the prefixes", false, false),
        ];
        for (token, expected, header, claims) in table {
            let explanation = explain(&token, ["https://a.example"].into_iter());
            let Verdict::NotMine(why) = &explanation.verdict else {
                panic!("{token}: {explanation:?}");
            };
            assert!(why.contains(expected), "{token}: {why}");
            assert_eq!(!explanation.header.is_empty(), header, "{token}: header");
            assert_eq!(!explanation.claims.is_empty(), claims, "{token}: claims");
        }
    }
}
