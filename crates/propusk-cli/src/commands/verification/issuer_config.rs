//! One issuer in `propusk.toml`: its URL, or a table with what is special about it.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor, value::MapAccessDeserializer},
};

/// An issuer and its settings, as they are written.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct IssuerConfig {
    pub(super) url: String,
    pub(super) jwks: Option<String>,
    #[serde(default)]
    pub(super) accept_client: Vec<String>,
    pub(super) algorithms: Option<Vec<String>>,
    pub(super) leeway: Option<String>,
    #[serde(default)]
    pub(super) require_at_jwt: bool,
}

impl From<String> for IssuerConfig {
    fn from(url: String) -> Self {
        Self {
            url,
            ..Self::default()
        }
    }
}

/// `["https://a.example", { url = "https://b.example", … }]`.
pub(crate) fn urls_or_tables<'de, D: Deserializer<'de>>(
    list: D,
) -> Result<Vec<IssuerConfig>, D::Error> {
    let entries = Vec::<UrlOrTable>::deserialize(list)?;
    Ok(entries.into_iter().map(|UrlOrTable(one)| one).collect())
}

struct UrlOrTable(IssuerConfig);

impl<'de> Deserialize<'de> for UrlOrTable {
    fn deserialize<D: Deserializer<'de>>(entry: D) -> Result<Self, D::Error> {
        entry.deserialize_any(UrlOrTableVisitor).map(Self)
    }
}

/// An untagged enum would say of a wrong table only that it is wrong, and not which key.
struct UrlOrTableVisitor;

impl<'de> Visitor<'de> for UrlOrTableVisitor {
    type Value = IssuerConfig;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a URL, or a table with a url")
    }

    fn visit_str<E>(self, url: &str) -> Result<IssuerConfig, E> {
        Ok(url.to_owned().into())
    }

    fn visit_map<A: MapAccess<'de>>(self, table: A) -> Result<IssuerConfig, A::Error> {
        IssuerConfig::deserialize(MapAccessDeserializer::new(table))
    }
}
