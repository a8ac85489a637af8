//! The client of one identity server.

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use reqwest::{Client, RequestBuilder, Response, header, redirect};
use url::Url;

use super::{AddressPolicy, FetchError};

/// How many redirects within one origin are followed.
const MOST_REDIRECTS: usize = 3;

/// How long one exchange may take, and how large its answer may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FetchLimits {
    /// From the first packet to the last byte of the answer.
    pub(crate) timeout: Duration,
    /// In bytes, of the body.
    pub(crate) max_body: usize,
}

impl FetchLimits {
    /// For metadata and key sets: real ones are a few kilobytes.
    pub(crate) const DOCUMENT: Self = Self {
        timeout: Duration::from_secs(5),
        max_body: 512 * 1024,
    };
}

/// An HTTP client for one identity server: the one whose URL the operator configured.
#[derive(Clone)]
pub(crate) struct Fetcher {
    pub(super) client: Client,
    pub(super) addresses: Arc<AddressPolicy>,
    limits: FetchLimits,
}

impl Fetcher {
    /// A client that trusts the host of `configured` wherever it is, and others only where they are
    /// public and speak https.
    pub(crate) fn new(configured: &Url, limits: FetchLimits) -> Result<Self, FetchError> {
        let addresses = Arc::new(AddressPolicy::trusting(configured));
        let client = Client::builder()
            .user_agent(concat!("propusk/", env!("CARGO_PKG_VERSION")))
            .timeout(limits.timeout)
            .connect_timeout(limits.timeout)
            .redirect(redirect::Policy::none())
            .dns_resolver(Arc::clone(&addresses))
            // A proxy resolves names itself, where no address policy is asked.
            .no_proxy();
        Ok(Self {
            client: client.build().map_err(FetchError::transport)?,
            addresses,
            limits,
        })
    }

    /// GETs a JSON document. Redirects are followed within its origin.
    pub(crate) async fn get(&self, url: &Url) -> Result<Bytes, FetchError> {
        let mut url = url.clone();
        for _ in 0..=MOST_REDIRECTS {
            let request = self.request(&url)?;
            let response = request.send().await.map_err(FetchError::transport)?;
            if !response.status().is_redirection() {
                return self.body(response).await;
            }
            url = redirected(&url, &response)?;
        }
        Err(FetchError::Redirected)
    }

    fn request(&self, url: &Url) -> Result<RequestBuilder, FetchError> {
        self.addresses.check(url)?;
        let request = self.client.get(url.clone());
        Ok(request.header(header::ACCEPT, "application/json"))
    }

    /// The body of a success.
    pub(super) async fn body(&self, response: Response) -> Result<Bytes, FetchError> {
        if !response.status().is_success() {
            return Err(FetchError::Status(response.status().as_u16()));
        }
        self.read(response).await
    }

    /// The body, read until the limit.
    pub(super) async fn read(&self, mut response: Response) -> Result<Bytes, FetchError> {
        let most = self.limits.max_body;
        if response.content_length().is_some_and(|n| n > most as u64) {
            return Err(FetchError::TooLarge(most));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(FetchError::transport)? {
            if body.len() + chunk.len() > most {
                return Err(FetchError::TooLarge(most));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.into())
    }
}

/// Where a redirect leads, if that is the same origin.
fn redirected(from: &Url, response: &Response) -> Result<Url, FetchError> {
    let location = response.headers().get(header::LOCATION);
    let location = location.and_then(|value| value.to_str().ok());
    let to = location.and_then(|text| from.join(text).ok());
    to.filter(|to| to.origin() == from.origin())
        .ok_or(FetchError::Redirected)
}

impl fmt::Debug for Fetcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetcher")
            .field("addresses", &self.addresses)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
