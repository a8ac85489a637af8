//! One exchange with an identity server (RFC 7662 §2.1).

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use http::{
    HeaderValue,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE},
};
use serde_json::{Map, Value};
use url::{Url, form_urlencoded::Serializer};

use super::{
    ClientAuthentication, Failure,
    circuit::Circuit,
    complaints::Complaints,
    place::Place,
    signed::{self, SignedAnswers},
};
use crate::{
    Clock, IssuerUrl,
    fetch::{FetchLimits, Fetcher},
    jose::parse_object,
};

/// An identity server that is asked about tokens.
pub(super) struct IdentityServer {
    pub(super) place: Place,
    /// Whose answers these are, where that is known.
    pub(super) issuer: Option<IssuerUrl>,
    pub(super) authentication: ClientAuthentication,
    pub(super) timeout: Duration,
    /// By how much its clock may differ.
    pub(super) leeway: Duration,
    /// Only answers that it has signed count.
    pub(super) signed: Option<SignedAnswers>,
    fetcher: Fetcher,
    circuit: Circuit,
    complaints: Complaints,
}

impl IdentityServer {
    /// Answers are a few hundred bytes; metadata a few kilobytes.
    pub(super) const LIMITS: FetchLimits = FetchLimits::DOCUMENT;

    pub(super) fn new(
        place: Place,
        issuer: Option<IssuerUrl>,
        authentication: ClientAuthentication,
        fetcher: Fetcher,
    ) -> Self {
        Self {
            place,
            issuer,
            authentication,
            timeout: Self::LIMITS.timeout,
            leeway: Duration::ZERO,
            signed: None,
            fetcher,
            circuit: Circuit::new(),
            complaints: Complaints::default(),
        }
    }

    /// What the server says of a token: the members of its answer.
    pub(super) async fn introspect(
        &self,
        token: &str,
        clock: &Arc<dyn Clock>,
    ) -> Result<Map<String, Value>, Failure> {
        let result = self.ask_in_turn(token, clock).await;
        let host = self.place.host();
        match &result {
            Ok(_) => self.complaints.succeeded(host),
            Err(failure) => {
                self.complaints.failed(host, failure, clock.now());
                if failure.is_misplaced() {
                    self.place.forget().await;
                }
            }
        }
        result
    }

    async fn ask_in_turn(
        &self,
        token: &str,
        clock: &Arc<dyn Clock>,
    ) -> Result<Map<String, Value>, Failure> {
        let call = self.circuit.enter(|| clock.now(), self.timeout).await?;
        let exchange = tokio::time::timeout(self.timeout, self.ask(token, clock));
        let result = exchange
            .await
            .unwrap_or(Err(Failure::Fetch(crate::fetch::FetchError::Timeout)));
        match &result {
            Err(failure) if failure.is_outage() => call.failed(clock.now()),
            _ => call.succeeded(),
        }
        result
    }

    async fn ask(
        &self,
        token: &str,
        clock: &Arc<dyn Clock>,
    ) -> Result<Map<String, Value>, Failure> {
        let endpoint = self.place.find(&self.fetcher, clock.now()).await?;
        let body = self
            .form(token, &endpoint, clock.now())
            .ok_or(Failure::Signing)?;
        let accepted = match self.signed {
            Some(_) => signed::MEDIA_TYPE,
            None => "application/json",
        };
        let mut request = self
            .fetcher
            .post(&endpoint)?
            .header(ACCEPT, accepted)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some(credentials) = self.authentication.header() {
            let mut value = HeaderValue::from_str(&credentials).map_err(|_| Failure::Signing)?;
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        let answer = self.fetcher.send(request.body(body)).await?;
        let members = match &self.signed {
            Some(signed) => {
                let client = self.authentication.client_id();
                signed.open(&answer, client, self.leeway, clock).await?
            }
            None => parse(&answer)?,
        };
        if members.contains_key("active") {
            Ok(members)
        } else {
            // RFC 7662 §2.2: REQUIRED. Something else than an introspection endpoint answers here.
            Err(Failure::NotAnAnswer(
                "has no `active` (RFC 7662); is the URL right?",
            ))
        }
    }

    /// The token stands in the body only: a URL would be logged on its way.
    fn form(&self, token: &str, endpoint: &Url, now: SystemTime) -> Option<String> {
        let mut form = Serializer::new(String::new());
        form.append_pair("token", token);
        form.append_pair("token_type_hint", "access_token");
        // RFC 7523 §3: the issuer names the server best.
        let issuer = self.issuer.as_ref().map(IssuerUrl::as_str);
        let audience = issuer.unwrap_or(endpoint.as_str());
        self.authentication.add_to(&mut form, audience, now)?;
        Some(form.finish())
    }
}

fn parse(body: &[u8]) -> Result<Map<String, Value>, Failure> {
    parse_object(body).map_err(|_| {
        Failure::NotAnAnswer("is not a JSON object without duplicates; is the URL right?")
    })
}
