//! An answer of an upstream on its way to the client.

use std::{collections::VecDeque, future::poll_fn, pin::Pin, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header, response::Parts};
use http_body::Body;
use hyper::body::Incoming;
use propusk::layer::Course;
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use super::{
    Shared,
    body::{Report, Times, UpstreamBody},
    failure::{Failure, turned_away},
    headers::{back, is_type},
    lists::{View, edited},
    owners::Learner,
};

/// So many bytes of an answer that is no stream of events are awaited before it goes on: what breaks
/// off within them can still be told as an error.
const HELD: usize = 64 * 1024;

/// What is known of the request.
pub(super) struct Awaited<'a> {
    pub(super) id: Option<&'a Value>,
    /// Set where lists may be in the answer and it matters what is in them.
    pub(super) view: Option<View>,
    pub(super) learner: Learner,
    /// The answer is a list.
    pub(super) is_list: bool,
    /// The end of the time that a rule allows.
    pub(super) deadline: Option<Instant>,
    pub(super) course: Option<&'a Course>,
}

impl Shared {
    pub(super) async fn answer(
        &self,
        response: Response<Incoming>,
        awaited: Awaited<'_>,
    ) -> Result<Response<UpstreamBody>, Failure> {
        let (parts, incoming) = response.into_parts();
        if parts.status.as_u16() > 599 {
            return Err(Failure::Unusable("its status is none of HTTP"));
        }
        let restricts = awaited.view.as_ref().is_some_and(View::restricts);
        let is_text = is_type(&parts.headers, "text/plain") && !restricts;
        if !is_text && !is_of_the_protocol(&parts.headers) {
            return without_body(&parts, &awaited);
        }
        let body = if is_type(&parts.headers, "text/event-stream") {
            self.events(&parts.headers, incoming, awaited)?
        } else if restricts {
            self.list(&parts, incoming, awaited).await?
        } else {
            self.plain(incoming, awaited).await?
        };
        let mut answer = Response::new(body);
        *answer.status_mut() = parts.status;
        *answer.headers_mut() = back(&parts.headers, &self.settings.passed);
        for (name, value) in AS_DATA {
            answer
                .headers_mut()
                .insert(name, HeaderValue::from_static(value));
        }
        Ok(answer)
    }

    fn events(
        &self,
        headers: &HeaderMap,
        incoming: Incoming,
        awaited: Awaited<'_>,
    ) -> Result<UpstreamBody, Failure> {
        let times = Times {
            patience: self.settings.limits.event_idle,
            deadline: awaited.deadline,
        };
        let most = self.settings.limits.most_list_bytes;
        let report = self.report(&awaited);
        let encoded = headers.contains_key("content-encoding");
        let view = awaited.view.filter(|view| view.restricts() || !encoded);
        if view.is_some() && encoded {
            return Err(ENCODED);
        }
        let lists = view.map(|view| (view, most));
        Ok(UpstreamBody::events(incoming, lists, times, report))
    }

    /// A list that is not everybody's is read in full, or not shown.
    async fn list(
        &self,
        parts: &Parts,
        incoming: Incoming,
        awaited: Awaited<'_>,
    ) -> Result<UpstreamBody, Failure> {
        if parts.headers.contains_key("content-encoding") {
            return Err(ENCODED);
        }
        let limits = &self.settings.limits;
        let until = Instant::now() + limits.list;
        let until = awaited
            .deadline
            .map_or(until, |deadline| deadline.min(until));
        let reading = timeout_at(until, read(incoming, limits.most_list_bytes));
        let bytes = reading.await.map_err(|_| Failure::Late("a list"))??;
        let Some(view) = awaited.view.filter(|_| !bytes.is_empty()) else {
            return Ok(UpstreamBody::whole(bytes));
        };
        if !is_type(&parts.headers, "application/json") {
            return Err(Failure::Unusable(
                "a list is neither JSON nor a stream of events",
            ));
        }
        let unreadable = Failure::Unusable("a list cannot be read in one way only");
        let Ok(text) = str::from_utf8(&bytes) else {
            return Err(unreadable);
        };
        match edited(text, &view) {
            Ok(Some(changed)) => Ok(UpstreamBody::whole(changed.into())),
            Ok(None) => Ok(UpstreamBody::whole(bytes)),
            Err(_) => Err(unreadable),
        }
    }

    async fn plain(
        &self,
        mut incoming: Incoming,
        awaited: Awaited<'_>,
    ) -> Result<UpstreamBody, Failure> {
        let (mut first, mut held) = (VecDeque::new(), 0);
        let report = self.report(&awaited);
        let view = awaited.view.filter(|_| awaited.is_list);
        let whole = |first, held| {
            let bytes = joined(first, held);
            // To take note of names; what cannot be read is not our business here.
            if let Ok(text) = str::from_utf8(&bytes) {
                awaited.learner.learn(text);
                if let Some(view) = &view {
                    let _ = edited(text, view);
                }
            }
            UpstreamBody::whole(bytes)
        };
        let idle = self.settings.limits.idle;
        while held <= HELD {
            match next(&mut incoming, idle, awaited.deadline).await? {
                None => return Ok(whole(first, held)),
                Some(data) => {
                    held += data.len();
                    first.push_back(data);
                }
            }
            if incoming.is_end_stream() {
                return Ok(whole(first, held));
            }
        }
        let times = Times {
            patience: Some(idle),
            deadline: awaited.deadline,
        };
        Ok(UpstreamBody::rest(first, incoming, times, report))
    }

    fn report(&self, awaited: &Awaited<'_>) -> Report {
        Report {
            name: Arc::clone(&self.settings.name),
            log: Arc::clone(&self.log),
            id: awaited.id.cloned(),
            learner: awaited.learner.clone(),
            course: awaited.course.cloned(),
        }
    }
}

/// A browser that comes to the gate's origin must not run what an upstream says.
const AS_DATA: [(HeaderName, &str); 2] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; sandbox",
    ),
];

/// JSON, a stream of events, or nothing that has a type.
fn is_of_the_protocol(headers: &HeaderMap) -> bool {
    !headers.contains_key(header::CONTENT_TYPE)
        || is_type(headers, "application/json")
        || is_type(headers, "text/event-stream")
}

/// A page of an upstream does not reach the client; what its status says does.
fn without_body(parts: &Parts, awaited: &Awaited<'_>) -> Result<Response<UpstreamBody>, Failure> {
    if !parts.status.is_success() {
        let text = "The server behind this gate refused the request.";
        return Ok(turned_away(parts.status, text, awaited.id));
    }
    if awaited.id.is_some() || parts.status == StatusCode::OK {
        return Err(Failure::Unusable(
            "its answer is neither JSON nor a stream of events",
        ));
    }
    let mut answer = Response::new(UpstreamBody::whole(Bytes::new()));
    *answer.status_mut() = parts.status;
    Ok(answer)
}

const ENCODED: Failure = Failure::Unusable("a list is compressed, which nobody asked for");

fn joined(mut pieces: VecDeque<Bytes>, length: usize) -> Bytes {
    if pieces.len() == 1 {
        return pieces.pop_front().unwrap_or_default();
    }
    let mut all = BytesMut::with_capacity(length);
    pieces.iter().for_each(|piece| all.extend_from_slice(piece));
    all.freeze()
}

/// All of a body that is not too long.
async fn read(mut incoming: Incoming, most: usize) -> Result<Bytes, Failure> {
    let (mut pieces, mut length) = (VecDeque::new(), 0);
    while let Some(data) = frame(&mut incoming).await? {
        length += data.len();
        if length > most {
            return Err(Failure::Unusable("a list is too long"));
        }
        pieces.push_back(data);
    }
    Ok(joined(pieces, length))
}

async fn next(
    incoming: &mut Incoming,
    idle: Duration,
    deadline: Option<Instant>,
) -> Result<Option<Bytes>, Failure> {
    let pause = Instant::now() + idle;
    let until = deadline.map_or(pause, |deadline| deadline.min(pause));
    let next = timeout_at(until, frame(incoming)).await;
    next.map_err(|_| Failure::Late("a pause in the answer"))?
}

/// The next piece of data; trailers stay behind.
async fn frame(incoming: &mut Incoming) -> Result<Option<Bytes>, Failure> {
    loop {
        let frame = poll_fn(|cx| Pin::new(&mut *incoming).poll_frame(cx)).await;
        match frame {
            None => return Ok(None),
            Some(Err(error)) => return Err(Failure::Broken(error.to_string())),
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    return Ok(Some(data));
                }
            }
        }
    }
}
