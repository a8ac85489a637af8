//! A login as it is written down: JSON, with a version.
//!
//! Times are in milliseconds since 1970, since there are tokens that live for two seconds.

use std::{
    borrow::Cow,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing};

use super::{Login, LoginKey};
use crate::{BearerToken, ScopeSet};

/// What this version writes. A change that an older version would misread raises it.
const VERSION: u32 = 1;

/// No login is larger; what is, is none. Two tokens of the longest kind, and a key.
pub(super) const LONGEST: usize = 256 * 1024;

#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record<'a> {
    version: u32,
    server: Cow<'a, str>,
    resource: Cow<'a, str>,
    issuer: Cow<'a, str>,
    client_id: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<Cow<'a, str>>,
    obtained_at: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<u64>,
    scope: Cow<'a, str>,
    token_endpoint: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revocation_endpoint: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_endpoint_auth_method: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    redirect_uri: Option<Cow<'a, str>>,
    /// Absent of a person's login, and of those from before it was written.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    machine: bool,
    dpop_bound: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    dpop_key: Option<Cow<'a, str>>,
    access_token: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<Cow<'a, str>>,
}

/// Why a text is not a login of this version. It contains nothing of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unreadable {
    Damaged,
    Newer(u32),
    /// It is the login of another key.
    Misplaced,
}

/// The name of a login among files and keyring entries: the digest of its key, each part with its
/// length, so that no two keys run together.
pub(super) fn name(key: &LoginKey) -> String {
    let mut digest = Sha256::new();
    let account = key.account.as_deref();
    let parts = [&key.server, &key.resource, &key.issuer, &key.client_id];
    for part in parts
        .map(|part| Some(part.as_str()))
        .into_iter()
        .chain([account])
    {
        let length = part.map_or(u64::MAX, |part| part.len() as u64);
        digest.update(length.to_be_bytes());
        digest.update(part.unwrap_or_default());
    }
    let digest = digest.finalize();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Writes a login. `None`: it is too large to be read again.
pub(super) fn write(login: &Login) -> Option<Zeroizing<Vec<u8>>> {
    let key = &login.key;
    let record = Record {
        version: VERSION,
        server: (&key.server).into(),
        resource: (&key.resource).into(),
        issuer: (&key.issuer).into(),
        client_id: (&key.client_id).into(),
        account: key.account.as_deref().map(Cow::from),
        obtained_at: milliseconds(login.obtained_at),
        expires_at: login.expires_at.map(milliseconds),
        scope: login.scopes.to_string().into(),
        token_endpoint: (&login.token_endpoint).into(),
        revocation_endpoint: login.revocation_endpoint().map(Cow::from),
        token_endpoint_auth_method: login.token_endpoint_auth_method().map(Cow::from),
        client_secret: login.expose_client_secret().map(Cow::from),
        redirect_uri: login.redirect_uri().map(Cow::from),
        machine: login.machine,
        dpop_bound: login.bound,
        dpop_key: login.expose_dpop_key().map(Cow::from),
        access_token: login.access_token.expose_secret().into(),
        refresh_token: login.expose_refresh_token().map(Cow::from),
    };
    // Of full size from the start: growing would leave copies of secrets behind.
    let mut written = Zeroizing::new(Vec::with_capacity(LONGEST));
    serde_json::to_writer(&mut *written, &record).ok()?;
    (written.len() <= LONGEST).then_some(written)
}

/// Reads the login of this key.
pub(super) fn read(text: &[u8], key: &LoginKey) -> Result<Login, Unreadable> {
    let login = read_any(text)?;
    if login.key == *key {
        Ok(login)
    } else {
        Err(Unreadable::Misplaced)
    }
}

/// Reads a login, whosever it is.
pub(super) fn read_any(text: &[u8]) -> Result<Login, Unreadable> {
    let damaged = |_| Unreadable::Damaged;
    let Versioned { version } = serde_json::from_slice(text).map_err(damaged)?;
    if version > VERSION {
        return Err(Unreadable::Newer(version));
    }
    let record: Record<'_> = serde_json::from_slice(text).map_err(damaged)?;
    login(record).ok_or(Unreadable::Damaged)
}

fn login(record: Record<'_>) -> Option<Login> {
    let secret = |text: Cow<'_, str>| Zeroizing::new(text.into_owned());
    let mut access_token = record.access_token.into_owned();
    let parsed = BearerToken::parse_b64token(&access_token);
    access_token.zeroize();
    Some(Login {
        key: LoginKey {
            server: record.server.into_owned(),
            resource: record.resource.into_owned(),
            issuer: record.issuer.into_owned(),
            client_id: record.client_id.into_owned(),
            account: record.account.map(Cow::into_owned),
        },
        access_token: parsed.ok()?,
        bound: record.dpop_bound,
        refresh_token: record.refresh_token.map(secret),
        obtained_at: time(record.obtained_at)?,
        expires_at: match record.expires_at {
            Some(at) => Some(time(at)?),
            None => None,
        },
        scopes: ScopeSet::parse(&record.scope).ok()?,
        token_endpoint: record.token_endpoint.into_owned(),
        revocation_endpoint: record.revocation_endpoint.map(Cow::into_owned),
        client_secret: record.client_secret.map(secret),
        token_endpoint_auth_method: record.token_endpoint_auth_method.map(Cow::into_owned),
        dpop_key: record.dpop_key.map(secret),
        redirect_uri: record.redirect_uri.map(Cow::into_owned),
        machine: record.machine,
    })
}

fn milliseconds(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn time(milliseconds: u64) -> Option<SystemTime> {
    UNIX_EPOCH.checked_add(Duration::from_millis(milliseconds))
}

#[cfg(test)]
mod tests;
