//! A gate in this process, in front of the fixture.

use std::{net::Ipv4Addr, sync::Arc};

use propusk::{AccessToken, AuthSettings, FixedTokens, Server, rules::RuleSet};
use propusk_gate::stdio::{Backoff, StdioCommand, StdioSettings, StdioUpstream};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use super::Watcher;

/// The fixture, in this era.
pub(crate) fn fixture(era: &str) -> StdioCommand {
    StdioCommand::new(env!("CARGO_BIN_EXE_stdio-fixture")).args(["--era", era])
}

/// Callers are `alice`, `bob` and `carol`, with tokens of the same names.
pub(crate) struct Gate {
    pub(crate) url: String,
    pub(crate) upstream: StdioUpstream,
    stop: CancellationToken,
    serving: JoinHandle<()>,
}

impl Gate {
    /// One child for all, in this era.
    pub(crate) async fn new(era: &str) -> Self {
        Self::with(fixture(era), Self::settings()).await
    }

    /// Settings under which nothing takes long.
    pub(crate) fn settings() -> StdioSettings {
        let backoff = Backoff::new(
            std::time::Duration::from_millis(50),
            std::time::Duration::from_millis(200),
        );
        StdioSettings::new("fixture")
            .backoff(backoff)
            .grace(std::time::Duration::from_millis(300))
    }

    pub(crate) async fn with(command: StdioCommand, settings: StdioSettings) -> Self {
        Self::ruled(command, settings, RuleSet::new()).await
    }

    /// With rules beyond scopes.
    pub(crate) async fn ruled(
        command: StdioCommand,
        settings: StdioSettings,
        rules: RuleSet,
    ) -> Self {
        Self::watched(command, settings, rules, None).await
    }

    /// With somebody who wants to know of decisions and ends.
    pub(crate) async fn watched(
        command: StdioCommand,
        settings: StdioSettings,
        rules: RuleSet,
        watcher: Option<Arc<Watcher>>,
    ) -> Self {
        let upstream = StdioUpstream::new(command, settings);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("http://{}/mcp", listener.local_addr().unwrap());
        let mut tokens = FixedTokens::new();
        for name in ["alice", "bob", "carol"] {
            tokens = tokens.with(&format!("token-of-{name}"), AccessToken::new(name));
        }
        let mut server = Server::new(upstream.clone())
            .auth(AuthSettings::new(&url).unwrap(), tokens)
            .rules(rules)
            .drain_timeout(std::time::Duration::from_millis(100));
        if let Some(watcher) = watcher {
            server = server.audit(watcher);
        }
        let stop = CancellationToken::new();
        let stopped = stop.clone().cancelled_owned();
        let serving =
            tokio::spawn(async move { server.serve_on(listener, stopped).await.unwrap() });
        Self {
            url,
            upstream,
            stop,
            serving,
        }
    }

    /// Ends it as a program does.
    pub(crate) async fn end(self) {
        self.stop.cancel();
        self.serving.await.unwrap();
        self.upstream.shutdown().await;
    }
}
