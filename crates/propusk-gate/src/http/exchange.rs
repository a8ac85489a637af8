//! One exchange with an upstream: credentials, limits of time, and once more after a 401.

use std::error::Error as _;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, Version, header};
use http_body_util::Full;
use hyper::body::Incoming;
use propusk::AccessToken;
use tokio::time::{Instant, timeout_at};

use super::{Shared, failure::Failure};

/// A request as it goes onward.
pub(super) struct Outgoing<'a> {
    pub(super) method: Method,
    /// What the client's headers leave.
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) caller: Option<&'a AccessToken>,
    /// Until when the head of the answer must be there.
    pub(super) until: Instant,
}

impl Shared {
    /// Sends a request and returns the head of its answer, unless that is about the gate itself.
    pub(super) async fn exchange(
        &self,
        outgoing: Outgoing<'_>,
    ) -> Result<Response<Incoming>, Failure> {
        let response = match &self.settings.credentials {
            None => {
                let headers = outgoing.headers.clone();
                self.send(&outgoing, headers).await?
            }
            Some(_) => self.send_with_credentials(&outgoing).await?,
        };
        match response.status().as_u16() {
            // What the upstream thinks of the gate is no answer to the client.
            status @ (401 | 403 | 407) => Err(Failure::Refused(status)),
            status @ 300..=399 => Err(Failure::Redirects(status)),
            101 => Err(Failure::Unusable(
                "it changes the protocol, which nobody asked for",
            )),
            _ => Ok(response),
        }
    }

    async fn send_with_credentials(
        &self,
        outgoing: &Outgoing<'_>,
    ) -> Result<Response<Incoming>, Failure> {
        let mut first = true;
        loop {
            let Some(credentials) = &self.settings.credentials else {
                return self.send(outgoing, outgoing.headers.clone()).await;
            };
            let asked = timeout_at(outgoing.until, credentials.dyn_headers(outgoing.caller));
            let own = asked
                .await
                .map_err(|_| Failure::Late("getting credentials"))??;
            let mut headers = outgoing.headers.clone();
            for (name, value) in &own {
                headers.insert(name.clone(), value.clone());
            }
            let response = self.send(outgoing, headers).await?;
            // 401 says that nothing was done, and the body is all here: it may be sent once more.
            if first
                && response.status().as_u16() == 401
                && credentials.dyn_refused(outgoing.caller, &own).await
            {
                first = false;
                continue;
            }
            return Ok(response);
        }
    }

    async fn send(
        &self,
        outgoing: &Outgoing<'_>,
        mut headers: HeaderMap,
    ) -> Result<Response<Incoming>, Failure> {
        if let Some(assertion) = &self.settings.assertion {
            assertion.add_to(&mut headers, outgoing.caller, self.url.as_str())?;
        }
        headers.insert(header::HOST, self.url.host().clone());
        if outgoing.method == Method::POST {
            // Not the client's word: by the name of a character set the bytes could mean something
            // else than what was decided about.
            let json = HeaderValue::from_static("application/json");
            headers.insert(header::CONTENT_TYPE, json);
        }
        let mut request = Request::new(Full::new(outgoing.body.clone()));
        *request.method_mut() = outgoing.method.clone();
        *request.uri_mut() = self.url.uri().clone();
        *request.version_mut() = Version::HTTP_11;
        *request.headers_mut() = headers;
        match timeout_at(outgoing.until, self.pool.request(request)).await {
            Err(_) => Err(Failure::Late("the beginning of the answer")),
            Ok(Err(error)) => Err(failure(&error)),
            Ok(Ok(response)) => Ok(response),
        }
    }
}

fn failure(error: &hyper_util::client::legacy::Error) -> Failure {
    // The outermost text only says that it failed; the innermost says why.
    let mut cause = error.source();
    while let Some(inner) = cause.and_then(|cause| cause.source()) {
        cause = Some(inner);
    }
    let cause = cause.map_or_else(|| error.to_string(), ToString::to_string);
    match error.is_connect() {
        true => Failure::Unreachable(cause),
        false => Failure::Broken(cause),
    }
}
