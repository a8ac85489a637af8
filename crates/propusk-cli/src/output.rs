//! The log, and tables.

use std::io::IsTerminal;

use tracing_subscriber::{filter::Targets, layer::SubscriberExt, util::SubscriberInitExt};

use crate::failure::Failure;

/// rmcp tells of every request at INFO, which costs a tenth of the throughput.
const SERVER_LOG: &str = "info,rmcp=warn";
const CLIENT_LOG: &str = "error,rmcp=off";

/// Sends the log to stderr, in colour only on a terminal.
pub(crate) fn init_log(filter: Option<&str>, server: bool) -> Result<(), Failure> {
    let default = if server { SERVER_LOG } else { CLIENT_LOG };
    let filter: Targets = filter.unwrap_or(default).parse().map_err(|error| {
        Failure::usage(format!("--log: {error}")).hint("for example: --log info,rmcp=warn")
    })?;
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
