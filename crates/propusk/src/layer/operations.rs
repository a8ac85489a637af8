//! The decision about the operation that a body asks for.

use std::{
    any::Any,
    future::{Future, poll_fn},
    pin::pin,
    sync::Arc,
    task::Poll,
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, Method, Response, header::CONTENT_TYPE, request::Parts};
use http_body::Body;
use http_body_util::Full;
use serde_json::Value;
use tokio::time::timeout;

use super::{
    gate::Gate,
    handover::ReadMessage,
    late_refusal::Certain,
    leftover::{PATIENCE, is_kept, throw_away, throw_away_the_rest},
    message::{self, Asked},
    onward::Declared,
    render,
    request_body::{RequestBody, Unreadable, whole},
    ruling::{self, Question, Ruled},
    trail::Trail,
};
use crate::{
    AccessToken, AuthSettings, Operation, Permit, Refusal, Requirement, Target, TargetKind,
    decide::within_scopes, rules::Rules as _,
};

/// What a handler declares about its own tools, prompts and resources.
///
/// [`Guard`](crate::server::Guard) is one. An [`AuthLayer`](super::AuthLayer) asks it before the
/// handler gets a request.
pub trait DeclaredScopes: Any + Send + Sync {
    /// The scopes that are declared for this target; `None` where nothing is declared.
    fn declared_scopes(&self, target: &Target) -> Option<Requirement>;

    /// Whether anything may be declared at all. Where not (and no policy is set), no body is read
    /// for it.
    fn declares_any(&self) -> bool {
        true
    }

    /// Takes the settings that the layer in front has from now on; see
    /// [`AuthLayer::renew`](super::AuthLayer::renew). Nothing is done by default.
    fn renew(&self, settings: &Arc<AuthSettings>) {
        let _ = settings;
    }
}

/// A caller who lacks a scope that every request needs.
pub(super) struct Lacking {
    /// It names those scopes only.
    pub(super) refusal: Refusal,
    pub(super) caller: AccessToken,
}

/// How bodies are read and judged.
#[derive(Clone)]
pub(super) struct Operations {
    pub(super) most_bytes: usize,
    /// How long a body may take to come.
    pub(super) longest: Duration,
    pub(super) declared: Option<Arc<dyn DeclaredScopes>>,
    /// Whether somebody behind is to know what was read.
    pub(super) hands_on: bool,
    /// What the path of a request says. Where that is not the endpoint's own, no body is read for it.
    pub(super) by_path: Operation,
}

/// A body that may go on.
pub(super) struct Checked<B> {
    pub(super) body: RequestBody<B>,
    /// What saves the handler a look-up.
    pub(super) declared: Option<Declared>,
    /// What it asks for, and its id, where it was read to be handed on.
    pub(super) read: Option<ReadMessage>,
    /// What the rules said, where there are any.
    pub(super) ruled: Option<Ruled>,
}

impl<B> Checked<B> {
    fn of(body: RequestBody<B>) -> Self {
        Self {
            body,
            declared: None,
            read: None,
            ruled: None,
        }
    }
}

impl Default for Operations {
    fn default() -> Self {
        Self {
            most_bytes: 4 * 1024 * 1024,
            longest: Duration::from_secs(30),
            declared: None,
            hands_on: false,
            by_path: Operation::Request,
        }
    }
}

impl Operations {
    /// Decides about what a request asks for in its body, where anything depends on it. The bytes
    /// go on as they came.
    pub(super) async fn check<B: Body<Data = Bytes> + Send + 'static>(
        &self,
        gate: &Gate,
        permit: &Permit,
        parts: &Parts,
        body: B,
        trail: &mut Trail,
    ) -> Result<Checked<B>, Box<Response<Full<Bytes>>>> {
        let settings = gate.settings();
        let rules = gate.rules().current();
        let must_read =
            rules.is_some() && (ruling::may_ask(&parts.method) || !body.is_end_stream());
        if !must_read && !self.reads(gate, parts) {
            let mut checked = Checked::of(RequestBody::untouched(body));
            if let Some(rules) = rules {
                let question = Question::about_no_message();
                checked.ruled = Some(ruling::judge(gate, rules, permit, parts, question, trail)?);
            }
            return Ok(checked);
        }
        let bytes = self.read(parts, body).await?;
        trail.reads(&bytes);
        let asked = match &rules {
            Some(rules) if rules.reads_arguments() => message::asked_with_arguments(&bytes),
            _ => message::asked(&bytes),
        };
        let Asked {
            operation,
            id,
            arguments,
            kept,
        } = match asked {
            Ok(asked) => asked,
            // Whoever only watches does not change what becomes of a request.
            Err(_) if rules.is_none() && !self.decide_anything(settings) && !self.hands_on => {
                return Ok(Checked::of(RequestBody::read(bytes)));
            }
            Err(why) => Err(render::unclear(why.code, &why.message, why.id))?,
        };
        let mut declared = None;
        let read = self
            .hands_on
            .then(|| ReadMessage::new(operation.clone(), id.clone(), kept));
        if let Some(operation) = operation {
            let operation = self.with_declared(operation);
            let allowed = permit.allows(settings, &operation);
            declared = self.declared_for(&operation);
            let told = id.as_ref().filter(|_| gate.observer().is_heard());
            let hidden = rules.as_ref().and_then(|rules| {
                let refusal = ruling::hidden(rules, &operation, permit.caller())?;
                Some(render::ruled(&refusal, &operation, id.clone()))
            });
            trail.asks(operation, told);
            if let Some(hidden) = hidden {
                return Err(Box::new(hidden));
            }
            allowed.map_err(|refusal| render::refusal_of(settings, &refusal, id.as_ref()))?;
        }
        let mut ruled = None;
        if let Some(rules) = rules {
            let question = Question {
                operation: trail.facts().operation.clone(),
                arguments,
                id,
            };
            ruled = Some(ruling::judge(gate, rules, permit, parts, question, trail)?);
        }
        Ok(Checked {
            body: RequestBody::read(bytes),
            declared,
            read,
            ruled,
        })
    }

    async fn read<B: Body<Data = Bytes> + Send + 'static>(
        &self,
        parts: &Parts,
        body: B,
    ) -> Result<Bytes, Box<Response<Full<Bytes>>>> {
        let unreadable = |why| match why {
            Unreadable::TooLong(rest) => {
                throw_away_the_rest(&parts.headers, rest, self.most_bytes);
                render::too_long(self.most_bytes)
            }
            Unreadable::Broken => render::broken_body(),
        };
        let mut read = pin!(whole(body, self.most_bytes));
        // Most bodies are there by now, and need no timer.
        let read = match poll_fn(|cx| Poll::Ready(read.as_mut().poll(cx))).await {
            Poll::Ready(read) => Ok(read),
            Poll::Pending => timeout(self.longest, read).await,
        };
        match read {
            Ok(read) => read.map_err(|why| Box::new(unreadable(why))),
            Err(_) => Err(Box::new(render::slow_body(self.longest))),
        }
    }

    /// The refusal of a request whose caller lacks what every request needs: with all that the
    /// operation in its body needs, too, so that one step up is enough, or as one that no scope would
    /// help. Where that cannot be told, or not soon, it stays as it is. With the id of the request, where
    /// it could be read.
    pub(super) async fn refuse<B: Body<Data = Bytes> + Send + 'static>(
        &self,
        gate: &Arc<Gate>,
        lacking: Lacking,
        parts: &Parts,
        body: B,
        trail: &mut Trail,
    ) -> (Refusal, Option<Value>) {
        let Lacking { refusal, caller } = lacking;
        if !self.reads(gate, parts) || is_kept(&parts.headers) {
            throw_away(&parts.headers, body, self.most_bytes);
            return (refusal, None);
        }
        let certain = Certain::new(gate, trail, &refusal);
        let read = timeout(PATIENCE, whole(body, self.most_bytes)).await;
        certain.told_otherwise();
        let bytes = match read {
            Ok(Ok(bytes)) => bytes,
            Ok(Err(Unreadable::TooLong(rest))) => {
                throw_away_the_rest(&parts.headers, rest, self.most_bytes);
                return (refusal, None);
            }
            // Whoever sends it slowly, or not at all, is told what is known.
            Ok(Err(Unreadable::Broken)) | Err(_) => return (refusal, None),
        };
        let (operation, id) = match message::asked(&bytes) {
            Ok(asked) => (asked.operation, asked.id),
            Err(unclear) => (None, unclear.id),
        };
        let Some(operation) = operation else {
            return (refusal, id);
        };
        let operation = self.with_declared(operation);
        let rules = gate.rules().current();
        if rules.is_some_and(|rules| ruling::hidden(&rules, &operation, Some(&caller)).is_some()) {
            return (refusal, id);
        }
        let whole = within_scopes(gate.settings(), &operation, Some(&caller));
        let told = id.as_ref().filter(|_| gate.observer().is_heard());
        trail.asks(operation, told);
        (whole.err().unwrap_or(refusal), id)
    }

    /// Whether anybody wants to know what a body asks for, and it may say so.
    fn reads(&self, gate: &Gate, parts: &Parts) -> bool {
        (self.hands_on || self.decide_anything(gate.settings()) || gate.observer().listens())
            && parts.method == Method::POST
            && self.by_path == Operation::Request
            && may_be_json(&parts.headers)
    }

    fn with_declared(&self, operation: Operation) -> Operation {
        operation.declaring(|target| {
            let declared = self.declared.as_deref()?;
            declared.declared_scopes(target)
        })
    }

    /// What saves the handler from looking up a tool's scopes a second time.
    fn declared_for(&self, operation: &Operation) -> Option<Declared> {
        let Operation::Method { targets, .. } = operation else {
            return None;
        };
        match (&targets[..], &self.declared) {
            ([tool], Some(by)) if tool.kind() == TargetKind::Tool => Some(Declared {
                by: Arc::clone(by),
                tool: tool.clone(),
            }),
            _ => None,
        }
    }

    /// Whether any decision can depend on a body.
    fn decide_anything(&self, settings: &AuthSettings) -> bool {
        let declared = self.declared.as_ref();
        !settings.scope_policy().is_empty()
            || declared.is_some_and(|declared| declared.declares_any())
    }
}

/// Whether somebody behind might take the body for JSON. rmcp takes `application/json` only; what
/// declares itself to be something else is another service's.
fn may_be_json(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(CONTENT_TYPE).iter().peekable();
    let says_json = |value: &http::HeaderValue| {
        let json = |word: &[u8]| word.eq_ignore_ascii_case(b"json");
        // From the end, where it usually stands.
        value.as_bytes().windows(4).rev().any(json)
    };
    types.peek().is_none() || types.any(says_json)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_rmcp_might_take_for_json_is_read() {
        let read = |types: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in types {
                headers.append(CONTENT_TYPE, http::HeaderValue::from_static(value));
            }
            may_be_json(&headers)
        };
        assert!(read(&[]) && read(&["application/json"]));
        assert!(read(&["Application/JSON ; charset=utf-8"]));
        assert!(read(&["text/plain", "application/json"]));
        assert!(!read(&["text/plain"]) && !read(&["multipart/form-data; boundary=x"]));
    }
}
