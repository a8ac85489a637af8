//! OAuth 2.0 Protected Resource Metadata (RFC 9728). Left out: `signed_metadata` (§2.2).

use serde::{Deserialize, Serialize};

use crate::{AuthSettings, DpopPolicy};

/// The document that tells a client who issues tokens for a resource (RFC 9728 §2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ProtectedResourceMetadata {
    /// The resource URL, byte for byte as the settings have it.
    pub resource: String,
    /// Issuer URLs of the authorization servers; the MCP specification wants at least one.
    #[serde(default)]
    pub authorization_servers: Vec<String>,
    /// The scopes for basic use.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes_supported: Vec<String>,
    /// How a token may be sent: in the header only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bearer_methods_supported: Vec<String>,
    /// A name for humans.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_name: Option<String>,
    /// The algorithms of DPoP proofs that are supported (RFC 9449).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dpop_signing_alg_values_supported: Vec<String>,
    /// Whether only tokens are accepted that are bound to a key of their client.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dpop_bound_access_tokens_required: bool,
}

impl ProtectedResourceMetadata {
    /// The document of a server, or `None` where no authorization server issues its tokens: a
    /// document without one would send OAuth clients to nowhere.
    #[must_use]
    pub fn of(settings: &AuthSettings) -> Option<Self> {
        (!settings.authorization_servers().is_empty()).then(|| Self {
            resource: settings.resource().as_str().to_owned(),
            authorization_servers: settings.authorization_servers().to_vec(),
            scopes_supported: settings
                .sign_in_scopes()
                .iter()
                .map(ToString::to_string)
                .collect(),
            bearer_methods_supported: vec!["header".to_owned()],
            resource_name: settings.name().map(str::to_owned),
            dpop_signing_alg_values_supported: dpop_algorithms(),
            dpop_bound_access_tokens_required: settings.dpop_policy() == DpopPolicy::Required,
        })
    }
}

fn dpop_algorithms() -> Vec<String> {
    #[cfg(all(feature = "jwt", feature = "layer"))]
    return crate::dpop::algorithm_names().map(str::to_owned).collect();
    #[cfg(not(all(feature = "jwt", feature = "layer")))]
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc9728_2_the_document() {
        let settings = AuthSettings::new("http://localhost:8000")
            .expect("valid")
            .authorization_server("https://login.example/")
            .require_scopes("mcp")
            .expect("valid")
            .suggest_scopes("notes:read")
            .expect("valid");
        let document =
            ProtectedResourceMetadata::of(&settings).expect("there is an authorization server");
        let mut expected = serde_json::json!({
            "resource": "http://localhost:8000",
            "authorization_servers": ["https://login.example/"],
            "scopes_supported": ["mcp", "notes:read"],
            "bearer_methods_supported": ["header"],
        });
        let algorithms = dpop_algorithms();
        if !algorithms.is_empty() {
            expected["dpop_signing_alg_values_supported"] = algorithms.into();
        }
        assert_eq!(
            serde_json::to_value(&document).expect("serializes"),
            expected
        );
    }

    #[cfg(all(feature = "jwt", feature = "layer"))]
    #[test]
    fn rfc9728_2_bound_tokens() {
        let document = |policy| {
            let settings = AuthSettings::new("http://localhost:8000")
                .expect("valid")
                .authorization_server("https://login.example/")
                .dpop(policy);
            let document = ProtectedResourceMetadata::of(&settings);
            serde_json::to_value(document).expect("serializes")
        };
        for (policy, required) in [
            (DpopPolicy::Accepted, serde_json::Value::Null),
            (DpopPolicy::Required, true.into()),
        ] {
            let document = document(policy);
            assert_eq!(document["dpop_bound_access_tokens_required"], required);
            let algorithms = &document["dpop_signing_alg_values_supported"];
            assert_eq!(algorithms[0], "ES256", "{algorithms}");
            for forbidden in ["none", "HS256"] {
                assert!(!algorithms.to_string().contains(forbidden), "{algorithms}");
            }
        }
    }

    #[test]
    fn no_authorization_server_no_document() {
        let settings = AuthSettings::new("http://localhost:8000/mcp").expect("valid");
        assert_eq!(ProtectedResourceMetadata::of(&settings), None);
    }
}
