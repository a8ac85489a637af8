//! Telling clients without waiting for any of them.

use rmcp::{
    RoleServer,
    model::ServerNotification,
    service::{Peer, SubscriptionSink},
};
use serde_json::Value;
use tokio::sync::mpsc;

use super::{
    super::{
        era::{Era, SUBSCRIPTION_ID},
        front,
        level::Level,
        link::{Question, Server},
        wire::{Method, Object},
    },
    Hub, Listener, Session, State, typed,
};

/// Notifications that may wait for one client.
const WAITING: usize = 256;

/// What waits to be told to one client, which takes it at its own pace.
pub(super) struct Notices(mpsc::Sender<ServerNotification>);

impl Notices {
    pub(super) fn to_session(peer: Peer<RoleServer>) -> Self {
        let (notices, mut waiting) = mpsc::channel(WAITING);
        tokio::spawn(async move {
            while let Some(notice) = waiting.recv().await {
                if peer.send_notification(notice).await.is_err() {
                    break;
                }
            }
        });
        Self(notices)
    }

    pub(super) fn to_listener(sink: SubscriptionSink) -> Self {
        let (notices, mut waiting) = mpsc::channel(WAITING);
        tokio::spawn(async move {
            while let Some(notice) = waiting.recv().await {
                if let Err(error) = sink.send(notice).await {
                    tracing::debug!(%error, "a subscriber was not told");
                }
            }
        });
        Self(notices)
    }

    fn tell(&self, notice: ServerNotification) {
        if let Err(mpsc::error::TrySendError::Full(_)) = self.0.try_send(notice) {
            tracing::debug!("a client is too slow for a notification");
        }
    }
}

/// Whom a notification reaches.
pub(in crate::stdio) struct Reach {
    pub(in crate::stdio) sessions: bool,
    pub(in crate::stdio) listeners: bool,
}

impl Reach {
    const ALL: Self = Self {
        sessions: true,
        listeners: true,
    };
}

impl State {
    fn sessions_in(&self, reach: &Reach) -> impl Iterator<Item = &Session> {
        let sessions = self.sessions.values();
        sessions.filter(|_| reach.sessions)
    }

    fn listeners_in(&self, reach: &Reach) -> impl Iterator<Item = &Listener> {
        let listeners = self.listeners.values();
        listeners.filter(|_| reach.listeners)
    }
}

impl Hub {
    /// A list has changed: all are told, and subscribers if they wanted to be.
    pub(in crate::stdio) fn list_changed(&self, reach: &Reach, told: Method) {
        let Some(notice) = typed(without_subscription(told)) else {
            return;
        };
        let state = self.state();
        for session in state.sessions_in(reach) {
            session.notices.tell(notice.clone());
        }
        for listener in state.listeners_in(reach) {
            let accepted = listener.sink.accepted();
            let wants = match &notice {
                ServerNotification::ToolListChangedNotification(_) => accepted.tools_list_changed,
                ServerNotification::PromptListChangedNotification(_) => {
                    accepted.prompts_list_changed
                }
                ServerNotification::ResourceListChangedNotification(_) => {
                    accepted.resources_list_changed
                }
                _ => None,
            };
            if wants == Some(true) {
                listener.notices.tell(notice.clone());
            }
        }
    }

    /// A child was started again: any list may have changed.
    pub(in crate::stdio) fn all_changed(&self, server: Option<&Server>) {
        let Some(has) = server.and_then(|server| Some(&server.said(Era::Sessions)?.capabilities))
        else {
            return;
        };
        let lists = [
            ("tools", has.tools.as_ref().and_then(|has| has.list_changed)),
            (
                "prompts",
                has.prompts.as_ref().and_then(|has| has.list_changed),
            ),
            (
                "resources",
                has.resources.as_ref().and_then(|has| has.list_changed),
            ),
        ];
        for (list, _) in lists.iter().filter(|(_, tells)| *tells == Some(true)) {
            let name = format!("notifications/{list}/list_changed");
            self.list_changed(&Reach::ALL, Method { name, params: None });
        }
    }

    /// A resource has changed: those are told who have subscribed to it, or to what it is a part of.
    pub(in crate::stdio) fn updated(&self, reach: &Reach, told: Method) {
        let told = without_subscription(told);
        let Some(uri) = told.param("uri").and_then(Value::as_str).map(str::to_owned) else {
            return;
        };
        let Some(notice) = typed(told) else { return };
        let state = self.state();
        for session in state.sessions_in(reach) {
            let is_subscribed = session.uris.iter().any(|whole| is_part(&uri, whole));
            if is_subscribed && session.sight.shows(&uri) {
                session.notices.tell(notice.clone());
            }
        }
        for listener in state.listeners_in(reach) {
            let uris = listener.sink.accepted().resource_subscriptions.as_ref();
            if uris.is_some_and(|uris| uris.contains(&uri)) {
                listener.notices.tell(notice.clone());
            }
        }
    }

    pub(in crate::stdio) fn log_to_all(&self, grave: Level, told: &Method) {
        let Some(notice) = typed(told.clone()) else {
            return;
        };
        let state = self.state();
        if state.is_shared() {
            return;
        }
        for session in state.sessions.values() {
            if state.admits(session, grave) {
                session.notices.tell(notice.clone());
            }
        }
    }

    pub(in crate::stdio) fn log_to(&self, id: &str, grave: Level, told: &Method) {
        let state = self.state();
        let session = state.sessions.get(id).filter(|_| !state.is_shared());
        let Some(session) = session.filter(|session| state.admits(session, grave)) else {
            return;
        };
        if let Some(notice) = typed(told.clone()) {
            session.notices.tell(notice);
        }
    }

    /// Tells all sessions of the one caller.
    pub(in crate::stdio) fn tell_all(&self, told: &Method) {
        let Some(notice) = typed(told.clone()) else {
            return;
        };
        for session in self.state().sessions.values() {
            session.notices.tell(notice.clone());
        }
    }

    /// What was asked by URL is done: the session is told that was asked.
    pub(in crate::stdio) fn elicited(&self, told: Method) {
        let mut state = self.state();
        let id = told.param("elicitationId").and_then(Value::as_str);
        let Some(session) = id.and_then(|id| state.elicitations.remove(id)) else {
            return;
        };
        if let (Some(session), Some(notice)) = (state.sessions.get(&session), typed(told)) {
            session.notices.tell(notice);
        }
    }

    /// A question without a request goes to the session of the one caller that began last.
    pub(in crate::stdio) fn ask_somebody(self: &std::sync::Arc<Self>, question: Question) {
        let Some((id, peer)) = self.newest() else {
            return;
        };
        let can = peer.peer_info().map(|info| info.capabilities.clone());
        let hub = std::sync::Arc::clone(self);
        tokio::spawn(async move {
            let can = can.unwrap_or_default();
            front::ask_session(question, &peer, &can, &hub, &id).await;
        });
    }
}

fn without_subscription(mut told: Method) -> Method {
    if let Some(Value::Object(params)) = &mut told.params {
        let meta = params.get_mut("_meta").and_then(Value::as_object_mut);
        let is_empty = meta.is_some_and(|meta: &mut Object| {
            meta.remove(SUBSCRIPTION_ID);
            meta.is_empty()
        });
        if is_empty {
            params.remove("_meta");
        }
    }
    told
}

/// Whether a URI is this one, or below it.
fn is_part(uri: &str, whole: &str) -> bool {
    let rest = uri.strip_prefix(whole);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || whole.ends_with('/'))
}

#[cfg(test)]
mod tests {
    use super::is_part;

    #[test]
    fn what_is_part_of_a_resource() {
        for (uri, whole, expected) in [
            ("file:///a", "file:///a", true),
            ("file:///a/b", "file:///a", true),
            ("file:///a/b", "file:///a/", true),
            ("file:///ab", "file:///a", false),
            ("file:///", "file:///a", false),
        ] {
            assert_eq!(is_part(uri, whole), expected, "{uri} {whole}");
        }
    }
}
