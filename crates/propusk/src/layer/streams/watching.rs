//! The task that looks at the tokens of open streams, and asks the verifier about them again.

use std::{
    sync::{Arc, Weak},
    time::{Duration, Instant},
};

use super::{
    super::gate::{Gate, Gates},
    Key, State, Streams,
};
use crate::{AccessToken, decide::still_holds};

/// Watches the streams of this gate from now on.
pub(super) fn begin(gate: &Arc<Gate>) {
    let watching = Watching::new(gate.streams());
    tokio::spawn(watch(Weak::clone(gate.home()), watching));
}

/// The watching task runs. However it ends, the next stream starts another one.
struct Watching {
    streams: Arc<Streams>,
    finished: bool,
}

impl Watching {
    fn new(streams: &Arc<Streams>) -> Self {
        Self {
            streams: Arc::clone(streams),
            finished: false,
        }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        if self.finished {
            return;
        }
        // Nobody watches any more, and what nobody watches must not go on.
        let mut state = self.streams.lock();
        state.next_look = None;
        state
            .tokens
            .values()
            .for_each(|watched| watched.end.cancel());
    }
}

async fn watch(gates: Weak<Gates>, mut watching: Watching) {
    loop {
        let current = || Some(gates.upgrade()?.current());
        let Some(pause) = current().and_then(|gate| look(&gate)) else {
            // With the layer gone the streams end; with no stream left there is nothing to do.
            watching.finished = gates.strong_count() > 0;
            return;
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = watching.streams.sooner.notified() => {}
        }
    }
}

/// Ends what has expired, asks about what was not asked for long, and tells when to look again;
/// `None` where no stream is open.
fn look(gate: &Arc<Gate>) -> Option<Duration> {
    let (pause, questions) = look_at(gate, &mut gate.streams().lock())?;
    for question in questions {
        tokio::spawn(ask(question));
    }
    Some(pause)
}

fn look_at(gate: &Arc<Gate>, state: &mut State) -> Option<(Duration, Vec<Question>)> {
    let every = gate.settings().recheck_interval();
    let (mut pause, mut questions) = (every, Vec::new());
    let living = state
        .tokens
        .iter_mut()
        .filter(|(_, w)| !w.end.is_cancelled());
    for (key, watched) in living {
        let left = gate.time_left(&watched.token);
        if left.is_some_and(|left| left.is_zero()) {
            watched.end_for("expired");
            continue;
        }
        pause = pause.min(left.unwrap_or(every));
        let due = watched
            .asked
            .map(|asked| every.saturating_sub(asked.elapsed()));
        let due = due.unwrap_or_default();
        if watched.asking {
            continue;
        }
        if due.is_zero() {
            watched.asking = true;
            questions.push(Question::new(gate, *key, &watched.token));
        } else {
            pause = pause.min(due);
        }
    }
    if state.tokens.is_empty() {
        // Under the same lock, so that a stream which opens now starts the next task.
        state.next_look = None;
        return None;
    }
    // A timer counts whole milliseconds.
    let pause = pause.max(Duration::from_millis(1));
    state.next_look = Some(Instant::now() + pause);
    Some((pause, questions))
}

/// A question to the verifier on its way.
struct Question {
    gate: Arc<Gate>,
    key: Key,
    token: AccessToken,
}

impl Question {
    fn new(gate: &Arc<Gate>, key: Key, token: &AccessToken) -> Self {
        Self {
            gate: Arc::clone(gate),
            key,
            token: token.clone(),
        }
    }

    /// Takes note of the answer.
    fn answered(&self, again: Option<AccessToken>) {
        let mut state = self.gate.streams().lock();
        let Some(watched) = state.tokens.get_mut(&self.key) else {
            return;
        };
        if !self.gate.is_current() {
            // It is asked about again, by what is current.
            return;
        }
        let settings = self.gate.settings();
        match again.filter(|again| still_holds(settings, &watched.token, again)) {
            // Its expiry may have changed.
            Some(again) => {
                watched.token = again.with_text_of(&watched.token);
                watched.end_what_is_refused(settings);
            }
            None => watched.end_for("no longer accepted"),
        }
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        let mut state = self.gate.streams().lock();
        if let Some(watched) = state.tokens.get_mut(&self.key)
            && self.gate.is_current()
        {
            watched.asking = false;
            watched.asked = Some(Instant::now());
        }
    }
}

async fn ask(question: Question) {
    let gate = &question.gate;
    let Ok(_turn) = gate.streams().questions.acquire().await else {
        return;
    };
    match gate.verify_again(&question.token).await {
        Ok(again) => question.answered(again),
        // An outage ends nothing; the expiry still does.
        Err(unavailable) => {
            tracing::debug!(cause = %unavailable.cause(), "the token of a stream cannot be verified now");
        }
    }
}
