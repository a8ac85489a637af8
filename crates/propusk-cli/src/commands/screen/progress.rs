//! The progress of a tool, on one line of a terminal.

use std::{
    io::{self, IsTerminal, Write},
    sync::{Mutex, MutexGuard, PoisonError},
};

use rmcp::model::ProgressNotificationParam;

use crate::output::visible;

/// How many characters wide the bar itself is, and the longest text behind it.
const WIDTH: usize = 24;
const LONGEST: usize = 40;

/// Back to the begin of the line, which is emptied.
const EMPTY_LINE: &str = "\r\u{1b}[2K";

/// A line that shows how far a tool is. Where there is no terminal nothing is shown.
pub(super) struct Bar {
    terminal: bool,
    state: Mutex<State>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Hidden,
    Shown,
    /// Hidden for good.
    Over,
}

impl Bar {
    pub(super) fn new() -> Self {
        Self {
            terminal: io::stderr().is_terminal(),
            state: Mutex::new(State::Hidden),
        }
    }

    /// Shows how far it is.
    pub(super) fn show(&self, progress: &ProgressNotificationParam) {
        let mut state = self.state();
        if self.terminal && *state != State::Over {
            let text = line(
                progress.progress,
                progress.total,
                progress.message.as_deref(),
            );
            write(&format!("{EMPTY_LINE}{text}"));
            *state = State::Shown;
        }
    }

    /// Leaves the line empty for others.
    pub(super) fn clear(&self) {
        self.leave(State::Hidden);
    }

    /// The same, for good: what comes late is not shown.
    pub(super) fn close(&self) {
        self.leave(State::Over);
    }

    fn leave(&self, next: State) {
        let mut state = self.state();
        match *state {
            State::Shown => write(EMPTY_LINE),
            State::Hidden => {}
            State::Over => return,
        }
        *state = next;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.close();
    }
}

fn write(text: &str) {
    let mut stderr = io::stderr().lock();
    // Somebody may have closed the window.
    let _ = stderr
        .write_all(text.as_bytes())
        .and_then(|()| stderr.flush());
}

/// A bar where it is known how much there is to do, else how much is done. A server says what it
/// likes: numbers that make no sense, and any text.
fn line(done: f64, total: Option<f64>, message: Option<&str>) -> String {
    let message: String = visible(message.unwrap_or_default())
        .chars()
        .take(LONGEST)
        .collect();
    let part = total
        .filter(|total| total.is_finite() && *total > 0.0)
        .map(|total| (done / total).clamp(0.0, 1.0))
        .filter(|part| !part.is_nan());
    let text = match part {
        Some(part) => {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let full = (part * WIDTH as f64) as usize;
            let bar = "#".repeat(full) + &"-".repeat(WIDTH - full);
            format!("[{bar}] {:3.0} % {message}", part * 100.0)
        }
        None => format!("… {done} {message}"),
    };
    text.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_says_how_far_it_is() {
        let empty = "[------------------------]   0 %";
        let full = "[########################] 100 %";
        for (done, total, message, expected) in [
            (0.0, Some(10.0), None, empty),
            (
                5.0,
                Some(10.0),
                Some("half"),
                "[############------------]  50 % half",
            ),
            (10.0, Some(10.0), None, full),
            (99.0, Some(10.0), None, full),
            (-1.0, Some(10.0), None, empty),
            (3.0, None, Some("files"), "… 3 files"),
            (3.0, Some(0.0), None, "… 3"),
            (f64::NAN, Some(1.0), None, "… NaN"),
            (3.0, Some(f64::INFINITY), None, "… 3"),
            // It cannot steer the terminal, nor leave its line.
            (
                1.0,
                Some(1.0),
                Some("\u{1b}[2J\n"),
                &format!("{full} \\u{{1b}}[2J\\n"),
            ),
        ] {
            assert_eq!(line(done, total, message), expected);
        }
        assert!(line(1.0, None, Some(&"x".repeat(1000))).chars().count() < 80);
    }
}
