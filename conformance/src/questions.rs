//! What a server may ask in one round (2026-07-28, basic/patterns/mrtr, SEP-2322).

#![expect(
    deprecated,
    reason = "sampling and roots are deprecated, and still scored"
)]

use rmcp::model::{
    ClientCapabilities, CreateMessageRequest, CreateMessageRequestParams, ElicitRequest,
    ElicitRequestParams, ElicitationSchemaBuilder, InputRequest, InputRequests, ListRootsRequest,
    SamplingMessage,
};

/// What a server wants to know before it can finish.
#[derive(Debug, Default)]
pub(crate) struct Questions {
    requests: InputRequests,
}

impl Questions {
    /// Asks the user to fill in a form.
    pub(crate) fn form(self, key: &str, message: &str, form: ElicitationSchemaBuilder) -> Self {
        let params = ElicitRequestParams::FormElicitationParams {
            meta: None,
            message: message.to_owned(),
            // Panics only for a required field that is no field; the builder adds both at once.
            requested_schema: form.build_unchecked(),
        };
        self.with(key, InputRequest::Elicitation(ElicitRequest::new(params)))
    }

    /// Asks the client's model to continue a prompt.
    pub(crate) fn sampling(self, key: &str, prompt: &str, max_tokens: u32) -> Self {
        let messages = vec![SamplingMessage::user_text(prompt)];
        let params = CreateMessageRequestParams::new(messages, max_tokens);
        self.with(
            key,
            InputRequest::CreateMessage(CreateMessageRequest::new(params)),
        )
    }

    /// Asks the client for its roots.
    pub(crate) fn roots(self, key: &str) -> Self {
        self.with(key, InputRequest::ListRoots(ListRootsRequest::default()))
    }

    /// The form in which rmcp sends them.
    pub(crate) fn into_requests(self) -> InputRequests {
        self.requests
    }

    fn with(mut self, key: &str, request: InputRequest) -> Self {
        self.requests.insert(key.to_owned(), request);
        self
    }

    /// The capabilities that these questions need and the client did not declare.
    pub(crate) fn not_declared_by(&self, client: &ClientCapabilities) -> ClientCapabilities {
        let mut missing = ClientCapabilities::default();
        for request in self.requests.values() {
            match request {
                InputRequest::Elicitation(_) if client.elicitation.is_none() => {
                    missing.elicitation = Some(Default::default());
                }
                InputRequest::CreateMessage(_) if client.sampling.is_none() => {
                    missing.sampling = Some(Default::default());
                }
                InputRequest::ListRoots(_) if client.roots.is_none() => {
                    missing.roots = Some(Default::default());
                }
                _ => {}
            }
        }
        missing
    }
}
