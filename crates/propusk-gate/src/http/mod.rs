//! MCP servers behind the gate that are reached over HTTP, in whatever language.

mod answer;
mod body;
mod connect;
mod events;
mod exchange;
mod failure;
mod headers;
mod limits;
mod lists;
mod mirrored;
mod owners;
mod settings;
mod url;

use std::{
    convert::Infallible,
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use ::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use bytes::Bytes;
use http_body::Body;
use http_body_util::BodyExt;
use propusk::{
    AccessToken, AuthLayer, LogLimit, Operation, Permit, Refusal,
    layer::{Course, Handover, ReadMessage, RequestBody, TimeLimit},
};
use serde_json::Value;
use tokio::time::Instant;
use tower_service::Service;

pub use body::{BrokenOff, UpstreamBody};
pub use connect::{ExtraRoots, NoCertificate};
pub use limits::HttpLimits;
pub use settings::HttpUpstreamSettings;
pub use url::{InvalidUpstreamUrl, UpstreamUrl};

use crate::credentials::CredentialsErrorKind;
use answer::Awaited;
use connect::Pool;
use exchange::Outgoing;
use failure::{Failure, mismatch, turned_away, unknown, unread};
use lists::{View, is_list};
use owners::{Kind, Learner, Owners};

const SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");
const PROTOCOL_VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
const LISTEN: &str = "subscriptions/listen";

/// The first revision with `cacheScope`. Revisions are dates and compare as text.
const MODERN: &[u8] = b"2026-07-28";

/// An MCP server at a URL, behind an [`AuthLayer`] that [`reads_bodies`](AuthLayer::reads_bodies).
///
/// Requests and answers stream through in both eras of the protocol: POST, GET and DELETE, events
/// with their ids, sessions. What its client says about itself stays here (see
/// [`HttpUpstreamSettings::pass_header`]); what the upstream says to the gate (401, 403, redirects,
/// cookies) too. Lists are cut down to what their caller may use.
///
/// Task ids and request states are good for the principal that the upstream gave them to, and for
/// nobody else, and so are the ids of events (`Last-Event-ID`) outside of sessions; `tasks/list` shows
/// its caller's. The gate learns them from answers and remembers the
/// last 1024 of each principal, in this process: what it does not know (after a restart, or from another
/// instance) is refused as unknown. Cursors are not bound: they say where a list goes on, and each of its
/// pages is cut down for whoever asks.
///
/// A client that goes away takes its exchange with the upstream along, at once. In 2026-07-28 that
/// cancels the request; in 2025-11-25 it does not by itself, and the upstream sees what it would see
/// without the gate: a connection that is gone.
///
/// It fails closed: what came past the layer, or has a body that the layer has not read, is not sent
/// on.
#[derive(Clone)]
pub struct HttpUpstream {
    shared: Arc<Shared>,
}

struct Shared {
    url: UpstreamUrl,
    settings: HttpUpstreamSettings,
    pool: Pool,
    log: Arc<LogLimit>,
    owners: Arc<Owners>,
    /// Of the ids of events outside of sessions.
    events: Arc<Owners>,
}

impl HttpUpstream {
    /// The upstream at this URL. Nothing is connected yet.
    #[must_use]
    pub fn new(url: UpstreamUrl, settings: HttpUpstreamSettings) -> Self {
        let tls = url.uri().scheme_str() == Some("https");
        let pool = connect::pool(&settings.limits, &settings.roots, tls);
        let shared = Shared {
            url,
            settings,
            pool,
            log: Arc::default(),
            owners: Arc::default(),
            events: Arc::default(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Has sessions that the layer ends by a limit ended at the upstream too.
    #[must_use]
    pub fn end_sessions_of(&self, layer: AuthLayer) -> AuthLayer {
        let upstream = self.clone();
        layer.on_session_end(move |id| upstream.end_session(id))
    }

    /// Ends a 2025-11-25 session, if the upstream allows it. Nobody waits for that.
    fn end_session(&self, id: &str) {
        let (Ok(id), Ok(runtime)) = (
            HeaderValue::from_str(id),
            tokio::runtime::Handle::try_current(),
        ) else {
            return;
        };
        let shared = Arc::clone(&self.shared);
        runtime.spawn(async move {
            let outgoing = Outgoing {
                method: Method::DELETE,
                headers: HeaderMap::from_iter([(SESSION_ID, id)]),
                body: Bytes::new(),
                caller: None,
                until: Instant::now() + shared.settings.limits.idle,
            };
            if let Err(failure) = shared.exchange(outgoing).await {
                tracing::debug!(upstream = %shared.settings.name, "a session was not ended: {failure}");
            }
        });
    }
}

impl<B> Service<Request<RequestBody<B>>> for HttpUpstream
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Send,
{
    type Response = Response<UpstreamBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<UpstreamBody>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<RequestBody<B>>) -> Self::Future {
        let shared = Arc::clone(&self.shared);
        Box::pin(async move { Ok(shared.handle(request).await) })
    }
}

/// A request that the layer let through, without its body.
struct Admitted<'a> {
    method: Method,
    headers: HeaderMap,
    /// The end of the time that a rule allows.
    deadline: Option<Instant>,
    caller: Option<&'a AccessToken>,
    handover: &'a Handover,
    course: Option<&'a Course>,
}

impl Shared {
    async fn handle<B>(&self, request: Request<RequestBody<B>>) -> Response<UpstreamBody>
    where
        B: Body<Data = Bytes>,
    {
        let (mut parts, body) = request.into_parts();
        let headers = std::mem::take(&mut parts.headers);
        let (Some(permit), Some(handover)) = (
            parts.extensions.get::<Permit>(),
            parts.extensions.get::<Handover>(),
        ) else {
            tracing::error!("a request came past the layer, or the layer does not read bodies");
            let text = "This gate is not set up.";
            return turned_away(StatusCode::INTERNAL_SERVER_ERROR, text, None);
        };
        let limit = parts.extensions.get::<TimeLimit>();
        let admitted = Admitted {
            method: parts.method,
            headers,
            deadline: limit.and_then(|limit| Instant::now().checked_add(limit.0)),
            caller: permit.caller(),
            handover,
            course: parts.extensions.get(),
        };
        let id = handover.message().and_then(ReadMessage::id);
        let body = match admitted.body(body).await {
            Ok(body) => body,
            Err(response) => return *response,
        };
        match self.forward(&admitted, body).await {
            Ok(response) => response,
            Err(Turned::Away(response)) => *response,
            Err(Turned::Failed(failure)) => {
                refuse(handover, &failure);
                failure.log(&self.settings.name, &self.log);
                failure.render(id)
            }
        }
    }

    async fn forward(
        &self,
        admitted: &Admitted<'_>,
        body: Bytes,
    ) -> Result<Response<UpstreamBody>, Turned> {
        let message = admitted.handover.message();
        let id = message.and_then(ReadMessage::id);
        let mut headers = headers::onward(&admitted.headers, &self.settings.passed).map_err(
            |headers::ComesTwice(name)| {
                let text = format!("The header {name} may come once.");
                let response = turned_away(StatusCode::BAD_REQUEST, &text, id);
                Turned::Away(Box::new(unread(response)))
            },
        )?;
        mirrored::compare(&mut headers, message, &body)
            .map_err(|mirrored::Mismatch(text)| Turned::Away(Box::new(mismatch(&text, id))))?;
        let mut learner = Learner::new(&self.owners, admitted.caller);
        if !headers.contains_key(SESSION_ID) {
            learner = learner.of_events(&self.events);
        }
        let resumes = headers.get("last-event-id");
        let may_resume = resumes.is_none_or(|id| learner.may_resume(id.as_bytes()));
        let anothers = message.and_then(|message| is_anothers(message, &learner));
        if let Some(what) = anothers.or((!may_resume).then_some("Unknown event.")) {
            return Err(Turned::Away(Box::new(unknown(what, id))));
        }
        let first_byte = Instant::now() + self.settings.limits.first_byte;
        let deadline = admitted.deadline;
        let outgoing = Outgoing {
            method: admitted.method.clone(),
            headers,
            body,
            caller: admitted.caller,
            until: deadline.map_or(first_byte, |deadline| deadline.min(first_byte)),
        };
        let response = self.exchange(outgoing).await?;
        let asks = |is: fn(&str) -> bool| {
            let operation = message.and_then(ReadMessage::operation);
            operation.is_some_and(|operation| has_method(operation, is))
        };
        let is_list = asks(is_list);
        let is_tasks = asks(|method| method == "tasks/list");
        // What is sent again on a GET may be the answer to a list, and both tell of resources.
        let tells = admitted.method == Method::GET || asks(|method| method == LISTEN);
        let view = (is_list || tells)
            .then(|| view(admitted, is_tasks, &learner))
            .flatten();
        let view = view.filter(|view| is_list || view.restricts());
        let awaited = Awaited {
            id,
            view,
            learner,
            is_list,
            deadline,
            course: admitted.course,
        };
        Ok(self.answer(response, awaited).await?)
    }
}

/// What a message comes with that this caller was not told, if there is something.
fn is_anothers(message: &ReadMessage, learner: &Learner) -> Option<&'static str> {
    let is_own = |kind, value: Option<&Value>| match value {
        None | Some(Value::Null) => true,
        Some(Value::String(id)) => learner.has(kind, id),
        Some(_) => false,
    };
    let one = message.task_id().into_iter();
    let mut tasks = one.chain(message.listened_task_ids());
    if !tasks.all(|id| is_own(Kind::Task, Some(id))) {
        return Some("Unknown task.");
    }
    (!is_own(Kind::State, message.request_state())).then_some("Unknown requestState.")
}

fn view(admitted: &Admitted<'_>, tasks: bool, learner: &Learner) -> Option<View> {
    let version = admitted.headers.get(PROTOCOL_VERSION);
    let modern = version.is_some_and(|version| version.as_bytes() >= MODERN);
    let view = View::new(admitted.handover, admitted.caller, modern, learner);
    let view = if tasks { view.restricting() } else { view };
    Some(view).filter(View::matters)
}

impl Admitted<'_> {
    /// The body that goes on: of a POST, and only where the layer has read it.
    async fn body<B>(&self, body: RequestBody<B>) -> Result<Bytes, Box<Response<UpstreamBody>>>
    where
        B: Body<Data = Bytes>,
    {
        let away = |status, text| Err(Box::new(unread(turned_away(status, text, None))));
        match self.method {
            Method::GET | Method::DELETE => Ok(Bytes::new()),
            Method::POST
                if self.handover.message().is_none()
                    || !headers::is_type(&self.headers, "application/json") =>
            {
                away(
                    StatusCode::UNSUPPORTED_MEDIA_TYPE,
                    "The body of a POST must be of the type application/json.",
                )
            }
            Method::POST => match body.collect().await {
                Ok(body) => Ok(body.to_bytes()),
                Err(_) => away(StatusCode::BAD_REQUEST, "The body did not come whole."),
            },
            _ => {
                let text = "Only POST, GET and DELETE are methods of this endpoint.";
                let mut response = unread(turned_away(StatusCode::METHOD_NOT_ALLOWED, text, None));
                let allow = HeaderValue::from_static("GET, POST, DELETE");
                response.headers_mut().insert(header::ALLOW, allow);
                Err(Box::new(response))
            }
        }
    }
}

/// How a request ends without an answer of the upstream.
enum Turned {
    Away(Box<Response<UpstreamBody>>),
    Failed(Failure),
}

impl From<Failure> for Turned {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

fn has_method(operation: &Operation, is: fn(&str) -> bool) -> bool {
    matches!(operation, Operation::Method { method, .. } if is(method))
}

/// What is about the caller is refused in the layer's way.
fn refuse(handover: &Handover, failure: &Failure) {
    let Failure::Credentials(error) = failure else {
        return;
    };
    match error.kind() {
        CredentialsErrorKind::Forbidden => handover.refuse(Refusal::forbidden()),
        CredentialsErrorKind::Anonymous => handover.refuse(Refusal::unauthenticated()),
        _ => {}
    }
}

impl fmt::Debug for HttpUpstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpUpstream")
            .field("url", &self.shared.url)
            .field("settings", &self.shared.settings)
            .finish_non_exhaustive()
    }
}
