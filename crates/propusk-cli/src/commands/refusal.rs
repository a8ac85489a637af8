//! A refusal in plain words: what was sent, what the server asked for, and the command that helps.
//!
//! What a token says of itself is read here to explain, and decides nothing.

pub(super) mod claims;
mod help;

use std::time::{Duration, SystemTime};

use propusk::{
    BearerToken, Challenge, ScopeSet,
    client::{ClientError, ErrorKind, Sent, TokenErrorKind},
};

pub(super) use help::login_command;

use self::{
    claims::Claims,
    help::{issue_command, machine_login_command, wider_login_command, with_scopes},
};
use crate::{failure::Failure, output::visible};

/// What is known on this side of a connection that may be refused.
pub(super) struct Explainer {
    pub(super) url: String,
    pub(super) token: Token,
    /// Sentences about logins that could have been the one, and cannot be read.
    pub(super) unreadable: Vec<String>,
}

/// Where the token of a connection comes from.
pub(super) enum Token {
    None,
    /// A text, and the name of the place where it stood.
    Given(BearerToken, String),
    /// A kept login: its issuer, and what it permits.
    Login {
        issuer: String,
        account: Option<String>,
        scopes: ScopeSet,
        /// The client id, where the client itself signed in.
        machine: Option<String>,
    },
}

impl Explainer {
    pub(super) fn explain(&self, error: ClientError) -> Failure {
        let refused = matches!(
            error.kind(),
            ErrorKind::Unauthenticated | ErrorKind::Forbidden
        );
        if !refused {
            let ended = matches!(
                error.kind(),
                ErrorKind::NoToken(TokenErrorKind::LoginRequired)
            );
            let failure = Failure::from(error);
            return match self.machine_login().filter(|_| ended) {
                Some(command) => failure.hint(format!("sign the client in again with: {command}")),
                None => failure,
            };
        }
        let sent = format!("sent: {}", self.sent(error.sent()));
        let challenge = error.challenge().cloned();
        let forbidden = error.is_forbidden();
        let mut failure = Failure::from(error).hint(sent);
        if let Some(challenge) = &challenge {
            failure = failure.hint(format!("the server asked for: {challenge}"));
        }
        for sentence in &self.unreadable {
            failure = failure.hint(sentence);
        }
        let signs_in = challenge
            .as_ref()
            .and_then(Challenge::resource_metadata)
            .is_some()
            || matches!(self.token, Token::Login { .. });
        match forbidden {
            true => self.more(failure, challenge.as_ref(), signs_in),
            false => self.another(failure, signs_in),
        }
    }

    /// The command that signs the client in, where no person did.
    fn machine_login(&self) -> Option<String> {
        match &self.token {
            Token::Login {
                machine: Some(client),
                account,
                ..
            } => Some(machine_login_command(&self.url, account.as_deref(), client)),
            _ => None,
        }
    }

    /// How to get a token that is valid.
    fn another(&self, failure: Failure, signs_in: bool) -> Failure {
        if let Some(command) = self.machine_login() {
            return failure.hint(format!("sign the client in again with: {command}"));
        }
        if signs_in {
            return failure
                .hint(format!("sign in with: {}", login_command(&self.url)))
                .hint("or pass a token with --token, --token-file or PROPUSK_TOKEN");
        }
        failure
            .hint("pass a token with --token, --token-file or PROPUSK_TOKEN")
            .hint(
                "where the server's store is, one is made with: propusk token issue --subject NAME",
            )
    }

    /// How to get a token that permits more.
    fn more(&self, failure: Failure, challenge: Option<&Challenge>, signs_in: bool) -> Failure {
        let scopes = challenge.and_then(Challenge::scope).unwrap_or_default();
        if scopes.is_empty() {
            return failure;
        }
        if !signs_in {
            return failure
                .hint("ask for a token with the scopes named there; where the server's store is:")
                .hint(format!("  {}", issue_command(&scopes)));
        }
        let (mut wanted, mut name) = (ScopeSet::default(), None);
        if let Token::Login {
            scopes, account, ..
        } = &self.token
        {
            wanted.extend(scopes.iter().cloned());
            name = account.as_deref();
        }
        wanted.extend(scopes.iter().cloned());
        if let Some(command) = self.machine_login() {
            let command = with_scopes(command, &wanted);
            return failure.hint(format!("sign the client in for more with: {command}"));
        }
        let command = wider_login_command(&self.url, name, &wanted);
        failure.hint(format!("sign in for more with: {command}"))
    }

    /// What was sent, in words.
    fn sent(&self, sent: Option<Sent>) -> String {
        if sent == Some(Sent::Nothing) {
            return "no token".to_owned();
        }
        match &self.token {
            Token::None => "no token".to_owned(),
            Token::Given(token, place) => {
                let said = Claims::of(token).map(|claims| self.said(&claims));
                let said = said.unwrap_or_default();
                format!("the token of {}{said}", visible(place))
            }
            Token::Login { issuer, .. } => {
                let end = match sent {
                    Some(Sent::Token { expires_at, .. }) => expires_at.and_then(expired),
                    _ => None,
                };
                let end = end.map(|ago| format!("; it expired {ago} ago"));
                let end = end.unwrap_or_default();
                format!("the token of the login at {}{end}", visible(issuer))
            }
        }
    }

    /// What a token says of itself that may be why it was refused.
    fn said(&self, claims: &Claims) -> String {
        let mut said = Vec::new();
        if let Some(ago) = claims.expires_at.and_then(expired) {
            said.push(format!("expired {ago} ago"));
        }
        if claims.begins_later() {
            said.push("is not valid yet".to_owned());
        }
        let bare = self.url.trim_end_matches('/');
        let ours = |audience: &String| audience.trim_end_matches('/') == bare;
        if !claims.audience.is_empty() && !claims.audience.iter().any(ours) {
            let audience = visible(&claims.audience.join(", "));
            said.push(format!(
                "is for {audience}, and not for {}",
                visible(&self.url)
            ));
        }
        match said.is_empty() {
            true => String::new(),
            false => format!("; by its own words it {}", said.join(", and it ")),
        }
    }
}

/// How long ago that was, if it was.
fn expired(end: SystemTime) -> Option<String> {
    let ago = SystemTime::now().duration_since(end).ok()?;
    Some(about(ago))
}

/// A duration as one says it.
fn about(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (count, unit) = match seconds {
        0..120 => (seconds, "second"),
        120..7200 => (seconds / 60, "minute"),
        7200..172_800 => (seconds / 3600, "hour"),
        _ => (seconds / 86400, "day"),
    };
    match count {
        1 => format!("1 {unit}"),
        _ => format!("{count} {unit}s"),
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    use serde_json::{Value, json};

    use super::*;

    fn sent(claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let text = format!("{}.{}.c2ln", part(&json!({ "alg": "ES256" })), part(claims));
        let token = BearerToken::parse(&text).expect("a token");
        let explainer = Explainer {
            url: "https://mcp.example/mcp".to_owned(),
            token: Token::Given(token, "PROPUSK_TOKEN".to_owned()),
            unreadable: Vec::new(),
        };
        explainer.sent(None)
    }

    #[test]
    fn a_token_is_explained_by_its_own_words() {
        let now = SystemTime::UNIX_EPOCH.elapsed().expect("a clock").as_secs();
        #[rustfmt::skip]
        let table = [
            (json!({}), ""),
            (json!({ "exp": now + 60, "aud": "https://mcp.example/mcp" }), ""),
            (json!({ "aud": ["a", "https://mcp.example/mcp/"] }), ""),
            (json!({ "exp": now - 7500 }), "; by its own words it expired 2 hours ago"),
            (json!({ "nbf": now + 600 }), "; by its own words it is not valid yet"),
            (json!({ "aud": "https://other/\u{1b}" }), "; by its own words it is for https://other/\\u{1b}, and not for https://mcp.example/mcp"),
            (json!({ "exp": now - 300, "aud": ["x", "y"] }), "; by its own words it expired 5 minutes ago, and it is for x, y, and not for https://mcp.example/mcp"),
            // What makes no sense is not repeated.
            (json!({ "exp": "soon", "aud": 7 }), ""),
            (json!({ "exp": 1e300 }), ""),
            (json!([]), ""),
        ];
        for (claims, expected) in table {
            assert_eq!(
                sent(&claims),
                format!("the token of PROPUSK_TOKEN{expected}"),
                "{claims}"
            );
        }
    }

    #[test]
    fn durations_are_said_as_one_says_them() {
        for (seconds, said) in [
            (0, "0 seconds"),
            (1, "1 second"),
            (119, "119 seconds"),
            (7199, "119 minutes"),
            (7200, "2 hours"),
            (172_800, "2 days"),
        ] {
            assert_eq!(about(Duration::from_secs(seconds)), said);
        }
    }
}
