//! Names on the way to their addresses, with and without a proxy.
//!
//! The address policy is asked where a connection resolves a name, so that nobody can answer twice.
//! Where the user goes through a proxy, the names of servers are resolved there: then they are
//! resolved here too, beforehand, as far as this machine can, and the name of the proxy itself is
//! the user's own business.

use std::{
    collections::HashSet,
    net::SocketAddr,
    sync::{Mutex, MutexGuard, PoisonError},
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use crate::fetch::{AddressPolicy, FetchError};

/// The address policy, and the names of the servers that were asked.
pub(super) struct Names {
    pub(super) addresses: AddressPolicy,
    servers: Mutex<HashSet<String>>,
}

impl Names {
    pub(super) fn new(addresses: AddressPolicy) -> Self {
        Self {
            addresses,
            servers: Mutex::default(),
        }
    }

    /// Checks a URL and, as far as this machine knows them, the addresses of its name.
    pub(super) async fn check(&self, url: &Url) -> Result<(), FetchError> {
        self.addresses.check(url)?;
        let Some(Host::Domain(host)) = url.host() else {
            return Ok(());
        };
        self.servers().insert(host.to_owned());
        let Ok(name) = host.parse::<Name>() else {
            return Ok(());
        };
        match self.addresses.resolve(name).await {
            Err(error) => FetchError::of_name(&*error).map_or(Ok(()), Err),
            Ok(_) => Ok(()),
        }
    }

    fn servers(&self) -> MutexGuard<'_, HashSet<String>> {
        self.servers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        if self.servers().contains(name.as_str()) {
            return self.addresses.resolve(name);
        }
        // Nobody was asked by this name: it is a proxy.
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let addresses: Addrs = Box::new(found.collect::<Vec<SocketAddr>>().into_iter());
            Ok(addresses)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_server_inside_is_refused_by_name_and_a_proxy_inside_is_not() {
        let url = |text: &str| text.parse::<Url>().expect("a URL");
        let name = || "localhost".parse::<Name>().expect("a name");
        let policy = AddressPolicy::trusting(&url("https://mcp.example/mcp")).with_neighbours();
        let names = Names::new(policy);
        assert!(
            names.resolve(name()).await.is_ok(),
            "a proxy of this machine"
        );
        let refused = names.check(&url("https://localhost/token")).await;
        assert!(
            matches!(refused, Err(FetchError::Forbidden(..))),
            "{refused:?}"
        );
        assert!(
            names.resolve(name()).await.is_err(),
            "a server of this machine"
        );
        // What this machine cannot resolve, the proxy may.
        let unknown = names
            .check(&url("https://no-such-name.invalid/token"))
            .await;
        assert!(unknown.is_ok(), "{unknown:?}");
    }
}
