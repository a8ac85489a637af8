//! The claims of a token in their types, before its signature says whose they are.

use std::time::{Duration, SystemTime};

use serde_json::{Map, Value};

use super::{refused::Refused, rules::text};
use crate::{AccessToken, Confirmation, Scope, ScopeSet};

/// How the subjects begin that this library makes. No `sub` of others may begin so, or two callers
/// could become one.
pub(crate) const RESERVED: &str = "propusk:";

/// A `sub` that can be somebody's.
pub(crate) fn judge_subject(subject: &str) -> Result<(), Refused> {
    if subject.is_empty() || subject.starts_with(RESERVED) {
        return Err(Refused::Claim("sub"));
    }
    Ok(())
}

/// Claims that would make a valid token, if the signature is good.
#[derive(Debug)]
pub(super) struct Claimed {
    claims: Map<String, Value>,
    audience: Vec<String>,
    expires_at: SystemTime,
    issued_at: Option<SystemTime>,
    confirmation: Option<Confirmation>,
}

impl Claimed {
    /// Checks the types of what the rules have not looked at.
    pub(super) fn new(
        claims: Map<String, Value>,
        audience: Vec<String>,
        expires_at: SystemTime,
        issued_at: Option<SystemTime>,
    ) -> Result<Self, Refused> {
        judge_subject(text(&claims, "sub")?.ok_or(Refused::Missing("sub"))?)?;
        for name in ["client_id", "azp", "jti", "scope"] {
            text(&claims, name)?;
        }
        match claims.get("scp") {
            None | Some(Value::String(_)) => {}
            Some(Value::Array(scopes)) if scopes.iter().all(Value::is_string) => {}
            Some(_) => return Err(Refused::Claim("scp")),
        }
        let confirmation = confirmation(&claims)?;
        Ok(Self {
            claims,
            audience,
            expires_at,
            issued_at,
            confirmation,
        })
    }

    /// When it was issued, if it says so.
    pub(super) fn issued_at(&self) -> Option<SystemTime> {
        self.issued_at
    }

    /// The token, now that its signature has been verified.
    pub(super) fn verified(self, issuer: std::sync::Arc<str>, leeway: Duration) -> AccessToken {
        let claim = |name: &str| self.claims.get(name).and_then(Value::as_str);
        let mut token = AccessToken::new(claim("sub").unwrap_or_default())
            .with_issuer(issuer)
            .with_scopes(scopes(&self.claims))
            .with_expires_at(self.expires_at)
            .with_leeway(leeway);
        if let Some(client) = claim("client_id").or_else(|| claim("azp")) {
            token = token.with_client_id(client);
        }
        if let Some(id) = claim("jti") {
            token = token.with_token_id(id);
        }
        if let Some(confirmation) = self.confirmation {
            token = token.with_confirmation(confirmation);
        }
        for audience in self.audience {
            token = token.with_audience(audience);
        }
        token.with_claims(self.claims)
    }
}

/// `scope` (RFC 9068 §2.2.3), else `scp` as others write it. No claim: no scopes.
fn scopes(claims: &Map<String, Value>) -> ScopeSet {
    match (claims.get("scope"), claims.get("scp")) {
        (Some(Value::String(list)), _) | (None, Some(Value::String(list))) => {
            ScopeSet::from_claim(list)
        }
        (None, Some(Value::Array(list))) => list
            .iter()
            .filter_map(|one| Scope::parse(one.as_str()?).ok())
            .collect(),
        _ => ScopeSet::default(),
    }
}

/// RFC 7800 §3.1: how the presenter proves to hold a key. What is not understood still binds.
pub(crate) fn confirmation(claims: &Map<String, Value>) -> Result<Option<Confirmation>, Refused> {
    let methods = match claims.get("cnf") {
        None => return Ok(None),
        Some(Value::Object(methods)) => methods,
        Some(_) => return Err(Refused::Claim("cnf")),
    };
    match methods.get("jkt") {
        Some(Value::String(thumbprint)) if methods.len() == 1 => {
            Ok(Some(Confirmation::Jkt(thumbprint.clone())))
        }
        None | Some(Value::String(_)) => Ok(Some(Confirmation::Unsupported)),
        Some(_) => Err(Refused::Claim("cnf")),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;

    fn claimed(more: &Value) -> Result<AccessToken, Refused> {
        let mut claims = json!({"sub": "alice"});
        for (name, value) in more.as_object().expect("an object") {
            claims[name] = value.clone();
        }
        let Value::Object(claims) = claims else {
            unreachable!()
        };
        let end = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let audience = vec!["api://notes".to_owned()];
        let claimed = Claimed::new(claims, audience, end, None)?;
        Ok(claimed.verified(Arc::from("https://a.example"), Duration::from_secs(7)))
    }

    #[test]
    fn what_the_token_says() {
        let claims =
            json!({"client_id": "c", "azp": "d", "jti": "7", "scope": "a b", "x": {"y": 1}});
        let token = claimed(&claims).expect("valid");
        assert_eq!(token.subject(), "alice");
        assert_eq!(token.issuer(), Some("https://a.example"));
        assert_eq!(token.client_id(), Some("c"));
        assert_eq!(token.token_id(), Some("7"));
        assert_eq!(token.audience(), ["api://notes"]);
        assert_eq!(token.scopes().to_string(), "a b");
        assert_eq!(token.claims()["x"]["y"], 1);
        let expires_at = token.expires_at().expect("it expires");
        assert_eq!(
            token.valid_until(),
            Some(expires_at + Duration::from_secs(7))
        );
        assert_eq!(token.confirmation(), None);
        let token = claimed(&json!({"azp": "d"})).expect("valid");
        assert_eq!((token.client_id(), token.token_id()), (Some("d"), None));
    }

    #[test]
    fn scopes_come_from_scope_or_scp_and_are_none_without() {
        for (claims, expected) in [
            (json!({}), Some("")),
            (json!({"scope": ""}), Some("")),
            (json!({"scope": "b a"}), Some("a b")),
            (json!({"scp": "b a"}), Some("a b")),
            (json!({"scp": ["b", "a"]}), Some("a b")),
            (json!({"scp": []}), Some("")),
            (json!({"scope": "a", "scp": ["b"]}), Some("a")),
            (json!({"scope": "", "scp": ["b"]}), Some("")),
            // One element is one scope; it cannot smuggle in a second one.
            (json!({"scp": ["a b", "c"]}), Some("c")),
            (json!({"scope": "a \"b\" c"}), Some("a c")),
            (json!({"scope": ["a"]}), None),
            (json!({"scope": null}), None),
            (json!({"scp": 1}), None),
            (json!({"scp": ["a", 1]}), None),
            (json!({"scope": "a", "scp": 1}), None),
        ] {
            let scopes = claimed(&claims)
                .ok()
                .map(|token| token.scopes().to_string());
            assert_eq!(scopes.as_deref(), expected, "{claims}");
        }
    }

    #[test]
    fn rfc7519_4_1_types() {
        for (claims, name) in [
            (json!({"sub": ""}), "sub"),
            (json!({"sub": "propusk:client:an-app"}), "sub"),
            (json!({"sub": 1}), "sub"),
            (json!({"sub": null}), "sub"),
            (json!({"client_id": ["c"]}), "client_id"),
            (json!({"azp": 1}), "azp"),
            (json!({"jti": 1}), "jti"),
        ] {
            assert_eq!(
                claimed(&claims).err(),
                Some(Refused::Claim(name)),
                "{claims}"
            );
        }
        let end = SystemTime::UNIX_EPOCH;
        let without = Claimed::new(Map::new(), Vec::new(), end, None);
        assert_eq!(without.err(), Some(Refused::Missing("sub")));
    }

    #[test]
    fn rfc7800_3_1_a_bound_token_stays_bound() {
        use Confirmation::{Jkt, Unsupported};
        for (cnf, expected) in [
            (json!({"jkt": "abc"}), Ok(Jkt("abc".to_owned()))),
            (json!({"x5t#S256": "abc"}), Ok(Unsupported)),
            (json!({"jkt": "abc", "x5t#S256": "abc"}), Ok(Unsupported)),
            (json!({"jwk": {}}), Ok(Unsupported)),
            (json!({}), Ok(Unsupported)),
            (json!({"jkt": 1}), Err(Refused::Claim("cnf"))),
            (json!({"jkt": null}), Err(Refused::Claim("cnf"))),
            (json!(null), Err(Refused::Claim("cnf"))),
            (json!("abc"), Err(Refused::Claim("cnf"))),
        ] {
            let token = claimed(&json!({"cnf": cnf}));
            let found = token.map(|token| token.confirmation().cloned().expect("bound"));
            assert_eq!(found, expected, "{cnf}");
        }
    }
}
