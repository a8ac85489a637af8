//! The provider's endpoints.

/// An endpoint, for [`faults`](super::IdentityProvider::fault) and
/// [`counts`](super::IdentityProvider::counts).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Endpoint {
    /// The metadata of RFC 8414. Where the issuer has a path, both of its places count.
    OauthMetadata,
    /// The metadata of OpenID Connect Discovery.
    OpenidConfiguration,
    /// The key set.
    Jwks,
    /// The token endpoint.
    Token,
    /// RFC 7662.
    Introspection,
    /// RFC 7009.
    Revocation,
    /// The authorization endpoint.
    Authorization,
    /// Dynamic registration, RFC 7591.
    Registration,
    /// Everything else: sign-in pages, and paths that lead nowhere.
    Other,
}

impl Endpoint {
    /// Both kinds of metadata.
    pub const METADATA: [Self; 2] = [Self::OauthMetadata, Self::OpenidConfiguration];

    /// The name that `idp.mjs` gives it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::OauthMetadata => "oauth-metadata",
            Self::OpenidConfiguration => "openid-configuration",
            Self::Jwks => "jwks",
            Self::Token => "token",
            Self::Introspection => "introspection",
            Self::Revocation => "revocation",
            Self::Authorization => "authorization",
            Self::Registration => "registration",
            Self::Other => "other",
        }
    }

    pub(super) fn url(self, issuer: &str) -> String {
        let path = match self {
            Self::OauthMetadata => return path_inserted(issuer),
            Self::OpenidConfiguration => "/.well-known/openid-configuration",
            Self::Jwks => "/jwks",
            Self::Token => "/token",
            Self::Introspection => "/token/introspection",
            Self::Revocation => "/token/revocation",
            Self::Authorization => "/auth",
            Self::Registration => "/reg",
            Self::Other => "/nothing-here",
        };
        format!("{issuer}{path}")
    }
}

/// RFC 8414 §3.1: between the host and the path of the issuer.
fn path_inserted(issuer: &str) -> String {
    let host = issuer.find("://").map_or(0, |at| at + 3);
    let path = issuer[host..]
        .find('/')
        .map_or(issuer.len(), |at| host + at);
    let (origin, path) = issuer.split_at(path);
    format!("{origin}/.well-known/oauth-authorization-server{path}")
}

#[cfg(test)]
mod tests {
    use super::Endpoint;

    #[test]
    fn rfc8414_3_1_the_well_known_part_comes_before_the_path() {
        for (issuer, expected) in [
            (
                "http://h:1",
                "http://h:1/.well-known/oauth-authorization-server",
            ),
            (
                "http://h:1/t",
                "http://h:1/.well-known/oauth-authorization-server/t",
            ),
        ] {
            assert_eq!(Endpoint::OauthMetadata.url(issuer), expected);
        }
    }
}
