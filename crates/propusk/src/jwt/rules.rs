//! What a token must say to be accepted (RFC 7519 §4.1, RFC 8725 §3, RFC 9068 §4): pure functions.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use serde_json::{Map, Value};

use super::{WithoutAudience, claimed::Claimed, numeric_date::numeric_date, refused::Refused};
use crate::{
    ResourceUrl, SignatureAlgorithm,
    jose::{Algorithm, Header},
};

/// How one issuer's tokens are judged.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    pub(super) issuer: Arc<str>,
    pub(crate) resource: ResourceUrl,
    /// More audiences, compared exactly.
    pub(crate) audiences: Vec<String>,
    pub(crate) leeway: Duration,
    pub(super) at_jwt_only: bool,
    /// `None`: all that are known.
    pub(super) algorithms: Option<Vec<SignatureAlgorithm>>,
    pub(crate) without_audience: Option<WithoutAudience>,
}

/// More audiences than any real token has; each costs the parsing of a URL, before the signature.
const MOST_AUDIENCES: usize = 100;

impl Rules {
    pub(crate) fn new(issuer: &str, resource: ResourceUrl) -> Self {
        Self {
            issuer: issuer.into(),
            resource,
            audiences: Vec::new(),
            leeway: Duration::from_secs(30),
            at_jwt_only: false,
            algorithms: None,
            without_audience: None,
        }
    }

    /// Judges the header, except for whether the keys fit its algorithm.
    pub(super) fn judge_header(&self, header: &Header) -> Result<(), Refused> {
        if let Some(name) = header.key_source() {
            return Err(Refused::KeySource(name));
        }
        if header.is_nested() {
            return Err(Refused::Nested);
        }
        self.judge_media_type(header.media_type())?;
        match (header.algorithm(), &self.algorithms) {
            (Algorithm::Signature(own), Some(allowed)) if !allowed.contains(&own) => {
                Err(Refused::Algorithm)
            }
            _ => Ok(()),
        }
    }

    /// RFC 8725 §3.11, RFC 9068 §4: a token of another kind is not an access token.
    fn judge_media_type(&self, media_type: Option<&str>) -> Result<(), Refused> {
        let is = |name: &str| media_type.is_some_and(|own| own.eq_ignore_ascii_case(name));
        if is("at+jwt") {
            Ok(())
        } else if media_type.is_some() && !is("jwt") {
            Err(Refused::MediaType)
        } else if self.at_jwt_only {
            Err(Refused::NotAtJwt)
        } else {
            Ok(())
        }
    }

    /// Judges the claims. That they are the issuer's is for the signature to say.
    pub(super) fn judge(
        &self,
        claims: Map<String, Value>,
        now: SystemTime,
    ) -> Result<Claimed, Refused> {
        match text(&claims, "iss")? {
            Some(issuer) if *issuer == *self.issuer => {}
            Some(_) => return Err(Refused::OtherIssuer),
            None => return Err(Refused::Missing("iss")),
        }
        let (expires_at, issued_at) = self.judge_times(&claims, now)?;
        let audience = self.judge_audience(&claims)?;
        Claimed::new(claims, audience, expires_at, issued_at)
    }

    /// RFC 7519 §4.1.4 to §4.1.6: when it expires, and when it was issued if it says so.
    fn judge_times(
        &self,
        claims: &Map<String, Value>,
        now: SystemTime,
    ) -> Result<(SystemTime, Option<SystemTime>), Refused> {
        let soon = now + self.leeway;
        let expires_at = numeric_date(claims, "exp")?.ok_or(Refused::Missing("exp"))?;
        if now >= expires_at + self.leeway {
            return Err(Refused::Expired(expires_at));
        }
        match numeric_date(claims, "nbf")? {
            Some(start) if start > soon => return Err(Refused::NotYet(start)),
            _ => {}
        }
        let issued_at = numeric_date(claims, "iat")?;
        match issued_at {
            Some(time) if time > soon => Err(Refused::FromTheFuture(time)),
            _ => Ok((expires_at, issued_at)),
        }
    }

    /// RFC 7519 §4.1.3, RFC 8725 §3.9: the audiences, one of which is us.
    pub(crate) fn judge_audience(
        &self,
        claims: &Map<String, Value>,
    ) -> Result<Vec<String>, Refused> {
        let audience = match claims.get("aud") {
            None => {
                return match &self.without_audience {
                    Some(rule) if rule.accepts(claims) => Ok(Vec::new()),
                    Some(_) => Err(Refused::WithoutAudience),
                    None => Err(Refused::Missing("aud")),
                };
            }
            Some(Value::String(one)) => vec![one.clone()],
            Some(Value::Array(several)) if several.len() <= MOST_AUDIENCES => several
                .iter()
                .map(|one| one.as_str().map(str::to_owned))
                .collect::<Option<_>>()
                .ok_or(Refused::Claim("aud"))?,
            Some(_) => return Err(Refused::Claim("aud")),
        };
        if audience.iter().any(|one| self.is_us(one)) {
            Ok(audience)
        } else {
            Err(Refused::OtherAudience)
        }
    }

    fn is_us(&self, audience: &str) -> bool {
        self.audiences.iter().any(|own| own == audience) || self.resource.is_named_by(audience)
    }
}

/// A claim that must be a text where it is there.
pub(crate) fn text<'a>(
    claims: &'a Map<String, Value>,
    name: &'static str,
) -> Result<Option<&'a str>, Refused> {
    match claims.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Refused::Claim(name)),
    }
}

#[cfg(test)]
mod tests;
