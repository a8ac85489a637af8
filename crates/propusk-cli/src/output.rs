//! The log, and tables.

use std::io::{self, IsTerminal, Write};

use tracing_subscriber::{
    filter::{LevelFilter, Targets},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

use crate::failure::{Code, Failure};

/// rmcp tells of every request at INFO, which costs a tenth of the throughput.
const SERVER_LOG: &str = "info,rmcp=warn";
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
    tracing_subscriber::registry()
        .with(lines)
        .with(filter)
        .init();
    Ok(())
}

/// Parses `level` and `target=level` directives. A lone word that is no level would be taken for
/// the name of a target and silence everything else.
fn log_filter(text: &str) -> Result<Targets, Failure> {
    let wrong = |why: String| {
        Failure::usage(format!("--log: {why}")).hint("for example: --log info,rmcp=warn")
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

/// Pretty JSON.
pub(crate) fn json(value: &impl serde::Serialize) -> Result<String, Failure> {
    serde_json::to_string_pretty(value).map_err(|error| {
        Failure::new(
            Code::Error,
            format!("the answer cannot be printed: {error}"),
        )
    })
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

/// What came from elsewhere, without control characters that would steer the terminal.
pub(crate) fn printable(text: &str) -> String {
    let steers = |c: &char| c.is_control() && !matches!(c, '\n' | '\t');
    text.chars()
        .map(|c| if steers(&c) { '\u{fffd}' } else { c })
        .collect()
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
        assert_eq!(printable("a\u{1b}[2Jb\tc\n"), "a\u{fffd}[2Jb\tc\n");
    }
}
