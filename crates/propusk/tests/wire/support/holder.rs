//! A client with a key, and with a token that is bound to it.

use serde_json::{Value, json};

use super::{Era, Reply, Request, Signer, Site, call, claims, initialize, legacy};

pub(crate) struct Holder<'a> {
    pub(crate) site: &'a Site,
    pub(crate) signer: Signer,
    pub(crate) token: String,
}

impl<'a> Holder<'a> {
    pub(crate) fn new(site: &'a Site, subject: &str) -> Self {
        let signer = Signer::new();
        let token = format!("bound.{subject}.{}", signer.thumbprint());
        Self {
            site,
            signer,
            token,
        }
    }

    /// The claims of a good proof for the MCP endpoint.
    pub(crate) fn claims(&self, method: &str) -> Value {
        claims(method, &self.site.url(), &self.token, self.site.seconds())
    }

    /// The claims of a good proof, except for one.
    pub(crate) fn claims_but(&self, name: &str, value: impl Into<Value>) -> Value {
        let mut claims = self.claims("POST");
        claims[name] = value.into();
        claims
    }

    /// The request with the token and a proof of its own.
    pub(crate) fn prove(&self, request: Request) -> Request {
        self.with_claims(request, &self.claims("POST"))
    }

    /// The request with the token and a proof of these claims.
    pub(crate) fn with_claims(&self, request: Request, claims: &Value) -> Request {
        self.with_proof(request, &self.signer.proof(claims))
    }

    /// The request with the token and this for a proof.
    pub(crate) fn with_proof(&self, request: Request, proof: &str) -> Request {
        self.with_token(request).header("DPoP", proof)
    }

    /// The request with the token alone.
    pub(crate) fn with_token(&self, request: Request) -> Request {
        request.header("Authorization", format!("DPoP {}", self.token))
    }

    /// Opens a session of 2025-11-25.
    pub(crate) async fn open(&self) -> String {
        let reply = self.site.send(&self.prove(initialize())).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        let session = reply
            .header("mcp-session-id")
            .expect("a session")
            .to_owned();
        let initialized = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        let request = legacy(&session, "").body(initialized.to_string());
        let reply = self.site.send(&self.prove(request)).await;
        assert_eq!(reply.status, 202, "{reply:?}");
        session
    }

    /// Calls a tool, in the older era in a session of its own.
    pub(crate) async fn tool(&self, era: Era, tool: &str) -> Reply {
        let request = match era {
            Era::Modern => call(tool),
            Era::Legacy => legacy(&self.open().await, tool),
        };
        self.site.send(&self.prove(request)).await
    }
}
