//! HTTP to an authorization server that nobody vouches for: the client that rmcp's OAuth machinery
//! works with.
//!
//! The MCP server names its authorization server, and whoever can change that document must not be
//! able to point us at the inside of our own network, to keep us busy, or to have a code or a secret
//! sent elsewhere. So each exchange has its limits, there is a most of exchanges, no redirect of a
//! POST is followed (rmcp follows those of a GET itself, within one origin), and what was answered is
//! kept for a while: some of it has to be compared as text, and rmcp parses it.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use reqwest::{
    Method, Response, StatusCode,
    header::{CONTENT_TYPE, LOCATION},
    redirect,
};
use rmcp::transport::auth::{OAuthHttpClient, OAuthHttpClientFuture, OAuthHttpRequest};
use url::Url;
use zeroize::Zeroizing;

use super::{
    names::Names,
    posted::{Posted, secrets},
    proofs::Proofs,
};
use crate::{
    client::{DpopKey, ProtectedServer, TokenError, TokenErrorKind},
    fetch::{AddressPolicy, FetchError},
};

/// The largest answer, in bytes: real ones are a few kilobytes.
const MOST_BODY: usize = 512 * 1024;

/// How many exchanges one sign-in may take. An ordinary one takes about six; a server that names
/// many authorization servers would have each of them tried.
const MOST_EXCHANGES: usize = 40;

/// How long one exchange may take, from the first packet to the last byte of the answer.
pub(in crate::client) const EXCHANGE_TIMEOUT: Duration = Duration::from_secs(15);

pub(super) type Answer = http::Response<Vec<u8>>;

/// The HTTP client of one sign-in.
pub(in crate::client) struct OAuthHttp {
    client: reqwest::Client,
    names: Arc<Names>,
    timeout: Duration,
    seen: Mutex<Seen>,
    proofs: OnceLock<Proofs>,
    for_machines: bool,
}

/// What was seen so far.
#[derive(Default)]
struct Seen {
    exchanges: usize,
    documents: Vec<Document>,
    posted: Option<Posted>,
    failure: Option<Failure>,
}

/// A document that was found.
#[derive(Clone)]
pub(super) struct Document {
    pub(super) url: Url,
    pub(super) body: Arc<[u8]>,
}

/// Why the last exchange failed.
#[derive(Debug, Clone, thiserror::Error)]
pub(in crate::client) enum Failure {
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error("signing in takes more than {MOST_EXCHANGES} requests")]
    TooMany,
    #[error("the request cannot be sent")]
    Request,
}

impl OAuthHttp {
    /// A client that trusts the host of the MCP server and that of `issuer`, where the caller named
    /// one, wherever they are.
    pub(in crate::client) fn new(
        server: &ProtectedServer,
        url: &Url,
        issuer: Option<&Url>,
        timeout: Duration,
    ) -> Result<Self, TokenError> {
        let mut addresses = AddressPolicy::trusting(url).with_neighbours();
        if let Some(issuer) = issuer {
            addresses = addresses.also_trusting(issuer);
        }
        let names = Arc::new(Names::new(addresses));
        let client = server
            .http()
            .builder(url)
            .user_agent(concat!("propusk/", env!("CARGO_PKG_VERSION")))
            .timeout(timeout)
            .redirect(redirect::Policy::none())
            .dns_resolver(Arc::clone(&names))
            .build()
            .map_err(|error| {
                TokenError::new(
                    TokenErrorKind::Misconfigured,
                    "no HTTP client could be made for signing in; check the certificates of this \
                     machine",
                )
                .with_cause(error)
            })?;
        Ok(Self {
            client,
            names,
            timeout,
            seen: Mutex::default(),
            proofs: OnceLock::new(),
            for_machines: false,
        })
    }

    /// The same client for another exchange, of which nothing is known yet.
    pub(in crate::client) fn again(&self) -> Self {
        Self {
            client: self.client.clone(),
            names: Arc::clone(&self.names),
            timeout: self.timeout,
            seen: Mutex::default(),
            proofs: OnceLock::new(),
            for_machines: self.for_machines,
        }
    }

    /// Nobody signs in: the authorization server need not have a page for that.
    pub(in crate::client) fn for_machines(mut self) -> Self {
        self.for_machines = true;
        self
    }

    /// Whether a URL may be asked, as far as can be told from the URL itself.
    pub(super) fn check(&self, url: &Url) -> Result<(), FetchError> {
        self.names.addresses.check(url)
    }

    /// From now on, requests to the token endpoint carry a proof (RFC 9449 §5).
    pub(in crate::client) fn bind(&self, token_endpoint: &str, key: DpopKey) {
        if let Ok(token_endpoint) = Url::parse(token_endpoint) {
            let _ = self.proofs.set(Proofs {
                token_endpoint,
                key,
            });
        }
    }

    /// Sends a token request once, and tells whether it was refused for want of a nonce that is known
    /// now (RFC 9449 §8). Whoever asks again may have to sign again: an assertion is good once.
    ///
    /// # Errors
    /// [`Failure`] where there is no answer.
    pub(in crate::client) async fn post_once(
        &self,
        request: http::Request<Vec<u8>>,
    ) -> Result<(Posted, bool), Failure> {
        let request = reqwest::Request::try_from(request).map_err(|_| Failure::Request)?;
        let proofs = self.proofs.get();
        let answer = self.send(request, proofs).await?;
        let wants_nonce = proofs.is_some_and(|proofs| proofs.wants_nonce(&answer));
        let posted = self.take_posted().ok_or(Failure::Request)?;
        Ok((posted, wants_nonce))
    }

    /// The documents that were found, in their order.
    pub(super) fn documents(&self) -> Vec<Document> {
        self.seen().documents.clone()
    }

    /// The answer to the last POST, taken out.
    pub(super) fn take_posted(&self) -> Option<Posted> {
        self.seen().posted.take()
    }

    /// Why the last exchange failed, if it did, taken out.
    pub(in crate::client) fn take_failure(&self) -> Option<Failure> {
        self.seen().failure.take()
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts an exchange, if there may be another one.
    fn begin(&self) -> Result<(), Failure> {
        let mut seen = self.seen();
        seen.failure = None;
        if seen.exchanges >= MOST_EXCHANGES {
            return Err(Failure::TooMany);
        }
        seen.exchanges += 1;
        Ok(())
    }

    async fn exchange(&self, request: http::Request<Vec<u8>>) -> Result<Answer, Failure> {
        let request = reqwest::Request::try_from(request).map_err(|_| Failure::Request)?;
        let proofs = self.proofs.get().filter(|proofs| {
            *request.method() == Method::POST && proofs.token_endpoint == *request.url()
        });
        let again = proofs.and_then(|_| request.try_clone());
        let answer = self.send(request, proofs).await?;
        match (again, proofs) {
            (Some(again), Some(proofs)) if proofs.wants_nonce(&answer) => {
                self.send(again, Some(proofs)).await
            }
            _ => Ok(answer),
        }
    }

    async fn send(
        &self,
        mut request: reqwest::Request,
        proofs: Option<&Proofs>,
    ) -> Result<Answer, Failure> {
        self.begin()?;
        let checked = tokio::time::timeout(self.timeout, self.names.check(request.url()));
        checked.await.map_err(|_| FetchError::Timeout)??;
        if let Some(proofs) = proofs {
            let proof = proofs.proof().ok_or(Failure::Request)?;
            request.headers_mut().insert("dpop", proof);
        }
        let (method, url) = (request.method().clone(), request.url().clone());
        let secrets = secrets(&request);
        let sent = self.client.execute(request).await;
        let response = sent.map_err(FetchError::transport)?;
        let answer = answer(response, &method).await?;
        self.remember(&method, url, secrets, &answer);
        Ok(answer)
    }

    fn remember(
        &self,
        method: &Method,
        url: Url,
        secrets: Vec<Zeroizing<String>>,
        answer: &Answer,
    ) {
        let mut seen = self.seen();
        let status = answer.status();
        if status.is_redirection() && leads_elsewhere(method, &url, answer) {
            seen.failure = Some(FetchError::Redirected.into());
        }
        if *method == Method::POST {
            seen.posted = Some(Posted::new(answer, secrets));
        } else if status == StatusCode::OK && !answer.body().is_empty() {
            seen.documents.push(Document {
                url,
                body: answer.body().as_slice().into(),
            });
        }
    }
}

impl OAuthHttpClient for OAuthHttp {
    fn execute(&self, request: OAuthHttpRequest) -> OAuthHttpClientFuture<'_> {
        Box::pin(async move {
            let mut answered = self.exchange(request.request).await;
            if let Ok(answer) = &mut answered
                && self.for_machines
            {
                complete(answer);
            }
            answered.map_err(|failure| {
                self.seen().failure = Some(failure.clone());
                failure.into()
            })
        })
    }
}

/// RFC 8414 §2: a server none of whose grants uses it has no authorization endpoint. rmcp wants one;
/// whoever asks for machines never goes there.
fn complete(answer: &mut Answer) {
    let document = serde_json::from_slice::<serde_json::Value>(answer.body());
    let Ok(serde_json::Value::Object(mut document)) = document else {
        return;
    };
    if let Some(endpoint) = document.get("token_endpoint").cloned() {
        let page = document.entry("authorization_endpoint");
        page.or_insert(endpoint);
        *answer.body_mut() = serde_json::Value::Object(document).to_string().into_bytes();
    }
}

impl fmt::Debug for OAuthHttp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuthHttp")
            .field("addresses", &self.names.addresses)
            .finish_non_exhaustive()
    }
}

/// Whether a redirect is one that nobody follows: that of a POST, and that of a GET to another
/// origin.
fn leads_elsewhere(method: &Method, from: &Url, answer: &Answer) -> bool {
    let location = answer.headers().get(LOCATION);
    let to = location
        .and_then(|value| value.to_str().ok())
        .and_then(|text| from.join(text).ok());
    *method == Method::POST || to.is_some_and(|to| to.origin() != from.origin())
}

/// The whole answer. The bodies of what is no document are not read: the MCP server itself is asked
/// too, and its stream of events does not end.
async fn answer(mut response: Response, method: &Method) -> Result<Answer, FetchError> {
    let mut answer = http::Response::new(Vec::new());
    *answer.status_mut() = response.status();
    *answer.headers_mut() = response.headers().clone();
    let kind = response.headers().get(CONTENT_TYPE);
    let events = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
    if *method != Method::POST && (events || response.status() != StatusCode::OK) {
        return Ok(answer);
    }
    if response
        .content_length()
        .is_some_and(|n| n > MOST_BODY as u64)
    {
        return Err(FetchError::TooLarge(MOST_BODY));
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(FetchError::transport)? {
        if body.len() + chunk.len() > MOST_BODY {
            return Err(FetchError::TooLarge(MOST_BODY));
        }
        body.extend_from_slice(&chunk);
    }
    *answer.body_mut() = body;
    Ok(answer)
}
