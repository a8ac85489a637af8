//! How a child is asked who it is, and of which era.

use std::{sync::Arc, time::Duration};

use rmcp::model::{
    DiscoverResult, ErrorData, Implementation, InitializeResult, ProtocolVersion,
    ServerCapabilities,
};
use serde_json::{Value, json};
use thiserror::Error;
use tokio::time::{sleep, timeout};

use super::{
    super::{
        era::{CLIENT_CAPABILITIES, CLIENT_INFO, Era, PROTOCOL_VERSION},
        wire::Object,
    },
    Link,
};

/// After this time without an answer to `server/discover` it is asked in the other way, too. Both
/// answers count.
const SILENCE: Duration = Duration::from_secs(5);

/// What a child has said of itself, in each era that it speaks: at least one.
#[derive(Debug, Clone, Default)]
pub(in crate::stdio) struct Server {
    sessions: Option<Said>,
    requests: Option<Said>,
}

/// What it said in one era.
#[derive(Debug, Clone)]
pub(in crate::stdio) struct Said {
    pub(in crate::stdio) version: ProtocolVersion,
    pub(in crate::stdio) capabilities: ServerCapabilities,
    pub(in crate::stdio) info: Implementation,
    pub(in crate::stdio) instructions: Option<String>,
}

impl Server {
    pub(in crate::stdio) fn speaks(&self, era: Era) -> bool {
        match era {
            Era::Sessions => self.sessions.is_some(),
            Era::Requests => self.requests.is_some(),
        }
    }

    pub(in crate::stdio) fn speaks_both(&self) -> bool {
        self.sessions.is_some() && self.requests.is_some()
    }

    /// In which era a client of this one is spoken for: in its own if the child knows it.
    pub(in crate::stdio) fn era_for(&self, era: Era) -> Era {
        match (era, self.speaks(era)) {
            (era, true) => era,
            (Era::Sessions, false) => Era::Requests,
            (Era::Requests, false) => Era::Sessions,
        }
    }

    /// What it said of itself, in the client's own era if it knows that.
    pub(in crate::stdio) fn said(&self, era: Era) -> Option<&Said> {
        match self.era_for(era) {
            Era::Sessions => self.sessions.as_ref(),
            Era::Requests => self.requests.as_ref(),
        }
    }

    /// The revisions it speaks, for the log.
    pub(in crate::stdio) fn revisions(&self) -> String {
        let said = [&self.requests, &self.sessions].into_iter().flatten();
        let revisions: Vec<_> = said.map(|said| said.version.to_string()).collect();
        revisions.join(", ")
    }
}

/// Why a child cannot be used.
#[derive(Debug, Error)]
pub(in crate::stdio) enum StartError {
    #[error("it did not answer within {} s of its start", .0.as_secs())]
    Silent(Duration),
    #[error("it ended before it had answered")]
    Ended,
    #[error("it does not take the handshake: {}", .0.message)]
    Refused(ErrorData),
    #[error("what it says of itself is not valid: {0}")]
    NotValid(serde_json::Error),
    #[error("it speaks no revision of the protocol that this gate knows ({0})")]
    NoCommonVersion(String),
}

impl Link {
    /// Asks the child who it is: `server/discover` first (2026-07-28, Backward compatibility), then
    /// `initialize`, and which of both it knows. With `legacy_only`, `initialize` alone.
    pub(in crate::stdio) async fn greet(
        self: &Arc<Self>,
        limit: Duration,
        legacy_only: bool,
    ) -> Result<&Server, StartError> {
        let greeting = async {
            if legacy_only {
                self.initialize(limit).await
            } else {
                self.discover_or_initialize(limit).await
            }
        };
        let greeted = tokio::select! {
            greeted = timeout(limit, greeting) => greeted.map_err(|_| StartError::Silent(limit))?,
            _ = self.closed() => Err(StartError::Ended),
        };
        // What fails when the line closes says less than that it has closed.
        let server = greeted.map_err(|error| {
            if self.is_closed() {
                StartError::Ended
            } else {
                error
            }
        })?;
        Ok(self.server.get_or_init(|| server))
    }

    async fn discover_or_initialize(
        self: &Arc<Self>,
        limit: Duration,
    ) -> Result<Server, StartError> {
        let discovered = self.discover(limit);
        tokio::pin!(discovered);
        let early = tokio::select! {
            answer = &mut discovered => Some(answer),
            () = sleep(SILENCE) => None,
        };
        match early {
            Some(Ok(answer)) => {
                return match discovery(answer) {
                    Ok(said) => self.both(said).await,
                    // Some servers answer whatever they are asked; it says nothing of what they know.
                    Err(error) => self.initialize(limit).await.map_err(|_| error),
                };
            }
            Some(Err(_)) => return self.initialize(limit).await,
            None => {}
        }
        let initialized = self.initialize(limit);
        tokio::pin!(initialized);
        let discovered = async { discovery(discovered.await.ok()?).ok() };
        tokio::select! {
            biased;
            Some(said) = discovered => Ok(Server {
                requests: Some(said),
                sessions: None,
            }),
            server = &mut initialized => server,
        }
    }

    /// A child that knows the newer era may know the older one as well, and then on this very line:
    /// each client is spoken for in its own era, and nothing has to be translated. One that knows both,
    /// but one at a time, is spoken to in the older one from then on.
    async fn both(self: &Arc<Self>, said: Said) -> Result<Server, StartError> {
        let requests = Some(said);
        let Ok(Server { sessions, .. }) = self.initialize(SILENCE).await else {
            return Ok(Server {
                requests,
                sessions: None,
            });
        };
        let still = self.discover(SILENCE).await.is_ok();
        Ok(Server {
            requests: requests.filter(|_| still),
            sessions,
        })
    }

    async fn discover(self: &Arc<Self>, limit: Duration) -> Result<Value, ErrorData> {
        self.ask("server/discover", Some(own_params()), limit).await
    }

    async fn initialize(self: &Arc<Self>, limit: Duration) -> Result<Server, StartError> {
        let params = json!({
            "protocolVersion": ProtocolVersion::LATEST_WITH_INITIALIZE,
            "capabilities": own_capabilities(),
            "clientInfo": own_info(),
        });
        let answer = self.ask("initialize", Some(params), limit).await;
        let answer = answer.map_err(StartError::Refused)?;
        let said: InitializeResult =
            serde_json::from_value(answer).map_err(StartError::NotValid)?;
        if !said.protocol_version.has_initialize() {
            let version = said.protocol_version.to_string();
            return Err(StartError::NoCommonVersion(version));
        }
        let told = self.tell("notifications/initialized", None).await;
        told.map_err(StartError::Refused)?;
        let sessions = Some(Said {
            version: said.protocol_version,
            capabilities: said.capabilities,
            info: said.server_info,
            instructions: said.instructions,
        });
        Ok(Server {
            sessions,
            requests: None,
        })
    }
}

fn discovery(answer: Value) -> Result<Said, StartError> {
    let said: DiscoverResult = serde_json::from_value(answer).map_err(StartError::NotValid)?;
    let modern = said.supported_versions.iter();
    let version = modern
        .filter(|version| !version.has_initialize())
        .find(|version| ProtocolVersion::KNOWN_VERSIONS.contains(version));
    let Some(version) = version.cloned() else {
        let names: Vec<_> = said
            .supported_versions
            .iter()
            .map(ToString::to_string)
            .collect();
        return Err(StartError::NoCommonVersion(names.join(", ")));
    };
    Ok(Said {
        version,
        info: said
            .server_info()
            .unwrap_or_else(|| Implementation::new("unknown", "0")),
        capabilities: said.capabilities,
        instructions: said.instructions,
    })
}

/// The parameters of a request of the gate itself in the newer era.
pub(in crate::stdio) fn own_params() -> Value {
    json!({ "_meta": own_meta() })
}

fn own_meta() -> Object {
    let mut meta = Object::new();
    let version = ProtocolVersion::V_2026_07_28.to_string();
    meta.insert(PROTOCOL_VERSION.into(), version.into());
    meta.insert(CLIENT_INFO.into(), own_info());
    meta.insert(CLIENT_CAPABILITIES.into(), own_capabilities());
    meta
}

fn own_info() -> Value {
    json!({ "name": "propusk", "version": env!("CARGO_PKG_VERSION") })
}

/// All that a client may be able to do: the child is told once, and serves clients of all kinds.
/// Whether the very client can is judged when it is asked.
fn own_capabilities() -> Value {
    json!({
        "elicitation": { "form": {}, "url": {} },
        "roots": { "listChanged": true },
        "sampling": { "context": {}, "tools": {} },
    })
}
