//! What a child sends, and where it goes.

use std::{sync::Arc, time::Instant};

use rmcp::model::ErrorData;
use serde_json::{Value, json};
use tokio::process::ChildStdout;

use super::{
    super::{
        asker::SessionKey,
        child::{Line, Lines, Rate, plain},
        era::{Era, SUBSCRIPTION_ID},
        errors,
        hub::Reach,
        level::Level,
        wire::{self, Message, Method},
    },
    Link, Question, Server,
    ends::answered_in,
    table::Way,
};

/// Bytes of a line that is no message, in the log.
const SHOWN: usize = 200;

impl Link {
    /// Reads until the child closes its output, or the line is closed.
    pub(super) async fn read(self: Arc<Self>, output: ChildStdout, limit: usize) {
        let mut lines = Lines::new(output, limit);
        let mut rate = Rate::new(Instant::now());
        loop {
            let line = tokio::select! {
                biased;
                () = self.closed.cancelled() => break,
                line = lines.next() => line,
            };
            match line {
                None => break,
                Some(Line::Whole(line)) if line.is_empty() => {}
                Some(Line::Whole(line)) => match Message::read(&line) {
                    Some(message) => self.take(message),
                    None => self.skip(&line, &mut rate),
                },
                Some(Line::TooLong { head, tail }) => self.skip_long(&head, &tail, limit),
            }
        }
        self.close();
    }

    fn skip(&self, line: &[u8], rate: &mut Rate) {
        let (passes, missed) = rate.pass(Instant::now());
        if passes {
            let (upstream, bytes) = (&self.name, line.len());
            tracing::warn!(target: "propusk::upstream", upstream, missed, bytes,
                "a line on standard output is no message of the protocol");
            // It may be an answer, and then it is somebody's.
            let line = plain(&line[..line.len().min(SHOWN)]);
            tracing::debug!(target: "propusk::upstream", upstream, "the line was: {line}");
        }
        // `NaN`, half a character, arrays of messages: a server that sends such a thing in answer has
        // done so, and whoever waits for it would wait for ever.
        self.fail_answered(line, line, &errors::unreadable());
    }

    fn skip_long(&self, head: &[u8], tail: &[u8], limit: usize) {
        let upstream = &self.name;
        tracing::warn!(target: "propusk::upstream", upstream, limit,
            "a message is longer than a line may be, and is left out");
        // Whoever waits for it would wait for ever.
        self.fail_answered(head, tail, &errors::too_long(limit));
    }

    fn fail_answered(&self, head: &[u8], tail: &[u8], error: &ErrorData) {
        let number = answered_in(head, tail);
        let events = number.and_then(|number| self.table().finish(number));
        if let Some(events) = events {
            events.finish(Err(error.clone()));
        }
    }

    fn take(self: &Arc<Self>, message: Message) {
        match message {
            Message::Answer { id, result } => {
                if let Some(events) = self.table().finish(id) {
                    events.finish(result);
                }
            }
            Message::Request { id, ask } if ask.name == "ping" => {
                self.tell_soon(wire::reply(&id, Ok(json!({}))));
            }
            Message::Request { id, ask } => self.route(id, ask),
            Message::Notification(told) => self.notified(told),
        }
    }

    /// Finds who is to be asked.
    fn route(self: &Arc<Self>, id: Value, asks: Method) {
        let way = self.table().way(self.hub.serves_one());
        // Whoever was found above has been counted before.
        let way = match way {
            _ if self.hub.is_shared() => Way::Refused(
                "Several clients have used this process, and for which of them this is is not known. \
                 A server that asks clients needs a process for each principal: \
                 `per = \"principal\"`.",
            ),
            way => way,
        };
        let question = Question::new(Arc::clone(self), id, asks);
        match way {
            Way::To(events) => events.ask(question),
            Way::None if self.hub.serves_one() => self.hub.ask_somebody(question),
            Way::None => question.answer(Err(errors::nobody_to_ask(
                "No request of a client is under way, so nobody can be asked.",
            ))),
            Way::Refused(why) => {
                let upstream = &self.name;
                let method = &question.asks.name;
                tracing::warn!(target: "propusk::upstream", upstream, method, why,
                    "a question of this upstream was refused");
                question.answer(Err(errors::nobody_to_ask(why)));
            }
        }
    }

    fn notified(self: &Arc<Self>, told: Method) {
        match told.name.as_str() {
            "notifications/progress" => {
                let token = told.param("progressToken");
                self.to_request(token.and_then(wire::number), told);
            }
            "notifications/subscriptions/acknowledged" => {
                let id = told
                    .param("_meta")
                    .and_then(|meta| meta.get(SUBSCRIPTION_ID));
                self.to_request(id.and_then(wire::number), told);
            }
            "notifications/cancelled" => self.taken_back(told.param("requestId")),
            "notifications/message" => self.logged(&told),
            "notifications/resources/updated" => self.hub.updated(&self.reach(&told), told),
            "notifications/tools/list_changed" => {
                let link = Arc::clone(self);
                tokio::spawn(async move { link.learn_tools().await });
                self.hub.list_changed(&self.reach(&told), told);
            }
            "notifications/prompts/list_changed" | "notifications/resources/list_changed" => {
                self.hub.list_changed(&self.reach(&told), told);
            }
            "notifications/elicitation/complete" => self.hub.elicited(told),
            // The id in it is the child's, and a client knows another one: it asks.
            name if name.starts_with("notifications/tasks") => {}
            _ => self.custom(told),
        }
    }

    fn to_request(&self, number: Option<u64>, told: Method) {
        let table = self.table();
        if let Some(events) = number.and_then(|number| table.events(number)) {
            events.notify(told);
        }
    }

    /// Whom news of a child reach. One that speaks both eras tells them twice: once in each.
    fn reach(&self, told: &Method) -> Reach {
        let both = self.server().is_some_and(Server::speaks_both);
        let meta = told.param("_meta");
        let is_subscribed = meta.is_some_and(|meta| meta.get(SUBSCRIPTION_ID).is_some());
        Reach {
            sessions: !(both && is_subscribed),
            listeners: !both || is_subscribed,
        }
    }

    /// The child takes back what it has asked, or ends a subscription.
    fn taken_back(&self, id: Option<&Value>) {
        let Some(id) = id else { return };
        let question = self.table().close_question(&id.to_string());
        if let Some(withdrawn) = question {
            withdrawn.cancel();
            return;
        }
        let is_modern = self
            .server()
            .is_some_and(|server| server.speaks(Era::Requests));
        if let Some(number) = wire::number(id).filter(|_| is_modern) {
            let events = self.table().finish(number);
            if let Some(events) = events {
                events.finish(Err(errors::cancelled()));
            }
        }
    }

    /// A line of the log goes to those whose requests are under way, since it is likely about them;
    /// to all sessions where there are none. All of this is one principal's: where there have been
    /// several, it goes to nobody but our own log.
    fn logged(&self, told: &Method) {
        let grave = Level::read(told.param("level")).unwrap_or(Level::Info);
        let mut causes = self.table().causes();
        if causes.is_empty() {
            self.hub.log_to_all(grave, told);
        }
        let table = self.table();
        // Whoever is in the table has been counted before.
        if self.hub.is_shared() {
            let line = told.param("data").map(Value::to_string).unwrap_or_default();
            let line = plain(&line.as_bytes()[..line.len().min(SHOWN)]);
            tracing::debug!(target: "propusk::upstream", upstream = self.name,
                "a line of the log of a shared process, for no client: {line}");
            return;
        }
        for (asker, events) in table.asked() {
            if !causes.contains(&asker.key) {
                continue;
            }
            match &asker.key {
                SessionKey::Session(id) => {
                    causes.remove(&asker.key);
                    if self.hub.admits(id, grave) {
                        events.notify(told.clone());
                    }
                }
                _ if asker.level.is_some_and(|from| grave >= from) => {
                    events.notify(told.clone());
                }
                _ => {}
            }
        }
        drop(table);
        for key in causes {
            // Its request was taken back; the session may be there.
            if let SessionKey::Session(id) = key {
                self.hub.log_to(&id, grave, told);
            }
        }
    }

    /// A notification that the protocol does not know belongs to the one whose request is under way.
    fn custom(&self, told: Method) {
        let causes = self.table().causes();
        let table = self.table();
        if causes.len() == 1 && !self.hub.is_shared() {
            if let Some((_, events)) = table.asked().next() {
                events.notify(told);
            }
        } else if self.hub.serves_one() {
            self.hub.tell_all(&told);
        } else {
            tracing::debug!(
                method = told.name,
                "nobody is known for whom this notification is"
            );
        }
    }
}
