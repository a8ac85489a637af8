//! What a store keeps about a token, without any secret.

use std::{fmt, time::SystemTime};

use propusk::{AccessToken, ScopeSet};
use serde::{Serialize, Serializer};

use crate::{TokenId, time::rfc3339};

/// What a store keeps about a token. There is no secret in it.
///
/// Times are whole seconds; serialized they are RFC 3339 in UTC, and the scopes a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct TokenRecord {
    /// The public identifier.
    pub id: TokenId,
    /// Whom the token stands for.
    pub subject: String,
    /// The client that the token was issued to.
    pub client_id: Option<String>,
    /// What the token may do.
    #[serde(serialize_with = "serialize_scopes")]
    pub scopes: ScopeSet,
    /// The resource URLs that the token is for; empty: whichever server uses the store.
    pub audience: Vec<String>,
    /// A name to tell the token by.
    pub name: Option<String>,
    /// When it was issued.
    #[serde(serialize_with = "rfc3339::serialize")]
    pub created_at: SystemTime,
    /// From when it is not valid; `None`: it does not expire.
    #[serde(serialize_with = "rfc3339::serialize_option")]
    pub expires_at: Option<SystemTime>,
    /// When it was last verified, to within about ten seconds.
    #[serde(serialize_with = "rfc3339::serialize_option")]
    pub last_used_at: Option<SystemTime>,
    /// When it was revoked.
    #[serde(serialize_with = "rfc3339::serialize_option")]
    pub revoked_at: Option<SystemTime>,
}

impl TokenRecord {
    /// Whether the token is valid at that time.
    #[must_use]
    pub fn status(&self, now: SystemTime) -> Status {
        if self.revoked_at.is_some() {
            Status::Revoked
        } else if self.expires_at.is_some_and(|end| end <= now) {
            Status::Expired
        } else {
            Status::Active
        }
    }

    /// What a verifier says about the token.
    pub(crate) fn to_access_token(&self) -> AccessToken {
        let mut token = AccessToken::new(self.subject.as_str())
            .with_scopes(self.scopes.clone())
            .with_token_id(self.id.as_str());
        if let Some(client_id) = &self.client_id {
            token = token.with_client_id(client_id.as_str());
        }
        if let Some(expires_at) = self.expires_at {
            token = token.with_expires_at(expires_at);
        }
        self.audience.iter().fold(token, AccessToken::with_audience)
    }
}

fn serialize_scopes<S: Serializer>(scopes: &ScopeSet, to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(scopes.iter().map(propusk::Scope::as_str))
}

/// Whether a token is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Valid.
    Active,
    /// Its time is over.
    Expired,
    /// It was revoked, whether or not its time is over too.
    Revoked,
}

/// In lower case, as in JSON.
impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Active => "active",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
        })
    }
}
