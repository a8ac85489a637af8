//! What becomes known of a request on its way to the decision, for the event about it.

use std::time::Instant;

use http::Request;
use serde_json::Value;

use crate::{
    AccessToken, BearerToken, Operation, Permit, Unavailable,
    audit::{Facts, RemoteAddress, RequestId, Verification, Verified},
    verify::DynTokenVerifier,
};

/// The facts of one request. A request has one trail, and an event for each decision about it.
#[derive(Clone)]
pub(crate) struct Trail(Facts);

impl Trail {
    /// Of a request that by its path asks for this.
    pub(super) fn of<B>(request: &Request<B>, operation: Operation) -> Self {
        let remote = request.extensions().get::<RemoteAddress>();
        Self(Facts {
            request_id: RequestId::of(request.headers()),
            remote: remote.map(|remote| remote.0),
            http_method: Some(request.method().clone()),
            operation,
            rpc_id: None,
            token: None,
            verification: None,
            outage: None,
            outage_of_one_token: false,
        })
    }

    /// The trail of a request that came past every layer.
    #[cfg(feature = "server")]
    pub(crate) fn of_facts(facts: Facts) -> Self {
        Self(facts)
    }

    pub(super) fn facts(&self) -> &Facts {
        &self.0
    }

    /// Asks the verifier, and remembers what it said and how long it took.
    pub(super) async fn verify(
        &mut self,
        verifier: &dyn DynTokenVerifier,
        text: &BearerToken,
    ) -> Result<Option<AccessToken>, Unavailable> {
        let began = Instant::now();
        let answer = verifier.verify(text.expose_secret()).await;
        let verified = match &answer {
            Ok(Some(token)) => {
                self.0.token = Some(token.clone());
                Verified::Valid
            }
            Ok(None) => Verified::Invalid,
            Err(unavailable) => {
                self.0.outage = Some(unavailable.cause().to_string());
                self.0.outage_of_one_token = unavailable.is_of_one_token();
                Verified::Unavailable
            }
        };
        let latency = began.elapsed();
        self.0.verification = Some(Verification { verified, latency });
        answer
    }

    /// Under `Permissive` somebody whose token has expired goes on as nobody.
    pub(super) fn admit(&mut self, permit: &Permit) {
        if permit.caller().is_none() {
            self.0.token = None;
        }
    }

    /// What the body asks for.
    pub(super) fn asks(&mut self, operation: Operation, id: Option<&Value>) {
        self.0.operation = operation;
        self.0.rpc_id = id.map(|id| match id {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        });
    }

    /// A later event about the same request does not tell of the same verification again.
    pub(super) fn told(&mut self) {
        self.0.verification = None;
        self.0.outage = None;
    }
}
