//! Requests that carry credentials.

use bytes::Bytes;
use reqwest::{RequestBuilder, StatusCode};
use url::Url;

use super::{FetchError, Fetcher};

impl Fetcher {
    /// Sends a request that was made from [`Fetcher::post`], once and to that URL only. A 400 has a
    /// body too, since OAuth says there what is wrong (RFC 6749 §5.2).
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
    pub(crate) fn post(&self, url: &Url) -> Result<RequestBuilder, FetchError> {
        self.addresses.check(url)?;
        Ok(self.client.post(url.clone()))
    }
}
