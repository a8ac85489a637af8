//! How many connections there may be.

use std::{net::IpAddr, sync::Arc};

use super::{
    Hold,
    places::Places,
    who::{All, Network},
};

/// How many connections a listener keeps open, in all and of each address. One that is too many is
/// closed before a byte of it is read.
///
/// Without a limit there are as many as the operating system gives. Behind a proxy all connections come
/// from its address, so there the limit in all is the one to set.
#[derive(Debug, Clone, Default)]
pub struct ConnectionLimits {
    in_all: Option<Arc<Places<All>>>,
    of_each: Option<Arc<Places<Network>>>,
}

impl ConnectionLimits {
    /// Without limits.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how many there may be in all.
    #[must_use]
    pub fn in_all(mut self, most: u32) -> Self {
        self.in_all = Some(Places::new(most));
        self
    }

    /// Sets how many each address may have; 64 bits of IPv6 are one.
    #[must_use]
    pub fn of_each_address(mut self, most: u32) -> Self {
        self.of_each = Some(Places::new(most));
        self
    }

    /// Places for one more, to be kept while it is open; `None` where there is none.
    pub(crate) fn take(&self, peer: IpAddr) -> Option<Vec<Hold>> {
        let mut taken: Vec<Hold> = Vec::new();
        if let Some(places) = &self.of_each {
            taken.push(Box::new(places.take(&Network::of(peer))?));
        }
        if let Some(places) = &self.in_all {
            taken.push(Box::new(places.take(&All)?));
        }
        Some(taken)
    }
}
