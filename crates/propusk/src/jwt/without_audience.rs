//! Tokens of providers that leave out `aud`: accepted by an explicit rule only.

use serde_json::{Map, Value};

/// What takes the place of the audience in tokens that have none.
///
/// A token that *has* an `aud` is never judged by this rule.
#[derive(Debug, Clone)]
pub struct WithoutAudience {
    clients: Vec<String>,
    /// Whether the token must say what it is for.
    says_its_use: bool,
    /// Whether `azp` says whose it is where `client_id` is not there.
    by_azp: bool,
}

impl WithoutAudience {
    /// For access tokens of AWS Cognito: `client_id` is one of these app clients, and `token_use`
    /// is `access`. Those clients' tokens are then accepted here whatever they were issued for, so
    /// list only clients that are meant for this server.
    #[must_use]
    pub fn cognito<C: Into<String>>(clients: impl IntoIterator<Item = C>) -> Self {
        Self {
            says_its_use: true,
            by_azp: false,
            ..Self::clients(clients)
        }
    }

    /// For access tokens whose `client_id`, or `azp` where that is not there, is one of these. Nothing in such a token says that it was
    /// meant for this server and not for another one of the same issuer, so list only clients that
    /// get tokens for this server alone. A token that says by `token_use` that it is something else
    /// than an access token is refused.
    #[must_use]
    pub fn clients<C: Into<String>>(clients: impl IntoIterator<Item = C>) -> Self {
        Self {
            clients: clients.into_iter().map(Into::into).collect(),
            says_its_use: false,
            by_azp: true,
        }
    }

    pub(super) fn accepts(&self, claims: &Map<String, Value>) -> bool {
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        let is_access = match claims.get("token_use") {
            Some(token_use) => token_use == "access",
            None => !self.says_its_use,
        };
        let client = match claims.contains_key("client_id") {
            false if self.by_azp => text("azp"),
            _ => text("client_id"),
        };
        is_access && client.is_some_and(|client| self.clients.iter().any(|own| own == client))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_client_and_the_use_take_the_place_of_the_audience() {
        let rule = WithoutAudience::cognito(["client-1", "client-2"]);
        for (claims, accepted) in [
            (
                json!({"client_id": "client-2", "token_use": "access"}),
                true,
            ),
            (json!({"client_id": "client-2", "token_use": "id"}), false),
            (json!({"client_id": "client-2"}), false),
            (
                json!({"client_id": "client-3", "token_use": "access"}),
                false,
            ),
            (
                json!({"client_id": "CLIENT-2", "token_use": "access"}),
                false,
            ),
            (
                json!({"client_id": ["client-2"], "token_use": "access"}),
                false,
            ),
            (json!({"azp": "client-2", "token_use": "access"}), false),
            (json!({"token_use": "access"}), false),
        ] {
            let members = claims.as_object().expect("an object");
            assert_eq!(rule.accepts(members), accepted, "{claims}");
        }
        let by_client = WithoutAudience::clients(["client-1"]);
        for (claims, accepted) in [
            (json!({"client_id": "client-1"}), true),
            (json!({"client_id": "client-2"}), false),
            (json!({"azp": "client-1"}), true),
            (json!({"azp": "client-2"}), false),
            (json!({"azp": ["client-1"]}), false),
            (json!({"azp": "client-1", "token_use": "id"}), false),
            // Where both are there, `client_id` is whom it was issued to.
            (json!({"client_id": "client-2", "azp": "client-1"}), false),
            (json!({"client_id": null, "azp": "client-1"}), false),
            (json!({"client_id": "client-1", "azp": "client-2"}), true),
            (
                json!({"client_id": "client-1", "token_use": "access"}),
                true,
            ),
            (json!({"client_id": "client-1", "token_use": "id"}), false),
            (json!({"client_id": "client-1", "token_use": null}), false),
            (json!({}), false),
        ] {
            let members = claims.as_object().expect("an object");
            assert_eq!(by_client.accepts(members), accepted, "{claims}");
        }
        let nobody = WithoutAudience::cognito([""; 0]);
        let claims = json!({"client_id": "", "token_use": "access"});
        assert!(!nobody.accepts(claims.as_object().expect("an object")));
    }
}
