//! HTTP to an identity server: bounded in time and size, and never to an address that the operator
//! did not mean. Left out, on purpose: caching (the callers know what may be kept) and compression.

mod addresses;
mod error;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use reqwest::{Client, RequestBuilder, Response, StatusCode, header, redirect};
use url::Url;

pub(crate) use addresses::AddressPolicy;
pub(crate) use error::FetchError;

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
    client: Client,
    addresses: Arc<AddressPolicy>,
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

    /// Sends a request that was made from [`Fetcher::post`], once and to that URL only. A 400 has a
    /// body too, since OAuth says there what is wrong (RFC 6749 §5.2).
    #[cfg_attr(
        not(feature = "introspection"),
        allow(dead_code, reason = "introspection asks")
    )]
    pub(crate) async fn send(
        &self,
        request: RequestBuilder,
    ) -> Result<(StatusCode, Bytes), FetchError> {
        let response = request.send().await.map_err(FetchError::transport)?;
        let status = response.status();
        if status.is_redirection() {
            return Err(FetchError::Redirected);
        }
        let body = if status == StatusCode::BAD_REQUEST {
            self.read(response).await?
        } else {
            self.body(response).await?
        };
        Ok((status, body))
    }

    /// A POST, for the caller to complete: it carries credentials and is never redirected.
    #[cfg_attr(
        not(feature = "introspection"),
        allow(dead_code, reason = "introspection asks")
    )]
    pub(crate) fn post(&self, url: &Url) -> Result<RequestBuilder, FetchError> {
        self.addresses.check(url)?;
        Ok(self.client.post(url.clone()))
    }

    fn request(&self, url: &Url) -> Result<RequestBuilder, FetchError> {
        self.addresses.check(url)?;
        let request = self.client.get(url.clone());
        Ok(request.header(header::ACCEPT, "application/json"))
    }

    /// The body of a success.
    async fn body(&self, response: Response) -> Result<Bytes, FetchError> {
        if !response.status().is_success() {
            return Err(FetchError::Status(response.status().as_u16()));
        }
        self.read(response).await
    }

    /// The body, read until the limit.
    async fn read(&self, mut response: Response) -> Result<Bytes, FetchError> {
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

impl std::fmt::Debug for Fetcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fetcher")
            .field("addresses", &self.addresses)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
