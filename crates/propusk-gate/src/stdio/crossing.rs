//! A request of a client at the gate, on its way through a child and back.

use std::{sync::Arc, time::Duration};

use rmcp::{
    RoleServer,
    model::{ErrorData, InputResponses},
    service::RequestContext,
};
use serde_json::{Value, json};

use super::{
    Inner,
    asker::{Asker, Questions, owner},
    era::Era,
    errors,
    front::{self, Front},
    link::{Event, Flight, Link, Question},
    outgoing::params_for,
    parked::Waiting,
    rounds::{ask_each, is_input, needs_input, without_meta},
    slot::Slot,
    wire::Object,
    within::{Within, within},
};

type Context = RequestContext<RoleServer>;

/// How often a server of 2026-07-28 may ask a client of 2025-11-25 within one call.
const ROUNDS: usize = 10;

/// To how many children one after another a request is sent that the ones before did not get.
const CHILDREN: usize = 3;

/// Under which name a question stands in an answer that says that input is required.
const QUESTION: &str = "question";

/// A request, as it is sent to a child.
pub(super) struct Asked {
    pub(super) method: Name,
    pub(super) params: Object,
    /// Whether it may be answered with a need for input (2026-07-28: `tools/call`, `prompts/get`,
    /// `resources/read`), and what the client says to an earlier one.
    pub(super) round: Option<Round>,
}

/// A method: one of the protocol, or another.
pub(super) enum Name {
    Known(&'static str),
    Other(String),
}

impl Name {
    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Known(name) => name,
            Self::Other(name) => name,
        }
    }
}

/// What a client sends when it asks again.
#[derive(Default)]
pub(super) struct Round {
    pub(super) state: Option<String>,
    pub(super) responses: Option<InputResponses>,
}

/// How far a request has come.
enum Outcome {
    Answer(Result<Value, ErrorData>),
    Asks(Question),
}

impl Inner {
    /// Sends a request on, and waits for its answer, as long as the client does and the rules allow.
    pub(super) fn cross<'a>(&'a self, asked: Asked, context: &'a Context) -> Within<'a, Value> {
        within(context, async move {
            let is_known = matches!(asked.method, Name::Known(_));
            let slot = self.slot(context).await?;
            let answer = self.cross_in(&slot, asked, context).await?;
            Ok(finished(answer, is_known))
        })
    }

    async fn cross_in(
        &self,
        slot: &Arc<Slot>,
        asked: Asked,
        context: &Context,
    ) -> Result<Value, ErrorData> {
        let asker = Asker::of(context, asked.round.is_some(), self.number());
        let front = Front::new(context, asker, Arc::clone(&slot.hub));
        let waiting = asked.round.as_ref().and_then(|round| {
            let state = round.state.as_deref()?;
            self.parked
                .take(state, &owner(&context.extensions), asked.method.as_str())
        });
        if let Some(waiting) = waiting {
            let responses = asked.round.and_then(|round| round.responses);
            return self.resume(waiting, responses, &front, context).await;
        }
        let mut asked = asked;
        for _ in 0..ROUNDS {
            let (link, flight) = begin(slot, &asked, &front, context).await?;
            let answer = self
                .finish(&link, flight, &asked.method, &front, context)
                .await?;
            if !needs_input(&answer) || front.asker.era == Era::Requests {
                return Ok(answer);
            }
            // A server of 2026-07-28 asks a client of 2025-11-25: over its session, and then again.
            ask_each(&mut asked, answer, &front).await?;
        }
        let says = "The server behind this gate has asked too often within one request.";
        Err(ErrorData::internal_error(says, None))
    }

    /// Goes on with a call that waited for its client.
    async fn resume(
        &self,
        waiting: Waiting,
        responses: Option<InputResponses>,
        front: &Front,
        context: &Context,
    ) -> Result<Value, ErrorData> {
        let Waiting {
            link,
            flight,
            question,
            method,
            ..
        } = waiting;
        let method = Name::Known(method);
        let answer = responses.and_then(|mut responses| responses.remove(QUESTION));
        let Some(answer) = answer else {
            // It is asked once more.
            return self.park(link, flight, question, &method, context);
        };
        question.answer(Ok(answer));
        self.finish(&link, flight, &method, front, context).await
    }

    /// Follows a request to its answer, or to a question that only an answer can bring.
    async fn finish(
        &self,
        link: &Arc<Link>,
        mut flight: Flight,
        method: &Name,
        front: &Front,
        context: &Context,
    ) -> Result<Value, ErrorData> {
        loop {
            let question = match follow(&mut flight, front).await {
                Outcome::Answer(answer) => return answer,
                Outcome::Asks(question) => question,
            };
            match front::check(&question.asks, &front.asker.can) {
                Ok(()) => return self.park(Arc::clone(link), flight, question, method, context),
                Err(error) => question.answer(Err(error)),
            }
        }
    }

    fn park(
        &self,
        link: Arc<Link>,
        flight: Flight,
        question: Question,
        method: &Name,
        context: &Context,
    ) -> Result<Value, ErrorData> {
        let Name::Known(method) = *method else {
            return Err(errors::not_understood(method.as_str()));
        };
        let asks = question.asks.clone();
        let waiting = Waiting {
            link,
            flight,
            question,
            owner: owner(&context.extensions),
            method,
        };
        let kept = self.parked.keep(waiting, self.settings().answer);
        let state = kept.map_err(|_| {
            let says = "Too many requests wait for an answer of their clients.";
            ErrorData::internal_error(says, None)
        })?;
        let mut requests = Object::new();
        requests.insert(QUESTION.into(), without_meta(asks).into_value());
        Ok(json!({
            "resultType": "input_required",
            "inputRequests": requests,
            "requestState": state,
        }))
    }
}

/// Sends the request to the child; to another one if that has just ended and did not get it.
async fn begin(
    slot: &Arc<Slot>,
    asked: &Asked,
    front: &Front,
    context: &Context,
) -> Result<(Arc<Link>, Flight), ErrorData> {
    for _ in 0..CHILDREN {
        let link = slot.link().await?;
        set_level(&link, front).await;
        let Ok(mut flight) = link.begin(Some(front.asker.clone())) else {
            continue;
        };
        let params = params_for(&link, &flight, asked, front, context);
        let sent = flight.send(asked.method.as_str(), Some(params)).await;
        if sent.is_ok() {
            return Ok((link, flight));
        }
    }
    let why = "it ends again and again before it has taken this request";
    Err(errors::unavailable(why, Duration::from_secs(5)))
}

/// A child that is told a level once is told the lowest that any request names.
async fn set_level(link: &Arc<Link>, front: &Front) {
    let server = link.server().filter(|server| server.speaks(Era::Sessions));
    let said = server.and_then(|server| server.said(Era::Sessions));
    let logs = said.is_some_and(|said| said.capabilities.logging.is_some());
    let is_told_once =
        server.is_some_and(|server| server.era_for(front.asker.era) == Era::Sessions);
    if let Some(level) = front.asker.level.filter(|_| logs && is_told_once)
        && link.hub.asks_level(level)
    {
        link.settle().await;
    }
}

async fn follow(flight: &mut Flight, front: &Front) -> Outcome {
    loop {
        match flight.next().await {
            Event::Notification(told) => front.tell(told).await,
            Event::Answer(answer) => return Outcome::Answer(answer),
            Event::Question(question) => match front.asker.questions {
                Questions::Asked => front.ask(question).await,
                Questions::Answered if is_input(&question.asks) => return Outcome::Asks(question),
                Questions::Answered | Questions::Refused => {
                    question.answer(Err(errors::nobody_to_ask(
                        "The client of this request cannot be asked.",
                    )));
                }
            },
        }
    }
}

/// An answer of the protocol says which kind it is. A client of 2025-11-25 does not get to see it:
/// rmcp takes it away again.
fn finished(mut answer: Value, is_known: bool) -> Value {
    if let Value::Object(result) = &mut answer
        && is_known
    {
        let kind = result.entry("resultType");
        kind.or_insert_with(|| "complete".into());
    }
    answer
}
