//! A gate, and what its clients send.

use std::net::SocketAddr;

#[cfg(feature = "real-parts")]
use propusk::TokenVerifier;
use propusk::{
    AccessToken, AuthLayer, AuthSettings, FixedTokens,
    server::{Mount, Site},
};
use propusk_gate::http::{HttpUpstream, HttpUpstreamSettings, UpstreamUrl};
use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_util::sync::{CancellationToken, DropGuard};

pub(crate) const ALICE: &str = "alices-token-that-nobody-else-sees";
pub(crate) const BOB: &str = "bobs-token-that-nobody-else-sees";

/// A gate on a port of its own; dropped, it ends.
pub(crate) struct Gate {
    pub(crate) address: SocketAddr,
    pub(crate) client: reqwest::Client,
    _end: DropGuard,
}

pub(crate) fn settings() -> HttpUpstreamSettings {
    HttpUpstreamSettings::new("notes")
}

impl Gate {
    pub(crate) async fn before(upstream: &str) -> Self {
        Self::with(upstream, settings(), |auth| auth).await
    }

    pub(crate) async fn with(
        upstream: &str,
        settings: HttpUpstreamSettings,
        auth: impl FnOnce(AuthSettings) -> AuthSettings,
    ) -> Self {
        Self::on(Site::new(), upstream, settings, auth).await
    }

    /// The same with another layer.
    pub(crate) async fn behind(
        upstream: &str,
        settings: HttpUpstreamSettings,
        auth: impl FnOnce(AuthSettings) -> AuthSettings,
        layer: impl FnOnce(AuthLayer) -> AuthLayer,
    ) -> Self {
        Self::of(Site::new(), upstream, settings, auth, layer).await
    }

    /// The same on a site with pages.
    pub(crate) async fn on(
        site: Site,
        upstream: &str,
        settings: HttpUpstreamSettings,
        auth: impl FnOnce(AuthSettings) -> AuthSettings,
    ) -> Self {
        Self::of(site, upstream, settings, auth, |layer| layer).await
    }

    async fn of(
        site: Site,
        upstream: &str,
        settings: HttpUpstreamSettings,
        auth: impl FnOnce(AuthSettings) -> AuthSettings,
        layer: impl FnOnce(AuthLayer) -> AuthLayer,
    ) -> Self {
        let tokens = FixedTokens::new()
            .with(
                ALICE,
                AccessToken::new("alice").with_scope_claim("read write"),
            )
            .with(BOB, AccessToken::new("bob").with_scope_claim("read"));
        let protect = |resource: &str| {
            let auth = auth(AuthSettings::new(resource).expect("a URL"));
            layer(AuthLayer::new(auth, tokens).reads_bodies())
        };
        Self::protected(site, upstream, settings, protect).await
    }

    #[cfg(feature = "real-parts")]
    /// For this resource, which may be known before the gate's port, and with another verifier.
    pub(crate) async fn verified(
        upstream: &str,
        settings: HttpUpstreamSettings,
        resource: &str,
        verifier: impl TokenVerifier,
    ) -> Self {
        let auth = AuthSettings::new(resource).expect("a URL");
        let layer = AuthLayer::new(auth, verifier).reads_bodies();
        Self::protected(Site::new(), upstream, settings, |_| layer).await
    }

    async fn protected(
        site: Site,
        upstream: &str,
        settings: HttpUpstreamSettings,
        layer: impl FnOnce(&str) -> AuthLayer,
    ) -> Self {
        let url: UpstreamUrl = upstream.parse().expect("a URL");
        let upstream = HttpUpstream::new(url, settings);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let layer = upstream.end_sessions_of(layer(&format!("http://{address}/mcp")));
        let end = CancellationToken::new();
        let shutdown = end.clone().cancelled_owned();
        let site = site.mount(Mount::new(&layer, upstream));
        tokio::spawn(site.serve_on(listener, shutdown));
        Self {
            address,
            client: reqwest::Client::builder()
                .no_proxy()
                .build()
                .expect("a client"),
            _end: end.drop_guard(),
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/mcp", self.address)
    }

    /// A POST of Alice's.
    pub(crate) fn post(&self, message: &Value) -> RequestBuilder {
        self.post_by(ALICE, message)
    }

    /// A POST of whoever has this token.
    pub(crate) fn post_by(&self, token: &str, message: &Value) -> RequestBuilder {
        let post = self.client.post(self.url()).bearer_auth(token);
        let post = post.header("accept", "application/json, text/event-stream");
        let post = post.header("content-type", "application/json");
        post.body(message.to_string())
    }

    pub(crate) fn get(&self) -> RequestBuilder {
        let get = self.client.get(self.url()).bearer_auth(ALICE);
        get.header("accept", "text/event-stream")
    }

    pub(crate) async fn call(&self, message: &Value) -> Response {
        self.post(message).send().await.expect("an answer")
    }

    /// Sends these very bytes and reads until the connection ends.
    pub(crate) async fn raw(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.expect("a gate");
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut answer = Vec::new();
        // A gate that refuses may reset the connection after its answer.
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    }
}

pub(crate) fn ping() -> Value {
    json!({ "jsonrpc": "2.0", "id": 7, "method": "ping" })
}

pub(crate) fn list(what: &str) -> Value {
    json!({ "jsonrpc": "2.0", "id": "list-1", "method": format!("{what}/list") })
}

/// What a client is told where its upstream failed: an error for its request.
pub(crate) async fn error_of(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    let body = response.text().await.expect("a body");
    let said: Value = serde_json::from_str(&body).unwrap_or(Value::String(body));
    (status, said)
}
