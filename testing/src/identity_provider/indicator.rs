//! Resource indicators with wishes.

use url::form_urlencoded::byte_serialize;

/// The resource that a token is asked for (RFC 8707), and what the token is to look like. Anything
/// that is a string is an indicator without wishes: a JWT, signed by RS256, of the usual lifetime.
///
/// The wishes travel in the query of the `resource` parameter; the token's audience is the resource
/// alone.
#[derive(Clone, Debug)]
pub struct Indicator(String);

impl Indicator {
    /// A token for this resource.
    #[must_use]
    pub fn new(resource: &str) -> Self {
        Self(resource.to_owned())
    }

    /// An opaque token instead of a JWT.
    #[must_use]
    pub fn opaque(self) -> Self {
        self.wish("format", "opaque")
    }

    /// A JWT signed by this algorithm, one of [`Options::algorithms`](super::Options::algorithms).
    #[must_use]
    pub fn signed_by(self, algorithm: &str) -> Self {
        self.wish("alg", algorithm)
    }

    /// A token that lives this many seconds, at least one.
    #[must_use]
    pub fn lives(self, seconds: u32) -> Self {
        self.wish("ttl", &seconds.to_string())
    }

    /// The value of the parameter `resource`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn wish(self, name: &str, value: &str) -> Self {
        let mark = if self.0.contains('?') { '&' } else { '?' };
        let value: String = byte_serialize(value.as_bytes()).collect();
        Self(format!("{}{mark}idp.{name}={value}", self.0))
    }
}

impl From<&str> for Indicator {
    fn from(resource: &str) -> Self {
        Self::new(resource)
    }
}

impl From<&String> for Indicator {
    fn from(resource: &String) -> Self {
        Self::new(resource)
    }
}

#[cfg(test)]
mod tests {
    use super::Indicator;

    #[test]
    fn wishes_are_members_of_the_query() {
        let resource = Indicator::new("http://h/mcp?a=b").opaque().lives(2);
        assert_eq!(
            resource.as_str(),
            "http://h/mcp?a=b&idp.format=opaque&idp.ttl=2"
        );
    }
}
