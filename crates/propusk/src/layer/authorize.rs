//! The inner half of the layer: permit, session, and the service behind.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{
    HeaderValue, Method, Request, Response, StatusCode,
    header::{AUTHORIZATION, CONTENT_TYPE},
    request::Parts,
};
use http_body::Body;
use http_body_util::Full;
use tower_service::Service;

use super::{
    body::{AuthBody, Holds, Ties},
    exchange::Exchange,
    gate::{Gate, Gates, Permitted},
    handover::Handover,
    late_refusal::{Awaiting, LateRefusal, Report},
    leftover::throw_away,
    onward::Onward,
    opening::Opening,
    operations::{Checked, Lacking, Operations},
    render,
    request_body::RequestBody,
    ruling::Ruled,
    sessions::{SessionUse, may_open_session, opened_by},
    streams::Streams,
    trail::Trail,
    unguarded::would_meet_a_guard,
};
use crate::{
    AccessToken, Operation, Permit, Reason,
    audit::Cause,
    refusal::Scheme,
    rules::{Hold, RuleSet},
};

type Answer<B, E> = Pin<Box<dyn Future<Output = Result<Response<AuthBody<B>>, E>> + Send>>;

/// Lets a request through to the service behind once it has a [`Permit`].
#[derive(Clone)]
pub(super) struct Authorize<S> {
    gates: Arc<Gates>,
    operations: Operations,
    inner: S,
}

impl<S> Authorize<S> {
    pub(super) fn new(gates: Arc<Gates>, operations: Operations, inner: S) -> Self {
        Self {
            gates,
            operations,
            inner,
        }
    }
}

impl<S> Authorize<S> {
    /// Answers a request by this gate. Unlike [`Service::call`] it does not want `&mut self`.
    pub(super) fn handle<ReqBody, ResBody>(
        &self,
        gate: Arc<Gate>,
        mut request: Request<ReqBody>,
    ) -> Answer<ResBody, S::Error>
    where
        S: Service<Request<RequestBody<ReqBody>>, Response = Response<ResBody>>
            + Clone
            + Send
            + 'static,
        S::Future: Send,
        S::Error: Send,
        ReqBody: Body<Data = Bytes> + Send + 'static,
        ResBody: Body<Data = Bytes> + Send + 'static,
    {
        let operations = self.operations.clone();
        let inner = self.inner.clone();
        Box::pin(async move {
            let mut trail = Trail::of(&request, operations.by_path.clone());
            let mut exchange = Exchange::begin(&gate, &mut request);
            let response = match admit(&gate, &operations, request, &mut trail).await {
                Ok(admitted) => {
                    // Before it runs, so that what it does is never without a trace.
                    gate.record(&mut trail, None);
                    exchange.decided(&trail, None);
                    forward(&gate, inner, admitted, &trail).await?
                }
                Err(response) => response.map(AuthBody::own),
            };
            if let Some(cause) = response.extensions().get::<Cause>() {
                gate.record(&mut trail, Some(cause));
                exchange.decided(&trail, Some(cause));
            }
            exchange.answered(response.status());
            Ok(response.map(|body| body.tells(exchange)))
        })
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for Authorize<S>
where
    S: Service<Request<RequestBody<ReqBody>>, Response = Response<ResBody>>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
    S::Error: Send,
    ReqBody: Body<Data = Bytes> + Send + 'static,
    ResBody: Body<Data = Bytes> + Send + 'static,
{
    type Response = Response<AuthBody<ResBody>>;
    type Error = S::Error;
    type Future = Answer<ResBody, S::Error>;

    /// Always ready: readiness of the service behind is awaited after the decision.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        Poll::Ready(Ok(()))
    }

    /// By the gate that the outer half has left in the request.
    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        let gate = request.extensions_mut().remove::<Arc<Gate>>();
        let gate = gate.unwrap_or_else(|| self.gates.current());
        self.handle(gate, request)
    }
}

/// A request that may go on, with the 2025-11-25 session that it names.
struct Admitted<B> {
    request: Request<RequestBody<B>>,
    session: Option<SessionUse>,
    late: LateRefusal,
    next_nonce: Option<HeaderValue>,
    /// `None` where the layer knows of a guard; else whether one would have seen the request before
    /// its answer, by what its head says.
    unguarded: Option<bool>,
    /// Kept until the answer has ended.
    holds: Holds,
}

/// What the head of a request says: the permit, the session that it names, and the nonce for the next
/// proof.
struct Head {
    permit: Permit,
    session: Option<SessionUse>,
    next_nonce: Option<HeaderValue>,
}

async fn admit<B: Body<Data = Bytes> + Send + 'static>(
    gate: &Arc<Gate>,
    operations: &Operations,
    request: Request<B>,
    trail: &mut Trail,
) -> Result<Admitted<B>, Box<Response<Full<Bytes>>>> {
    let (mut parts, body) = request.into_parts();
    let head = match admit_head(gate, &mut parts, trail).await {
        Ok(head) => head,
        Err(Turned::Away(response)) => {
            throw_away(&parts.headers, body, operations.most_bytes);
            return Err(response);
        }
        Err(Turned::Lacking(lacking)) => {
            let (refusal, id) = operations.refuse(gate, *lacking, &parts, body, trail).await;
            let response = render::refusal_of(gate.settings(), &refusal, id.as_ref());
            return Err(Box::new(response));
        }
    };
    let Head {
        permit,
        session,
        next_nonce,
    } = head;
    let unguarded = (operations.declared.is_none() && !operations.hands_on)
        .then(|| would_meet_a_guard(&parts.headers));
    let Checked {
        body,
        declared,
        read,
        ruled,
    } = operations.check(gate, &permit, &parts, body, trail).await?;
    // Nothing behind the gate needs the secret, and what is not there cannot leak.
    parts.headers.remove(AUTHORIZATION);
    parts.headers.remove("dpop");
    parts.extensions.insert(permit);
    // Inside a session rmcp begins its answer before the handler is asked.
    let late = match &session {
        Some(_) if !operations.hands_on => LateRefusal::told_to(Report::new(gate, trail)),
        _ => LateRefusal::awaited(),
    };
    if operations.hands_on {
        let handover = Handover::new(read, gate, late.clone());
        parts.extensions.insert(handover);
    }
    let (ruled, holds) = match ruled {
        None => (None, Vec::new()),
        Some(ruled) => leave(&mut parts, ruled),
    };
    parts.extensions.insert(Onward {
        late: late.clone(),
        declared,
        ruled,
    });
    Ok(Admitted {
        unguarded,
        request: Request::from_parts(parts, body),
        session,
        late,
        next_nonce,
        holds,
    })
}

/// Leaves what the rules said for whoever answers.
///
/// What the rules hold stays with the request, too: inside a session the work on it goes on when its
/// client hangs up, and the answer to it is then no longer awaited by anybody here.
fn leave(parts: &mut Parts, ruled: Ruled) -> (Option<Arc<(Operation, RuleSet)>>, Holds) {
    let Ruled {
        rules,
        operation,
        time_limit,
        holds,
    } = ruled;
    if let Some(limit) = time_limit {
        parts.extensions.insert(limit);
    }
    parts.extensions.insert(rules.clone());
    let holds = if holds.is_empty() {
        Vec::new()
    } else {
        let holds: Arc<[Hold]> = holds.into();
        parts.extensions.insert(Kept(Arc::clone(&holds)));
        vec![holds]
    };
    (Some(Arc::new((operation, rules))), holds)
}

/// What the rules hold for a request, for as long as anybody has it.
#[derive(Clone)]
struct Kept(#[expect(dead_code, reason = "it is there to be dropped")] Arc<[Hold]>);

/// How a request ends at its head.
enum Turned {
    Away(Box<Response<Full<Bytes>>>),
    /// It is refused for certain, and its body may say for what else.
    Lacking(Box<Lacking>),
}

async fn admit_head(gate: &Gate, parts: &mut Parts, trail: &mut Trail) -> Result<Head, Turned> {
    let away = |response| Turned::Away(Box::new(response));
    if let Some(document) = gate.metadata(parts.uri.path())
        && matches!(parts.method, Method::GET | Method::HEAD)
    {
        return Err(away(render::metadata(document)));
    }
    let permitted = gate.permit(parts, trail).await.map_err(|refusal| {
        let caller = match refusal.reason() {
            Reason::InsufficientScope => trail.facts().token.clone(),
            _ => None,
        };
        if let Some(caller) = caller {
            return Turned::Lacking(Box::new(Lacking { refusal, caller }));
        }
        let response = render::refusal(gate.settings(), &refusal);
        away(render::with_nonce(response, gate.nonce_for(&refusal)))
    })?;
    let Permitted { permit, next_nonce } = permitted;
    trail.admit(&permit);
    if gate.is_metadata(parts.uri.path()) && !matches!(parts.method, Method::GET | Method::HEAD) {
        return Err(away(render::metadata_is_read()));
    }
    let session = gate
        .sessions()
        .check(
            &mut parts.headers,
            permit.caller().map(AccessToken::principal).cloned(),
        )
        .map_err(|_| away(render::unknown_session()))?;
    Ok(Head {
        permit,
        session,
        next_nonce,
    })
}

async fn forward<S, ReqBody, ResBody>(
    gate: &Arc<Gate>,
    mut inner: S,
    Admitted {
        request,
        session,
        late,
        next_nonce,
        unguarded,
        holds,
    }: Admitted<ReqBody>,
    trail: &Trail,
) -> Result<Response<AuthBody<ResBody>>, S::Error>
where
    S: Service<Request<RequestBody<ReqBody>>, Response = Response<ResBody>> + 'static,
    S::Future: Send,
    S::Error: Send,
    ReqBody: 'static,
    ResBody: Send + 'static,
{
    let ends = request.method() == Method::DELETE;
    let may_open = session.is_none()
        && may_open_session(request.method(), request.headers())
        && may_be_initialize(&trail.facts().operation);
    let permit = request.extensions().get::<Permit>();
    let caller = permit.and_then(Permit::caller).cloned();
    let awaiting = Awaiting::new(late.clone(), gate, trail);
    poll_fn(|cx| inner.poll_ready(cx)).await?;
    let response = if may_open {
        Opening::new(inner.call(request), gate.sessions()).await?
    } else {
        inner.call(request).await?
    };
    awaiting.answered();
    if let Some(refusal) = late.begin(|| goes_on(&response).then(|| Report::new(gate, trail))) {
        let refusal = match &caller {
            Some(token) => refusal.under(Scheme::of(token)),
            None => refusal,
        };
        return Ok(render::refusal(gate.settings(), &refusal).map(AuthBody::own));
    }
    if let Some(by_head) = unguarded
        && (by_head || session.is_none() && opened_by(response.headers()).is_some())
        && !late.has_met_guard()
    {
        gate.unguarded().answered(response.status());
    }
    let session = match session {
        // Only an answer to a request without a session can open one.
        None => {
            let owner = caller.as_ref().map(|token| token.principal().clone());
            gate.sessions().learn(response.headers(), owner);
            None
        }
        // A 404 may be another route's; an entry that is left over makes room for the next.
        Some(session) if ends && response.status().is_success() => {
            session.forget();
            None
        }
        session => session,
    };
    let stream = is_stream(&response)
        .then(|| Streams::open(gate, caller.as_ref(), trail))
        .flatten();
    let ties = Ties::of(session, stream, holds);
    Ok(render::with_nonce(response, next_nonce).map(|body| AuthBody::inner(body, ties)))
}

/// Whether a body asks to open a session, or nobody has read it.
fn may_be_initialize(operation: &Operation) -> bool {
    match operation {
        Operation::Method { method, .. } => method == "initialize",
        Operation::Request => true,
        Operation::Caller => false,
    }
}

/// Whether a handler may still be at work once the answer has begun: it has a stream to write to,
/// or was only notified.
fn goes_on<B>(response: &Response<B>) -> bool {
    is_stream(response) || response.status() == StatusCode::ACCEPTED
}

/// An answer that may go on for long. (One of JSON ends with what was asked for.)
fn is_stream<B>(response: &Response<B>) -> bool {
    // Its name is compared without case (RFC 9110 §8.3.1), as clients do.
    let content_type = response.headers().get(CONTENT_TYPE);
    content_type.is_some_and(|value| {
        let essence = value.as_bytes().split(|byte| *byte == b';').next();
        essence.is_some_and(|name| name.trim_ascii().eq_ignore_ascii_case(b"text/event-stream"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a client takes for a stream must end with its token.
    #[test]
    fn rfc9110_8_3_1_a_stream_is_one_in_any_case() {
        for (value, is_one) in [
            ("text/event-stream", true),
            ("Text/Event-Stream", true),
            (" TEXT/EVENT-STREAM ; charset=utf-8", true),
            ("text/event-streams", false),
            ("application/json", false),
        ] {
            let response = Response::builder().header(CONTENT_TYPE, value).body(());
            assert_eq!(is_stream(&response.expect("an answer")), is_one, "{value}");
        }
    }
}
