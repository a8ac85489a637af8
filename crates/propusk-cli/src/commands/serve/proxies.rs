//! `[proxies]`: who is believed about where requests come from.

use propusk::server::{AddressRange, ForwardedHeader, TrustedProxies};
use serde::Deserialize;

use super::rules::Place;
use crate::failure::Failure;

#[derive(Debug, Default, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct ProxiesConfig {
    #[serde(default)]
    trusted: Vec<String>,
    header: Option<String>,
}

impl ProxiesConfig {
    pub(super) fn resolve(&self, place: &Place<'_>) -> Result<Option<TrustedProxies>, Failure> {
        let header = match self.header.as_deref() {
            None => ForwardedHeader::XForwardedFor,
            Some(name) if name.eq_ignore_ascii_case("x-forwarded-for") => {
                ForwardedHeader::XForwardedFor
            }
            Some(name) if name.eq_ignore_ascii_case("forwarded") => ForwardedHeader::Forwarded,
            Some(other) => {
                let key = place.key("proxies", "header");
                return Err(Failure::usage(format!(
                    "{key}: {other:?} is neither x-forwarded-for nor forwarded"
                ))
                .hint("name the one that your proxy writes: it hands on the other as a client wrote it"));
            }
        };
        if self.trusted.is_empty() {
            return match self.header {
                None => Ok(None),
                Some(_) => Err(Failure::usage(format!(
                    "{} has no effect without trusted",
                    place.key("proxies", "header")
                ))),
            };
        }
        let range = |text: &String| {
            let parsed: Result<AddressRange, _> = text.parse();
            parsed.map_err(|error| {
                let key = place.key("proxies", "trusted");
                Failure::usage(format!("{key}: {text:?}: {error}"))
                    .hint("write addresses or ranges such as \"10.0.0.0/8\" or \"fd00::/8\"")
            })
        };
        let ranges: Result<Vec<_>, _> = self.trusted.iter().map(range).collect();
        Ok(Some(TrustedProxies::new(ranges?, header)))
    }
}
