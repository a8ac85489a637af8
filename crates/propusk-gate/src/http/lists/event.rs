//! A list that comes as an event of a stream.

use std::fmt::Write;

use super::{
    super::events::{data, lines},
    Unreadable, View, edited,
};

/// An event as a caller with this view gets it; `None`: as it is.
pub(in crate::http) fn edited_event(
    event: &[u8],
    view: &View,
) -> Result<Option<String>, Unreadable> {
    let event = str::from_utf8(event).map_err(|_| Unreadable)?;
    let message = message_of(event);
    // An event without a message primes a client, or keeps its connection open.
    if !message.trim_start().starts_with(['{', '[']) {
        return Ok(None);
    }
    let Some(message) = edited(&message, view)? else {
        return Ok(None);
    };
    let mut changed = String::with_capacity(message.len() + 64);
    for line in lines(event).filter(|line| !line.is_empty() && data(line).is_none()) {
        let _ = writeln!(changed, "{line}");
    }
    // Of what is not told its id is left, for whoever asks for the rest.
    for line in message.split('\n').filter(|_| !message.is_empty()) {
        let _ = writeln!(changed, "data: {line}");
    }
    changed.push('\n');
    Ok(Some(changed))
}

/// The data of an event.
pub(in crate::http) fn message_of(event: &str) -> String {
    let mut message = String::new();
    for line in lines(event).filter_map(data) {
        if !message.is_empty() {
            message.push('\n');
        }
        message.push_str(line);
    }
    message
}
