//! The line to the client, and what is asked over it.

use std::{
    collections::HashMap,
    io::{Write, stdout},
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
};

use serde_json::{Value, json};

#[derive(Default)]
pub(crate) struct Line {
    next: AtomicU64,
    asked: Mutex<HashMap<String, mpsc::Sender<Value>>>,
}

impl Line {
    pub(crate) fn send(&self, message: &Value) {
        self.write(&message.to_string());
    }

    /// Writes a line, whatever it is. Nobody may be there to read it.
    pub(crate) fn write(&self, line: &str) {
        let mut stdout = stdout().lock();
        let written = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
        drop(written);
    }

    pub(crate) fn notify(&self, method: &str, params: Value) {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }));
    }

    /// Asks the client; the answer comes over the channel.
    pub(crate) fn ask(&self, method: &str, params: &Value) -> (String, mpsc::Receiver<Value>) {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let id = format!("fixture-{number}");
        let (sender, answer) = mpsc::channel();
        self.asked.lock().unwrap().insert(id.clone(), sender);
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        (id, answer)
    }

    pub(crate) fn answered(&self, message: &Value) {
        let id = message["id"].as_str().unwrap_or_default();
        if let Some(sender) = self.asked.lock().unwrap().remove(id) {
            let _ = sender.send(message.clone());
        }
    }
}
