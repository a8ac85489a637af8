//! The [`Library`] behind every way of protecting it.

use std::{future::ready, sync::Arc};

use propusk::{
    AccessToken, AuthLayer, AuthSettings, BearerToken, Server, Unavailable,
    rules::{RuleSet, Rules},
    server::{Guard, mount},
};
use rmcp::transport::streamable_http_server::{
    StreamableHttpServerConfig, StreamableHttpService, session::local::LocalSessionManager,
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{Library, Reply, Request, Watch, Wire, rpc};

/// What stands in front of the library.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Front {
    /// `propusk::Server`, in both eras.
    Server,
    /// The same without 2025-11-25 sessions.
    Stateless,
    /// `server::mount` in an axum router.
    Guarded,
    /// `AuthLayer` alone: what the handler declares is not known, the policy is.
    Layer,
    /// `Guard` alone, with no layer and so no permit.
    Unlayered,
}

/// Which kind of request it gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speech {
    /// 2026-07-28.
    Modern,
    /// 2025-11-25 in a session.
    Session,
    /// 2025-11-25 without one.
    Sessionless,
}

impl Front {
    pub(crate) fn speeches(self) -> &'static [Speech] {
        match self {
            Self::Stateless => &[Speech::Modern, Speech::Sessionless],
            _ => &[Speech::Modern, Speech::Session],
        }
    }
}

/// A running library.
pub(crate) struct Scoped {
    pub(crate) library: Library,
    address: std::net::SocketAddr,
}

/// `ok~a.b~c` holds the scopes `a:b` and `c`; nothing else is a token.
pub(crate) fn token_of(text: &str) -> Option<AccessToken> {
    let scopes = text.strip_prefix("ok")?.replace('~', " ").replace('.', ":");
    Some(AccessToken::new(text).with_scope_claim(&scopes))
}

impl Scoped {
    pub(crate) fn url(&self) -> String {
        format!("http://{}/mcp", self.address)
    }

    pub(crate) async fn start(
        front: Front,
        settings: impl FnOnce(AuthSettings) -> AuthSettings,
    ) -> Self {
        Self::launch(front, settings, None, RuleSet::new()).await
    }

    /// The same with somebody who watches the decisions (so that every body is read).
    pub(crate) async fn watched(
        front: Front,
        settings: impl FnOnce(AuthSettings) -> AuthSettings,
    ) -> (Self, Watch) {
        let watch = Watch::default();
        let site = Self::launch(front, settings, Some(watch.clone()), RuleSet::new()).await;
        (site, watch)
    }

    /// The same with rules beyond scopes.
    pub(crate) async fn ruled(front: Front, rules: impl Rules) -> (Self, Watch) {
        let watch = Watch::default();
        let rules = RuleSet::new().with(rules);
        let site = Self::launch(front, |settings| settings, Some(watch.clone()), rules).await;
        (site, watch)
    }

    /// The same with these settings.
    pub(crate) async fn ruled_with(
        front: Front,
        settings: impl FnOnce(AuthSettings) -> AuthSettings,
        rules: impl Rules,
    ) -> Self {
        Self::launch(front, settings, None, RuleSet::new().with(rules)).await
    }

    async fn launch(
        front: Front,
        settings: impl FnOnce(AuthSettings) -> AuthSettings,
        watch: Option<Watch>,
        rules: RuleSet,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let url = format!("http://{address}/mcp");
        let settings = settings(AuthSettings::new(&url).expect("a URL"));
        let library = Library::new();
        let verifier =
            |token: BearerToken| ready(Ok::<_, Unavailable>(token_of(token.expose_secret())));
        match front {
            Front::Server | Front::Stateless => {
                let server = Server::new(library.clone())
                    .auth(settings, verifier)
                    .legacy_sessions(front == Front::Server);
                let server = match watch {
                    Some(watch) => server.audit(watch),
                    None => server,
                };
                let server = match rules.is_empty() {
                    true => server,
                    false => server.rules(rules),
                };
                tokio::spawn(server.serve_on(listener, std::future::pending()));
            }
            Front::Guarded => {
                let config = StreamableHttpServerConfig::default();
                let mounted = mount(library.clone(), settings, verifier, config);
                let (auth, mcp) = mounted.expect("random bytes");
                auth.replace_rules(rules);
                let auth = match watch {
                    Some(watch) => auth.audit(watch),
                    None => auth,
                };
                let app = axum::Router::new().nest_service("/mcp", mcp);
                tokio::spawn(axum::serve(listener, app.layer(auth)).into_future());
            }
            Front::Unlayered => {
                let guard = Guard::new(library.clone(), settings);
                let guard = match watch {
                    Some(watch) => guard.audit(watch),
                    None => guard,
                };
                let app = axum::Router::new().nest_service("/mcp", mcp(move || guard.clone()));
                tokio::spawn(axum::serve(listener, app).into_future());
            }
            Front::Layer => {
                let auth = AuthLayer::new(settings, verifier);
                auth.replace_rules(rules);
                let auth = match watch {
                    Some(watch) => auth.audit(watch),
                    None => auth,
                };
                let bare = library.clone();
                let app = axum::Router::new().nest_service("/mcp", mcp(move || bare.clone()));
                tokio::spawn(axum::serve(listener, app.layer(auth)).into_future());
            }
        }
        Self { library, address }
    }

    /// Opens a session, or gives the refusal.
    pub(crate) async fn open(&self, token: Option<&str>) -> Result<String, Reply> {
        let reply = self.send(with(rpc::initialize(), token)).await;
        let session = match reply.header("mcp-session-id") {
            Some(session) if reply.status == 200 => session.to_owned(),
            _ => return Err(reply),
        };
        let initialized = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
        let initialized = rpc::legacy(&session, "").body(initialized);
        let reply = self.send(with(initialized, token)).await;
        assert_eq!(reply.status, 202, "{reply:?}");
        Ok(session)
    }

    /// Asks, in a session of its own where that is how it is asked.
    pub(crate) async fn ask(
        &self,
        speech: Speech,
        token: Option<&str>,
        method: &str,
        params: Value,
    ) -> Reply {
        let request = match speech {
            Speech::Modern => rpc::modern(method, params),
            Speech::Sessionless => rpc::older(method, &params),
            Speech::Session => match self.open(token).await {
                Ok(session) => rpc::older(method, &params).header("Mcp-Session-Id", session),
                Err(refusal) => return refusal,
            },
        };
        // The answer to a subscription does not end.
        if method == "subscriptions/listen" && speech == Speech::Modern {
            let mut wire = Wire::connect(self.address).await;
            wire.send(&with(request, token).bytes()).await;
            let head = wire.head().await;
            return match head.status {
                200 => head,
                _ => wire.body(head).await,
            };
        }
        self.send(with(request, token)).await
    }

    /// The result of a list.
    pub(crate) async fn list(
        &self,
        speech: Speech,
        token: Option<&str>,
        method: &str,
        params: Value,
    ) -> Value {
        let reply = self.ask(speech, token, method, params).await;
        let mut json = reply.json();
        assert!(json["result"].is_object(), "{reply:?}");
        json["result"].take()
    }

    pub(crate) async fn call(&self, speech: Speech, token: Option<&str>, tool: &str) -> Reply {
        let params = json!({ "name": tool, "arguments": { "scope": "x:y z" } });
        self.ask(speech, token, "tools/call", params).await
    }

    pub(crate) async fn send(&self, request: Request) -> Reply {
        let mut wire = Wire::connect(self.address).await;
        wire.send(&request.bytes()).await;
        wire.reply().await
    }
}

pub(crate) fn mcp<H: rmcp::ServerHandler>(
    handler: impl Fn() -> H + Send + Sync + 'static,
) -> StreamableHttpService<H, LocalSessionManager> {
    StreamableHttpService::new(
        move || Ok(handler()),
        Arc::new(LocalSessionManager::default()),
        StreamableHttpServerConfig::default().disable_allowed_hosts(),
    )
}

pub(crate) fn with(request: Request, token: Option<&str>) -> Request {
    match token {
        Some(token) => request.bearer(token),
        None => request,
    }
}
