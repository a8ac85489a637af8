//! Limits before anybody has shown a token.

use std::{
    net::IpAddr,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, SystemTime},
};

use super::{Hold, Rate, buckets::Buckets, places::Places, who::Network};

/// How much each address may ask for, before its token is looked at: the cheapest check of all.
///
/// An IPv6 client has 64 bits of addresses, which count as one. A copy shares the limits, so that
/// several endpoints of one listener count together. Without an address
/// (see [`RemoteAddress`](crate::audit::RemoteAddress)) nothing is limited.
#[derive(Debug, Clone, Default)]
pub struct AddressLimits(Arc<RwLock<Current>>);

#[derive(Debug, Clone, Default)]
struct Current {
    rate: Option<Arc<Buckets<Network>>>,
    places: Option<Arc<Places<Network>>>,
}

impl AddressLimits {
    /// Without a limit.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how many requests each address may make; `None`: any number. What has been used up stays
    /// where the limit is the same. For all copies, also while they serve.
    pub fn set_rate(&self, rate: Option<Rate>) {
        let mut current = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if current.rate.as_ref().map(|own| own.rate()) != rate {
            current.rate = rate.map(|rate| Arc::new(Buckets::new(rate)));
        }
    }

    /// Sets how many requests of each address may be under way at the same time, open streams among
    /// them; `None`: any number. For all copies, also while they serve.
    pub fn set_concurrency(&self, most: Option<u32>) {
        let mut current = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if current.places.as_ref().map(|own| own.most()) != most {
            current.places = most.map(Places::new);
        }
    }

    /// Takes what one request needs.
    ///
    /// # Errors
    /// How long to wait, and which limit it was.
    pub(crate) fn take(
        &self,
        address: IpAddr,
        now: SystemTime,
    ) -> Result<Option<Hold>, (Duration, String)> {
        let network = Network::of(address);
        let current = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(buckets) = &current.rate
            && let Err(wait) = buckets.take(&network, now)
        {
            return Err((wait, format!("address {network}: {}", buckets.rate())));
        }
        let Some(places) = &current.places else {
            return Ok(None);
        };
        match places.take(&network) {
            Some(place) => Ok(Some(Box::new(place))),
            None => {
                let most = places.most();
                let why = format!("address {network}: {most} at the same time");
                Err((Duration::from_secs(1), why))
            }
        }
    }
}
