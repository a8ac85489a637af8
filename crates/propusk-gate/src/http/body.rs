//! The body of an answer on its way to the client: frame by frame, and only as fast as the client
//! takes it. Dropped, since the client has gone, it drops the exchange with the upstream.

use std::{
    collections::VecDeque,
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use propusk::{LogLimit, layer::Course};
use serde_json::Value;
use tokio::time::{Instant, Sleep, sleep, sleep_until};

use super::{
    events::{EventSplitter, EventTap, EventTooLong, MOST_TAPPED},
    failure::Failure,
    lists::{View, edited_event, message_of},
    owners::Learner,
};

/// The body of an answer of an [`HttpUpstream`](super::HttpUpstream).
pub struct UpstreamBody {
    /// What goes out next.
    ready: VecDeque<Bytes>,
    flow: Option<Box<Flow>>,
}

/// The answer broke off, and its client is to see that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the upstream broke off its answer")]
pub struct BrokenOff;

/// What still comes from the upstream.
struct Flow {
    incoming: Incoming,
    form: Form,
    patience: Option<Duration>,
    /// Until the next frame must be there; made when one is waited for.
    pause: Option<Pin<Box<Sleep>>>,
    deadline: Option<Pin<Box<Sleep>>>,
    failed: Option<Failed>,
    report: Report,
}

/// Whom to tell of a failure in the middle.
pub(super) struct Report {
    pub(super) name: Arc<str>,
    pub(super) log: Arc<LogLimit>,
    /// The request that waits for the answer.
    pub(super) id: Option<Value>,
    /// Takes note of what the answer gives to keep.
    pub(super) learner: Learner,
    /// Takes note that it failed, where somebody wants to know.
    pub(super) course: Option<Course>,
}

impl Report {
    fn tell(&self, failure: &Failure) {
        failure.log(&self.name, &self.log);
        if let Some(course) = &self.course {
            course.fail();
        }
    }
}

/// How long a body may take.
#[derive(Clone, Copy)]
pub(super) struct Times {
    pub(super) patience: Option<Duration>,
    pub(super) deadline: Option<Instant>,
}

/// How far an end that is none has come.
enum Failed {
    /// What is ready goes out first, and with it the head of the answer.
    Now,
    Flushed,
}

enum Form {
    /// It is passed on, and looked at when it is all there, unless it is too long for that.
    Plain(Option<Vec<u8>>),
    /// Events that are passed on.
    Events(EventTap),
    /// Events in which lists are cut down.
    Lists(EventSplitter, Box<View>),
}

impl UpstreamBody {
    /// It is all there.
    pub(super) fn whole(bytes: Bytes) -> Self {
        let ready = if bytes.is_empty() {
            VecDeque::new()
        } else {
            VecDeque::from([bytes])
        };
        Self { ready, flow: None }
    }

    /// The rest of a body behind its beginning.
    pub(super) fn rest(
        first: VecDeque<Bytes>,
        incoming: Incoming,
        times: Times,
        report: Report,
    ) -> Self {
        let mut seen = Some(Vec::new());
        first.iter().for_each(|bytes| see(&mut seen, bytes));
        Self::flowing(first, incoming, Form::Plain(seen), times, report)
    }

    /// Events, cut down where there is a view.
    pub(super) fn events(
        incoming: Incoming,
        lists: Option<(View, usize)>,
        times: Times,
        report: Report,
    ) -> Self {
        let form = match lists {
            Some((view, most)) => Form::Lists(EventSplitter::new(most), Box::new(view)),
            None => Form::Events(EventTap::default()),
        };
        Self::flowing(VecDeque::new(), incoming, form, times, report)
    }

    fn flowing(
        ready: VecDeque<Bytes>,
        incoming: Incoming,
        form: Form,
        times: Times,
        report: Report,
    ) -> Self {
        let deadline = times.deadline.map(|at| Box::pin(sleep_until(at)));
        let flow = Flow {
            incoming,
            form,
            patience: times.patience,
            pause: None,
            deadline,
            failed: None,
            report,
        };
        Self {
            ready,
            flow: Some(Box::new(flow)),
        }
    }
}

impl Body for UpstreamBody {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        let this = &mut *self;
        loop {
            if let Some(bytes) = this.ready.pop_front() {
                return Poll::Ready(Some(Ok(Frame::data(bytes))));
            }
            let Some(flow) = &mut this.flow else {
                return Poll::Ready(None);
            };
            match flow.failed {
                Some(Failed::Now) => {
                    flow.failed = Some(Failed::Flushed);
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Some(Failed::Flushed) => {
                    this.flow = None;
                    return Poll::Ready(Some(Err(BrokenOff)));
                }
                None => {}
            }
            let failure = match ready!(flow.poll_data(cx)) {
                Ok(Some(bytes)) => flow.take(bytes, &mut this.ready).err(),
                Ok(None) => {
                    flow.has_ended();
                    this.flow = None;
                    return Poll::Ready(None);
                }
                Err(failure) => Some(failure),
            };
            if let Some(failure) = failure {
                flow.report.tell(&failure);
                match flow.last_word(&failure) {
                    // Then the stream ends as one should.
                    Some(event) => {
                        this.ready.push_back(event);
                        this.flow = None;
                    }
                    None => flow.failed = Some(Failed::Now),
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.ready.is_empty() && self.flow.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        let ready: usize = self.ready.iter().map(Bytes::len).sum();
        let ready = ready as u64;
        match &self.flow {
            None => SizeHint::with_exact(ready),
            Some(flow) => match (&flow.form, flow.incoming.size_hint().exact()) {
                (Form::Plain(_), Some(rest)) => SizeHint::with_exact(ready + rest),
                _ => SizeHint::default(),
            },
        }
    }
}

impl Flow {
    /// The next piece of data, within the limits of time. Trailers stay behind.
    fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Failure>> {
        if let Some(deadline) = &mut self.deadline
            && deadline.as_mut().poll(cx).is_ready()
        {
            return Poll::Ready(Err(Failure::Late("the answer as a whole")));
        }
        loop {
            match Pin::new(&mut self.incoming).poll_frame(cx) {
                Poll::Ready(None) => return Poll::Ready(Ok(None)),
                Poll::Ready(Some(Err(error))) => {
                    return Poll::Ready(Err(Failure::Broken(error.to_string())));
                }
                Poll::Ready(Some(Ok(frame))) => {
                    self.pause = None;
                    if let Ok(data) = frame.into_data() {
                        return Poll::Ready(Ok(Some(data)));
                    }
                }
                Poll::Pending => {
                    let Some(patience) = self.patience else {
                        return Poll::Pending;
                    };
                    let pause = self.pause.get_or_insert_with(|| Box::pin(sleep(patience)));
                    ready!(pause.as_mut().poll(cx));
                    return Poll::Ready(Err(Failure::Late("a pause in the answer")));
                }
            }
        }
    }

    /// Makes ready what goes out of a piece of data.
    fn take(&mut self, bytes: Bytes, ready: &mut VecDeque<Bytes>) -> Result<(), Failure> {
        match &mut self.form {
            Form::Plain(seen) => {
                see(seen, &bytes);
                if self.incoming.is_end_stream() {
                    self.has_ended();
                }
                ready.push_back(bytes);
            }
            Form::Events(tap) => {
                let learner = &self.report.learner;
                tap.see(&bytes, |event| learn(event, learner));
                ready.push_back(bytes);
            }
            Form::Lists(splitter, view) => {
                splitter.add(&bytes);
                loop {
                    match (splitter.next(), view.restricts()) {
                        (Ok(None), _) => break,
                        (Ok(Some(event)), _) => {
                            learn(&event, &self.report.learner);
                            ready.push_back(shown(event, view)?);
                        }
                        (Err(EventTooLong), true) => {
                            return Err(Failure::Unusable("an event beside a list is too long"));
                        }
                        (Err(EventTooLong), false) => {
                            let (rest, scan) = splitter.give_up();
                            ready.push_back(rest);
                            self.form = Form::Events(scan.into());
                            break;
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// What a plain answer gives to keep is known before its last piece goes out.
    fn has_ended(&mut self) {
        if let Form::Plain(seen) = &mut self.form
            && let Some(seen) = seen.take()
            && let Ok(message) = str::from_utf8(&seen)
        {
            self.report.learner.learn(message);
        }
    }

    /// An error for the request that waits, if it may be sent: not into the middle of an event, and
    /// not where its client can ask for the rest.
    fn last_word(&self, failure: &Failure) -> Option<Bytes> {
        let (scan, whole) = match &self.form {
            Form::Plain(_) => return None,
            Form::Events(tap) => (tap.scan(), tap.scan().is_between_events()),
            // Only whole events have gone out.
            Form::Lists(splitter, _) => (splitter.scan(), true),
        };
        let lost = !scan.is_resumable() || matches!(failure, Failure::Unusable(_));
        let id = self.report.id.as_ref().filter(|_| whole && lost)?;
        Some(failure.event(id))
    }
}

/// Keeps what is seen of an answer; `None`: it is too long.
fn see(seen: &mut Option<Vec<u8>>, bytes: &[u8]) {
    match seen {
        Some(kept) if kept.len() + bytes.len() <= MOST_TAPPED => kept.extend_from_slice(bytes),
        _ => *seen = None,
    }
}

/// Before its client has it.
fn learn(event: &[u8], learner: &Learner) {
    learner.learn_id(event);
    if learner.may_learn_from(event)
        && let Ok(event) = str::from_utf8(event)
    {
        learner.learn(&message_of(event));
    }
}

/// An event as the caller with this view gets it.
fn shown(event: Bytes, view: &View) -> Result<Bytes, Failure> {
    match edited_event(&event, view) {
        Ok(Some(changed)) => Ok(changed.into()),
        Err(_) if view.restricts() => Err(Failure::Unusable(
            "an event that may be a list cannot be read",
        )),
        _ => Ok(event),
    }
}

impl fmt::Debug for UpstreamBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpstreamBody").finish_non_exhaustive()
    }
}
