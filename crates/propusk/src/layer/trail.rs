//! What becomes known of a request on its way to the decision, for the event about it.

use std::time::Instant;

use bytes::Bytes;
use http::Request;
use serde_json::Value;

use crate::{
    AccessToken, BearerToken, Operation, Permit, Unavailable,
    audit::{Facts, RemoteAddress, RequestId, Verification, Verified},
    rules::RuleSet,
    verify::DynTokenVerifier,
};

/// The facts of one request. A request has one trail, and an event for each decision about it.
pub(crate) struct Trail {
    facts: Facts,
    /// What it asks for, as it came.
    read: Read,
    /// Those that let it through.
    rules: Option<RuleSet>,
}

/// In bytes. A longer message is not kept; where a rule looks at arguments, its stream ends when the
/// rules are exchanged.
const MOST_KEPT: usize = 8 * 1024;

/// What was read of a request's body.
pub(super) enum Read {
    Not,
    Short(Bytes),
    Long,
}

/// A copy is for who tells of the request; it may stay for long, and holds no body.
impl Clone for Trail {
    fn clone(&self) -> Self {
        Self::from(self.facts.clone())
    }
}

impl From<Facts> for Trail {
    fn from(facts: Facts) -> Self {
        Self {
            facts,
            read: Read::Not,
            rules: None,
        }
    }
}

impl Trail {
    /// Of a request that by its path asks for this.
    pub(super) fn of<B>(request: &Request<B>, operation: Operation) -> Self {
        Self::from(Facts {
            request_id: RequestId::of(request.headers()),
            remote: RemoteAddress::of(request.extensions()),
            certificate: request.extensions().get().cloned(),
            http_method: Some(request.method().clone()),
            operation,
            rpc_id: None,
            token: None,
            verification: None,
            rule: None,
            outage: None,
            outage_of_one_token: false,
        })
    }

    /// The trail of a request that came past every layer.
    #[cfg(feature = "server")]
    pub(crate) fn of_facts(facts: Facts) -> Self {
        Self::from(facts)
    }

    pub(super) fn facts(&self) -> &Facts {
        &self.facts
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
                self.facts.token = Some(token.clone());
                Verified::Valid
            }
            Ok(None) => Verified::Invalid,
            Err(unavailable) => {
                self.facts.outage = Some(unavailable.cause().to_string());
                self.facts.outage_of_one_token = unavailable.is_of_one_token();
                Verified::Unavailable
            }
        };
        let latency = began.elapsed();
        self.facts.verification = Some(Verification { verified, latency });
        answer
    }

    /// Under `Permissive` somebody whose token has expired goes on as nobody.
    pub(super) fn admit(&mut self, permit: &Permit) {
        if permit.caller().is_none() {
            self.facts.token = None;
        }
    }

    /// What was read of it to decide. A long one is not held for as long as the answer takes.
    pub(super) fn reads(&mut self, message: &Bytes) {
        self.read = match message.len() {
            0..=MOST_KEPT => Read::Short(message.clone()),
            _ => Read::Long,
        };
    }

    pub(super) fn read(&self) -> &Read {
        &self.read
    }

    /// What the body asks for.
    pub(super) fn asks(&mut self, operation: Operation, id: Option<&Value>) {
        self.facts.operation = operation;
        self.facts.rpc_id = id.map(|id| match id {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        });
    }

    /// Which rules beyond scopes let it go on, and why.
    pub(super) fn ruled(&mut self, rules: &RuleSet, why: Option<String>) {
        self.facts.rule = why;
        self.rules = Some(rules.clone());
    }

    /// The rules that let it go on; `None` where there were none.
    pub(super) fn rules(&self) -> Option<&RuleSet> {
        self.rules.as_ref()
    }

    /// A later event about the same request does not tell of the same verification again.
    pub(super) fn told(&mut self) {
        self.facts.verification = None;
        self.facts.outage = None;
    }
}
