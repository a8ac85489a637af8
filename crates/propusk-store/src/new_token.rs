//! What a token is issued for.

use std::time::SystemTime;

use propusk::{ResourceUrl, ScopeSet};

use crate::{
    InvalidLifetime, Lifetime, TokenId, TokenRecord,
    time::{from_seconds, to_seconds},
};

/// What a token is issued for: whom it stands for, what it may do, and for how long.
///
/// ```
/// # use propusk_store::{Lifetime, NewToken};
/// let new = NewToken::new("alice").client_id("laptop").name("for the demo").expires(Lifetime::Never);
/// ```
#[derive(Debug, Clone)]
pub struct NewToken {
    subject: String,
    client_id: Option<String>,
    scopes: ScopeSet,
    audience: Vec<String>,
    name: Option<String>,
    expires: Lifetime,
}

impl NewToken {
    /// A token that stands for `subject`, without scopes, for no resource in particular, with the
    /// default lifetime of 90 days.
    #[must_use]
    pub fn new(subject: impl Into<String>) -> Self {
        Self {
            subject: subject.into(),
            client_id: None,
            scopes: ScopeSet::default(),
            audience: Vec::new(),
            name: None,
            expires: Lifetime::DEFAULT,
        }
    }

    /// Sets the client that will use the token.
    #[must_use]
    pub fn client_id(mut self, client_id: impl Into<String>) -> Self {
        self.client_id = Some(client_id.into());
        self
    }

    /// Sets what the token may do.
    #[must_use]
    pub fn scopes(mut self, scopes: ScopeSet) -> Self {
        self.scopes = scopes;
        self
    }

    /// Adds a resource that the token is for. Without any it is for whichever server uses this
    /// store.
    #[must_use]
    pub fn audience(mut self, resource: &ResourceUrl) -> Self {
        self.audience.push(resource.as_str().to_owned());
        self
    }

    /// Sets a name to tell the token by in a list. It means nothing to a verifier.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets how long the token lives.
    #[must_use]
    pub fn expires(mut self, lifetime: Lifetime) -> Self {
        self.expires = lifetime;
        self
    }

    /// The same as an existing token was issued for, with a lifetime of the same length.
    pub(crate) fn like(record: &TokenRecord) -> Self {
        let length = |end: SystemTime| end.duration_since(record.created_at).unwrap_or_default();
        Self {
            subject: record.subject.clone(),
            client_id: record.client_id.clone(),
            scopes: record.scopes.clone(),
            audience: record.audience.clone(),
            name: record.name.clone(),
            expires: record
                .expires_at
                .map_or(Lifetime::Never, |end| Lifetime::For(length(end))),
        }
    }

    /// Whether such a token can be issued now; [`issue`](crate::TokenStore::issue) asks the same.
    ///
    /// # Errors
    /// [`InvalidNewToken`] says why not.
    pub fn check(&self, now: SystemTime) -> Result<(), InvalidNewToken> {
        self.end(now).map(|_| ())
    }

    /// The second of its end, where it can be issued.
    fn end(&self, now: SystemTime) -> Result<Option<i64>, InvalidNewToken> {
        if self.subject.is_empty() {
            return Err(InvalidNewToken::EmptySubject);
        }
        let texts = [
            Some(&self.subject),
            self.client_id.as_ref(),
            self.name.as_ref(),
        ];
        if texts
            .into_iter()
            .flatten()
            .any(|text| text.contains(char::is_control))
        {
            return Err(InvalidNewToken::ControlCharacter);
        }
        Ok(self.expires.end(to_seconds(now))?)
    }

    /// The record of a token that is issued now.
    pub(crate) fn into_record(
        self,
        id: TokenId,
        now: SystemTime,
    ) -> Result<TokenRecord, InvalidNewToken> {
        let end = self.end(now)?;
        let created = to_seconds(now);
        Ok(TokenRecord {
            id,
            subject: self.subject,
            client_id: self.client_id,
            scopes: self.scopes,
            audience: self.audience,
            name: self.name,
            created_at: from_seconds(created).unwrap_or(now),
            expires_at: end.and_then(from_seconds),
            last_used_at: None,
            revoked_at: None,
        })
    }
}

/// Why such a token cannot be issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidNewToken {
    /// It would stand for nobody.
    #[error("a token needs a subject: whom it stands for")]
    EmptySubject,
    /// Control characters would garble logs and terminals.
    #[error("the subject, client id and name of a token cannot contain control characters")]
    ControlCharacter,
    /// It cannot live that long.
    #[error(transparent)]
    Lifetime(#[from] InvalidLifetime),
}
