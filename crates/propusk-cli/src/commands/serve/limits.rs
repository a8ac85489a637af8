//! `[limits]`: how much each address and each principal may ask for.

use std::time::Duration;

use propusk::rules::{AddressLimits, ConnectionLimits, Rate, RuleTable};
use serde::Deserialize;

use super::rules::{Place, duration, positive, rate};
use crate::failure::Failure;

#[derive(Debug, Default, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct LimitsConfig {
    /// Before a token is looked at.
    address: Option<String>,
    address_concurrency: Option<u32>,
    principal: Option<String>,
    principal_concurrency: Option<u32>,
    time_limit: Option<String>,
    body_time_limit: Option<String>,
    largest_body: Option<u32>,
    /// Before a byte is read.
    connections: Option<u32>,
    address_connections: Option<u32>,
}

/// What they come to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Limits {
    address: Option<Rate>,
    address_concurrency: Option<u32>,
    principal: Option<Rate>,
    principal_concurrency: Option<u32>,
    time: Option<Duration>,
    pub(super) body_time: Option<Duration>,
    pub(super) largest_body: Option<usize>,
    connections: Option<u32>,
    address_connections: Option<u32>,
}

impl LimitsConfig {
    pub(super) fn resolve(&self, place: &Place<'_>) -> Result<Limits, Failure> {
        let key = |key: &str| place.key("limits", key);
        let rate_of = |name: &str, text: &Option<String>| {
            let text = text.as_deref();
            text.map(|text| rate(&key(name), text)).transpose()
        };
        let most = |name: &str, number: Option<u32>| {
            let hint = "leave the key out for what holds without it";
            number
                .map(|most| positive(&key(name), most, hint))
                .transpose()
        };
        let time = |name: &str, text: &Option<String>| {
            let text = text.as_deref();
            text.map(|text| duration(&key(name), text)).transpose()
        };
        Ok(Limits {
            address: rate_of("address", &self.address)?,
            address_concurrency: most("address-concurrency", self.address_concurrency)?,
            principal: rate_of("principal", &self.principal)?,
            principal_concurrency: most("principal-concurrency", self.principal_concurrency)?,
            time: time("time-limit", &self.time_limit)?,
            body_time: time("body-time-limit", &self.body_time_limit)?,
            largest_body: most("largest-body", self.largest_body)?.map(|bytes| bytes as usize),
            connections: most("connections", self.connections)?,
            address_connections: most("address-connections", self.address_connections)?,
        })
    }
}

impl Limits {
    /// Adds what is for each principal and each answer to the rules of an endpoint.
    pub(super) fn add_to(&self, mut table: RuleTable) -> RuleTable {
        if let Some(rate) = self.principal {
            table = table.principal_rate(rate);
        }
        if let Some(most) = self.principal_concurrency {
            table = table.principal_concurrency(most);
        }
        match self.time {
            Some(limit) => table.time_limit(limit),
            None => table,
        }
    }

    /// What is said of bodies, which stays as it was when an endpoint began.
    pub(super) fn bodies(&self) -> (Option<Duration>, Option<usize>) {
        (self.body_time, self.largest_body)
    }

    /// How many connections there may be, which a listener is told when it begins.
    pub(super) fn connections(&self) -> ConnectionLimits {
        let limits = ConnectionLimits::new();
        let limits = match self.connections {
            Some(most) => limits.in_all(most),
            None => limits,
        };
        match self.address_connections {
            Some(most) => limits.of_each_address(most),
            None => limits,
        }
    }

    /// Whether the other limits have the same connections.
    pub(super) fn has_connections_of(&self, other: &Self) -> bool {
        (self.connections, self.address_connections)
            == (other.connections, other.address_connections)
    }

    /// The keys of what each address or principal may not exceed.
    pub(super) fn keys(&self) -> impl Iterator<Item = &'static str> {
        let keys = [
            ("address", self.address.is_some()),
            ("address-concurrency", self.address_concurrency.is_some()),
            ("principal", self.principal.is_some()),
            (
                "principal-concurrency",
                self.principal_concurrency.is_some(),
            ),
            ("time-limit", self.time.is_some()),
        ];
        keys.into_iter().filter(|(_, set)| *set).map(|(key, _)| key)
    }

    /// Whether there is anything in them that rules have to keep.
    pub(super) fn need_rules(&self) -> bool {
        self.principal.is_some() || self.principal_concurrency.is_some() || self.time.is_some()
    }

    /// Whether there is any limit.
    pub(super) fn are_any(&self) -> bool {
        *self != Self::default()
    }

    /// Sets what is for each address, also while it is in use.
    pub(super) fn set(&self, addresses: &AddressLimits) {
        addresses.set_rate(self.address);
        addresses.set_concurrency(self.address_concurrency);
    }
}
