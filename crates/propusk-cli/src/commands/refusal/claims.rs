//! What a JSON Web Token says of itself. Nobody has checked it.

use std::time::{Duration, SystemTime};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use propusk::BearerToken;
use serde_json::Value;

/// More than this is no claim that is worth repeating.
const LONGEST: usize = 200;

/// Unchecked claims, to explain and for nothing else.
#[derive(Default)]
pub(in crate::commands) struct Claims {
    pub(in crate::commands) subject: Option<String>,
    pub(super) audience: Vec<String>,
    pub(super) expires_at: Option<SystemTime>,
    not_before: Option<SystemTime>,
}

impl Claims {
    /// Reads the middle part. `None`: this is no JSON Web Token.
    pub(in crate::commands) fn of(token: &BearerToken) -> Option<Self> {
        let mut parts = token.expose_secret().split('.');
        let (_, payload, _, None) = (parts.next()?, parts.next()?, parts.next()?, parts.next())
        else {
            return None;
        };
        let payload = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
        let claims: Value = serde_json::from_slice(&payload).ok()?;
        let short = |value: &Value| {
            let text = value.as_str()?;
            Some(text.chars().take(LONGEST).collect::<String>())
        };
        let audience = match &claims["aud"] {
            Value::Array(several) => several.iter().filter_map(short).take(5).collect(),
            one => short(one).into_iter().collect(),
        };
        Some(Self {
            subject: short(&claims["sub"]),
            audience,
            expires_at: time(&claims["exp"]),
            not_before: time(&claims["nbf"]),
        })
    }

    pub(super) fn begins_later(&self) -> bool {
        self.not_before
            .is_some_and(|begin| begin > SystemTime::now())
    }
}

fn time(value: &Value) -> Option<SystemTime> {
    let seconds = value.as_f64().filter(|seconds| *seconds >= 0.0)?;
    let since = Duration::try_from_secs_f64(seconds).ok()?;
    SystemTime::UNIX_EPOCH.checked_add(since)
}
