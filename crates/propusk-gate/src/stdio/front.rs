//! The client's side of a request: what it is told and asked while a child works.

use std::sync::Arc;

use rmcp::{
    RoleServer,
    model::{ClientCapabilities, ErrorData, ServerRequest},
    service::{Peer, PeerRequestOptions, RequestContext, RequestHandle, ServiceError},
};
use serde_json::Value;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{
    asker::{Asker, SessionKey},
    era::PROGRESS_TOKEN,
    errors,
    hub::{Hub, typed},
    link::Question,
    wire::Method,
};

/// The client that waits for an answer.
pub(super) struct Front {
    pub(super) asker: Asker,
    peer: Peer<RoleServer>,
    /// The client's own token for progress.
    progress: Option<Value>,
    hub: Arc<Hub>,
    /// Questions end with the request that caused them.
    ends: CancellationToken,
    _guard: DropGuard,
}

impl Front {
    pub(super) fn new(context: &RequestContext<RoleServer>, asker: Asker, hub: Arc<Hub>) -> Self {
        let ends = CancellationToken::new();
        Self {
            asker,
            peer: context.peer.clone(),
            progress: context.meta.get(PROGRESS_TOKEN).cloned(),
            hub,
            _guard: ends.clone().drop_guard(),
            ends,
        }
    }

    /// Tells the client, in the middle of its request.
    pub(super) async fn tell(&self, mut told: Method) {
        if told.name == "notifications/progress" {
            let Some(token) = &self.progress else { return };
            if let Some(Value::Object(params)) = &mut told.params {
                params.insert(PROGRESS_TOKEN.into(), token.clone());
            }
        }
        let Some(notice) = typed(told) else { return };
        if let Err(error) = self.peer.send_notification(notice).await {
            tracing::debug!(%error, "a client was not told");
        }
    }

    /// Asks the client over its session, and goes on. It must run in the task of the request, so that
    /// the question goes where its answer is awaited.
    pub(super) async fn ask(&self, question: Question) {
        let SessionKey::Session(id) = &self.asker.key else {
            return;
        };
        match send(&question.asks, &self.peer, &self.asker.can).await {
            Ok(handle) => {
                remember(&question.asks, &self.hub, id);
                tokio::spawn(wait(question, handle, self.ends.clone()));
            }
            Err(error) => question.answer(Err(error)),
        }
    }

    /// Asks the client over its session, and waits for what it says.
    pub(super) async fn ask_for(&self, asks: &Method) -> Result<Value, ErrorData> {
        let handle = send(asks, &self.peer, &self.asker.can).await?;
        answered(handle.await_response().await)
    }
}

/// Asks a session outside of any request.
pub(super) async fn ask_session(
    question: Question,
    peer: &Peer<RoleServer>,
    can: &ClientCapabilities,
    hub: &Hub,
    id: &Arc<str>,
) {
    match send(&question.asks, peer, can).await {
        Ok(handle) => {
            remember(&question.asks, hub, id);
            wait(question, handle, CancellationToken::new()).await;
        }
        Err(error) => question.answer(Err(error)),
    }
}

/// Whether a client has said that it can answer this.
pub(super) fn check(asks: &Method, can: &ClientCapabilities) -> Result<(), ErrorData> {
    let has = |name| asks.param(name).is_some();
    let missing = match asks.name.as_str() {
        "sampling/createMessage" => match &can.sampling {
            None => Some("sampling"),
            Some(sampling) if sampling.tools.is_none() && (has("tools") || has("toolChoice")) => {
                Some("tools in sampling")
            }
            Some(_) => None,
        },
        "elicitation/create" => {
            let by_url = asks.param("mode").is_some_and(|mode| mode == "url");
            match &can.elicitation {
                None => Some("elicitation"),
                Some(elicitation) if by_url && elicitation.url.is_none() => {
                    Some("elicitation by URL")
                }
                Some(_) => None,
            }
        }
        "roots/list" => can.roots.is_none().then_some("roots"),
        _ => None,
    };
    missing.map_or(Ok(()), |what| Err(errors::client_cannot(what)))
}

async fn send(
    asks: &Method,
    peer: &Peer<RoleServer>,
    can: &ClientCapabilities,
) -> Result<RequestHandle<RoleServer>, ErrorData> {
    check(asks, can)?;
    let request: ServerRequest = serde_json::from_value(asks.clone().into_value())
        .map_err(|_| ErrorData::invalid_params("this request is not well-formed", None))?;
    let sent = peer.send_cancellable_request(request, PeerRequestOptions::default());
    sent.await.map_err(failed)
}

async fn wait(question: Question, mut handle: RequestHandle<RoleServer>, ends: CancellationToken) {
    tokio::select! {
        answer = &mut handle.rx => {
            let answer = answer.unwrap_or(Err(ServiceError::TransportClosed));
            question.answer(answered(answer));
        }
        () = question.withdrawn.cancelled() => take_back(handle).await,
        () = ends.cancelled() => take_back(handle).await,
    }
}

async fn take_back(handle: RequestHandle<RoleServer>) {
    let reason = "the server does not need it any longer".to_owned();
    let _ = handle.cancel(Some(reason)).await;
}

fn answered(answer: Result<rmcp::model::ClientResult, ServiceError>) -> Result<Value, ErrorData> {
    let result = answer.map_err(failed)?;
    serde_json::to_value(result)
        .map_err(|_| errors::nobody_to_ask("The client's answer is not valid."))
}

fn failed(error: ServiceError) -> ErrorData {
    match error {
        ServiceError::McpError(error) => error,
        _ => errors::nobody_to_ask("The client has gone, or has not answered."),
    }
}

fn remember(asks: &Method, hub: &Hub, id: &Arc<str>) {
    let elicitation = asks.param("elicitationId").and_then(Value::as_str);
    if let Some(elicitation) = elicitation {
        hub.elicits(elicitation, id);
    }
}
