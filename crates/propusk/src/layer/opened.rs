//! What is kept of a request whose answer is a stream, so that it can be judged again.

use std::{net::IpAddr, time::SystemTime};

use super::{
    message, ruling,
    trail::{Read, Trail},
};
use crate::{
    AccessToken, Operation,
    rules::{Asked, RuleSet, Rules as _},
};

/// A request, as far as rules ask about it.
pub(super) struct Opened {
    operation: Operation,
    remote: Option<IpAddr>,
    message: Message,
}

enum Message {
    /// A request without one.
    None,
    /// Nothing depended on it when it came.
    Unread,
    /// Copied, so that no larger piece of memory is held for it.
    Kept(Box<[u8]>),
    TooLong,
}

impl Opened {
    pub(super) fn by(trail: &Trail) -> Self {
        let facts = trail.facts();
        let may_ask = facts.http_method.as_ref().is_none_or(ruling::may_ask);
        let message = match trail.read() {
            Read::Short(bytes) => Message::Kept(bytes[..].into()),
            Read::Long => Message::TooLong,
            Read::Not if may_ask => Message::Unread,
            Read::Not => Message::None,
        };
        Self {
            operation: facts.operation.clone(),
            remote: facts.remote.map(|address| address.ip()),
            message,
        }
    }

    pub(super) fn operation(&self) -> &Operation {
        &self.operation
    }

    /// Why it may not go on by these rules, if it may not.
    pub(super) fn ended_by(
        &self,
        rules: &RuleSet,
        caller: Option<&AccessToken>,
        now: SystemTime,
    ) -> Option<String> {
        let arguments = match &self.message {
            Message::Unread if !rules.is_empty() => {
                return Some("nobody had to read what it asked for".to_owned());
            }
            Message::TooLong if rules.reads_arguments() => {
                return Some("its arguments are too long to be remembered".to_owned());
            }
            Message::Kept(bytes) if rules.reads_arguments() => {
                match message::asked_with_arguments(bytes) {
                    Ok(asked) => asked.arguments,
                    Err(_) => return Some("its arguments can be read in two ways".to_owned()),
                }
            }
            _ => None,
        };
        rules.ends(&Asked {
            operation: &self.operation,
            arguments,
            caller,
            remote: self.remote,
            now,
        })
    }
}
