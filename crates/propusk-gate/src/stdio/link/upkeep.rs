//! Telling a child what its clients want, so that it stays told when clients or children change.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use rmcp::model::{ErrorData, ListToolsResult};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{
    super::{era::Era, errors, hub::Wanted, level::Level, wire::Method},
    Event, Flight, Link,
    startup::own_params,
};

/// How long a child may take for one of these.
const LIMIT: Duration = Duration::from_secs(10);

/// The pause after a child has ended a subscription.
const PAUSE: Duration = Duration::from_secs(5);

/// Pages of tools that are read.
const PAGES: usize = 100;

/// What a child has been told.
#[derive(Default)]
pub(super) struct Held {
    uris: BTreeSet<String>,
    listened_to: BTreeSet<String>,
    level: Option<Level>,
    /// The subscription of 2026-07-28; it ends when this is dropped.
    listening: Option<DropGuard>,
}

/// What came of it.
#[derive(Default)]
pub(in crate::stdio) struct Settled {
    /// Resources to which the child does not let anybody subscribe.
    pub(in crate::stdio) refused: HashMap<String, ErrorData>,
    /// Why it did not take the level of its log.
    pub(in crate::stdio) level: Option<ErrorData>,
}

impl Link {
    /// Tells the child what has changed in what its clients want.
    pub(in crate::stdio) async fn settle(self: &Arc<Self>) -> Settled {
        let mut held = self.held.lock().await;
        let (wanted, mut settled) = (self.hub.wanted(), Settled::default());
        let Some(server) = self.server() else {
            return settled;
        };
        // A child of both eras has subscribers of both, and a child of one serves all.
        let both = server.speaks_both();
        if server.speaks(Era::Sessions) {
            let uris = if both {
                wanted.by_sessions.clone()
            } else {
                wanted.uris()
            };
            self.settle_session(&mut held, &uris, &mut settled).await;
            self.settle_level(&mut held, &wanted, &mut settled).await;
        }
        if server.speaks(Era::Requests) {
            let uris = if both {
                wanted.by_listeners
            } else {
                wanted.uris()
            };
            self.settle_listening(&mut held, uris, &mut settled).await;
        }
        settled
    }

    async fn settle_session(
        self: &Arc<Self>,
        held: &mut Held,
        wanted: &BTreeSet<String>,
        settled: &mut Settled,
    ) {
        let new: Vec<_> = wanted.difference(&held.uris).cloned().collect();
        for uri in new {
            let subscribed = self.with_uri("resources/subscribe", &uri).await;
            match subscribed {
                Ok(_) => drop(held.uris.insert(uri)),
                Err(error) => drop(settled.refused.insert(uri, error)),
            }
        }
        let old: Vec<_> = held.uris.difference(wanted).cloned().collect();
        for uri in old {
            // If it fails, what comes is for nobody, and is not passed on.
            let _ = self.with_uri("resources/unsubscribe", &uri).await;
            held.uris.remove(&uri);
        }
    }

    async fn settle_level(
        self: &Arc<Self>,
        held: &mut Held,
        wanted: &Wanted,
        settled: &mut Settled,
    ) {
        let Some(level) = wanted.level.filter(|_| wanted.level != held.level) else {
            return;
        };
        let params = json!({ "level": level.name() });
        match self.ask("logging/setLevel", Some(params), LIMIT).await {
            Ok(_) => held.level = Some(level),
            Err(error) => settled.level = Some(error),
        }
    }

    async fn with_uri(self: &Arc<Self>, method: &str, uri: &str) -> Result<Value, ErrorData> {
        self.ask(method, Some(json!({ "uri": uri })), LIMIT).await
    }

    /// One subscription for all clients; a changed one begins before the old one ends.
    async fn settle_listening(
        self: &Arc<Self>,
        held: &mut Held,
        wanted: BTreeSet<String>,
        settled: &mut Settled,
    ) {
        if held.listening.is_some() && held.listened_to == wanted {
            return;
        }
        match timeout(LIMIT, self.begin_listening(&wanted)).await {
            Ok(Ok((flight, accepted))) => {
                for uri in wanted.difference(&accepted) {
                    let says = "the server does not accept a subscription to this resource";
                    let error = ErrorData::invalid_params(says, None);
                    settled.refused.insert(uri.clone(), error);
                }
                held.listened_to = wanted;
                held.listening = Some(self.keep_listening(flight));
            }
            failed => {
                let error = match failed {
                    Ok(begun) => begun.err().unwrap_or_else(errors::ended),
                    Err(_) => errors::too_slow(LIMIT),
                };
                let refused = wanted.into_iter().map(|uri| (uri, error.clone()));
                settled.refused.extend(refused);
            }
        }
    }

    async fn begin_listening(
        self: &Arc<Self>,
        uris: &BTreeSet<String>,
    ) -> Result<(Flight, BTreeSet<String>), ErrorData> {
        let mut params = own_params();
        params["notifications"] = json!({
            "toolsListChanged": true,
            "promptsListChanged": true,
            "resourcesListChanged": true,
            "resourceSubscriptions": uris,
        });
        let mut flight = self.begin(None)?;
        flight.send("subscriptions/listen", Some(params)).await?;
        match flight.next().await {
            Event::Notification(acknowledged) => Ok((flight, accepted(&acknowledged))),
            Event::Answer(Err(error)) => Err(error),
            Event::Answer(Ok(_)) | Event::Question(_) => {
                Err(errors::not_understood("subscriptions/listen"))
            }
        }
    }

    /// Holds the subscription until it is replaced. A child that ends it is asked again.
    fn keep_listening(self: &Arc<Self>, mut flight: Flight) -> DropGuard {
        let (replaced, link) = (CancellationToken::new(), Arc::downgrade(self));
        let guard = replaced.clone().drop_guard();
        tokio::spawn(async move {
            let ended = async { while !matches!(flight.next().await, Event::Answer(_)) {} };
            tokio::select! {
                () = replaced.cancelled() => return,
                () = ended => sleep(PAUSE).await,
            }
            let Some(link) = link.upgrade().filter(|link| !link.is_closed()) else {
                return;
            };
            // It may have been replaced in the meantime; then there is nothing to do.
            if !replaced.is_cancelled() {
                link.held.lock().await.listening = None;
                link.settle().await;
            }
        });
        guard
    }

    /// Learns the definitions of the tools: headers of a request are compared with them
    /// (2026-07-28, Transports, custom headers from tool parameters).
    pub(in crate::stdio) async fn learn_tools(self: &Arc<Self>) {
        // Processes of different callers may define different tools under one name.
        let said = self.server().and_then(|server| server.said(Era::Requests));
        let shown = said.is_some_and(|said| said.capabilities.tools.is_some());
        if !shown || !self.hub.serves_all() {
            return;
        }
        let (mut tools, mut cursor) = (HashMap::new(), None);
        for _ in 0..PAGES {
            let modern = self
                .server()
                .is_some_and(|server| server.speaks(Era::Requests));
            let mut params = if modern { own_params() } else { json!({}) };
            if let Some(cursor) = cursor {
                params["cursor"] = cursor;
            }
            let Ok(answer) = self.ask("tools/list", Some(params), LIMIT).await else {
                return;
            };
            let Ok(page) = serde_json::from_value::<ListToolsResult>(answer) else {
                return;
            };
            tools.extend(
                page.tools
                    .into_iter()
                    .map(|tool| (tool.name.to_string(), tool)),
            );
            cursor = page.next_cursor.map(Value::String);
            if cursor.is_none() {
                break;
            }
        }
        self.hub.learn_tools(tools);
    }
}

fn accepted(acknowledged: &Method) -> BTreeSet<String> {
    let filter = acknowledged.param("notifications");
    let uris = filter.and_then(|filter| filter.get("resourceSubscriptions"));
    let uris = uris.and_then(Value::as_array).into_iter().flatten();
    uris.filter_map(|uri| uri.as_str().map(str::to_owned))
        .collect()
}
