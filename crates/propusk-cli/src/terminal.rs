//! A human at a terminal: questions to stderr, answers from standard input.

use std::{
    io::{self, BufRead, IsTerminal},
    sync::LazyLock,
    thread,
};

use tokio::sync::{
    Mutex,
    mpsc::{UnboundedReceiver, unbounded_channel},
};

use crate::output::note;

/// Lines that are typed. A thread of its own reads them, which nobody waits for at the end.
static LINES: LazyLock<Mutex<UnboundedReceiver<String>>> = LazyLock::new(|| {
    let (tell, lines) = unbounded_channel();
    thread::spawn(move || {
        for line in io::stdin().lock().lines().map_while(Result::ok) {
            if tell.send(line).is_err() {
                break;
            }
        }
    });
    Mutex::new(lines)
});

/// Whether there is somebody to ask.
pub(crate) fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// The next line that is typed; `None` at the end of the input.
pub(crate) async fn line() -> Option<String> {
    LINES.lock().await.recv().await
}

/// Asks a question that is answered with yes, which an empty line is too, or no.
pub(crate) async fn agrees(question: &str) -> bool {
    loop {
        note(&format!("{question} [Y/n]"));
        let Some(answer) = line().await else {
            return false;
        };
        match answer.trim().to_lowercase().as_str() {
            "" | "y" | "yes" => return true,
            "n" | "no" => return false,
            _ => note("answer y or n"),
        }
    }
}
