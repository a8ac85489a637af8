//! The log, and tables.

use std::{
    io::{self, IsTerminal, Write},
    time::SystemTime,
};

use tracing::Level;
use tracing_subscriber::{
    Layer,
    filter::{LevelFilter, Targets},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

use crate::{
    failure::{Code, Failure},
    waiting::Waiting,
};

/// rmcp tells of every request at INFO, which costs a tenth of the throughput, and at WARN of what
/// it answers with an error: as often as anybody likes. What it cannot do itself is an ERROR; those of
/// `rmcp::service` say of clients that they have hung up.
const SERVER_LOG: &str = "info,rmcp=error,rmcp::service=off";
const CLIENT_LOG: &str = "error,rmcp=off";

/// Sends the log to stderr, in colour only on a terminal.
pub(crate) fn init_log(filter: Option<&str>, server: bool) -> Result<(), Failure> {
    let default = if server { SERVER_LOG } else { CLIENT_LOG };
    let filter = log_filter(filter.unwrap_or(default))?;
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let colour = std::io::stderr().is_terminal() && !plain;
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(colour)
        .with_target(false);
    let registry = tracing_subscriber::registry();
    if server {
        registry.with(lines).with(filter).init();
    } else {
        let filter = without_codes(filter);
        let waiting = Waiting.with_filter(Waiting::filter(&filter));
        registry
            .with(lines.with_filter(filter))
            .with(waiting)
            .init();
    }
    Ok(())
}

/// rmcp logs authorization codes at the level `debug`, which are secrets while they are fresh.
fn without_codes(filter: Targets) -> Targets {
    const TALKATIVE: &str = "rmcp::transport::auth";
    match filter.would_enable(TALKATIVE, &Level::DEBUG) {
        true => filter.with_target(TALKATIVE, LevelFilter::INFO),
        false => filter,
    }
}

/// Parses `level` and `target=level` directives. A lone word that is no level would be taken for
/// the name of a target and silence everything else.
fn log_filter(text: &str) -> Result<Targets, Failure> {
    let wrong = |why: String| {
        Failure::usage(format!("--log: {why}")).hint("for example: --log info,rmcp=error")
    };
    for word in text.split(',').filter(|word| !word.contains('=')) {
        if word.parse::<LevelFilter>().is_err() {
            return Err(wrong(format!(
                "{word:?} is none of off, error, warn, info, debug, trace"
            )));
        }
    }
    text.parse().map_err(|error| wrong(format!("{error}")))
}

/// Writes an answer to stdout. A reader that has gone (`| head -1`) has seen enough.
pub(crate) fn answer(text: &str) -> Result<(), Failure> {
    let mut stdout = anstream::stdout().lock();
    match writeln!(stdout, "{}", text.trim_end_matches('\n')).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::unavailable(
            format!("cannot write to stdout: {error}"),
        )),
        _ => Ok(()),
    }
}

/// Writes a note for a human to stderr, where somebody may read it or not.
pub(crate) fn note(text: &str) {
    let _ = writeln!(anstream::stderr(), "{text}");
}

/// A time, to the second, as RFC 3339 writes it.
pub(crate) fn date(time: SystemTime) -> String {
    humantime::format_rfc3339_seconds(time).to_string()
}

/// Pretty JSON that can be looked at: texts in it may come from anybody.
pub(crate) fn json(value: &impl serde::Serialize) -> Result<String, Failure> {
    let pretty = serde_json::to_string_pretty(value).map_err(|error| {
        Failure::new(
            Code::Error,
            format!("the answer cannot be printed: {error}"),
        )
    })?;
    Ok(visible_json(&pretty))
}

/// Lays rows out in columns, two blanks apart.
pub(crate) fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let cells = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:<width$}"));
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// What came from elsewhere, as text of several lines: what would steer the terminal or deceive the
/// eye is replaced. Joiners and variants stay where scripts and emoji need them, and so do blanks.
pub(crate) fn printable(text: &str) -> String {
    let mut before = ' ';
    let clean = text.chars().map(|c| {
        let stays = match c {
            '\n' | '\t' => true,
            '\u{200c}' | '\u{200d}' | '\u{fe0e}' | '\u{fe0f}' => {
                !before.is_ascii() && !deceives(before)
            }
            '\u{2028}' | '\u{2029}' => false,
            c => !deceives(c) || (c.is_whitespace() && !c.is_control()),
        };
        // A joiner after a variant is part of the same emoji.
        if !(stays && matches!(c, '\u{fe0e}' | '\u{fe0f}')) {
            before = c;
        }
        if stays { c } else { '\u{fffd}' }
    });
    clean.collect()
}

/// What came from elsewhere, on one line: what would steer the terminal or deceive the eye (control
/// characters, directions of writing, marks without width) is shown by its number.
pub(crate) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' => shown.extend(c.escape_default()),
            c if deceives(c) => shown.extend(c.escape_unicode()),
            c => shown.push(c),
        }
    }
    shown
}

/// JSON in which the same characters are escaped, so that it can be looked at too and still says the
/// same. Outside of texts JSON has none of them but ends of lines.
pub(crate) fn visible_json(json: &str) -> String {
    let mut shown = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            c if c != '\n' && deceives(c) => {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    shown.push_str(&format!("\\u{unit:04x}"));
                }
            }
            c => shown.push(c),
        }
    }
    shown
}

/// Characters that are not seen, or that change how others are seen: Unicode's `Default_Ignorable`
/// and `Bidi_Control`, and blanks that look like the one of the space bar.
fn deceives(c: char) -> bool {
    c.is_control()
        || (c.is_whitespace() && c != ' ')
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_lines_have_no_tail() {
        let row = |cells: &[&str]| cells.iter().map(ToString::to_string).collect();
        let text = table(&[
            row(&["ID", "NAME"]),
            row(&["long-id", ""]),
            row(&["ж", "имя"]),
        ]);
        assert_eq!(text, "ID       NAME\nlong-id\nж        имя\n");
        assert_eq!(table(&[]), "");
    }

    #[test]
    fn an_answer_cannot_steer_the_terminal() {
        for (text, shown) in [
            ("a\u{1b}[2Jb\tc\n", "a\u{fffd}[2Jb\tc\n"),
            ("\u{9b}2J\r\u{85}", "\u{fffd}2J\u{fffd}\u{fffd}"),
            ("a\u{202e}b\u{200b}c\u{2028}", "a\u{fffd}b\u{fffd}c\u{fffd}"),
            ("a\u{200d}b\u{fe0f}", "a\u{fffd}b\u{fffd}"),
            (
                "می\u{200c}خواهم ❤\u{fe0f}\u{200d}🔥 1\u{a0}kg",
                "می\u{200c}خواهم ❤\u{fe0f}\u{200d}🔥 1\u{a0}kg",
            ),
        ] {
            assert_eq!(printable(text), shown, "{text:?}");
        }
    }

    #[test]
    fn what_is_not_seen_is_shown_and_what_is_seen_stays() {
        for (text, shown) in [
            ("Пропуск é 旅 👍 a\\b", "Пропуск é 旅 👍 a\\b"),
            ("a\nb\tc\r", "a\\nb\\tc\\r"),
            ("\u{1b}[2J\u{7f}\u{9b}", "\\u{1b}[2J\\u{7f}\\u{9b}"),
            (
                "a\u{202e}b\u{2066}c\u{61c}",
                "a\\u{202e}b\\u{2066}c\\u{61c}",
            ),
            ("a\u{200b}\u{feff}\u{ad}", "a\\u{200b}\\u{feff}\\u{ad}"),
            ("a\u{a0}b\u{2028}", "a\\u{a0}b\\u{2028}"),
            ("\u{e0041}\u{fe0f}", "\\u{e0041}\\u{fe0f}"),
        ] {
            assert_eq!(visible(text), shown);
            let json = serde_json::to_string(text).expect("JSON");
            let safe = visible_json(&json);
            assert!(!safe.chars().any(deceives), "{safe}");
            let read: String = serde_json::from_str(&safe).expect("JSON still");
            assert_eq!(read, text);
        }
    }
}
