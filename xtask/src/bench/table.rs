//! Markdown tables.

/// A table; all columns but the first are numbers.
pub(super) fn markdown(head: &[&str], rows: &[Vec<String>]) -> String {
    let mut text = line(head.iter().map(ToString::to_string));
    text.push_str(&line(head.iter().enumerate().map(
        |(column, _)| match column {
            0 => "---".to_owned(),
            _ => "---:".to_owned(),
        },
    )));
    for row in rows {
        text.push_str(&line(row.iter().cloned()));
    }
    text
}

fn line(cells: impl Iterator<Item = String>) -> String {
    format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "))
}

/// A number with its thousands apart, as `188,000`.
pub(super) fn thousands(number: f64) -> String {
    let digits = format!("{:.0}", number.max(0.0));
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// So many of these: `1 tool`, `10,000 tools`.
pub(super) fn count(number: u64, what: &str) -> String {
    let several = if number == 1 { "" } else { "s" };
    format!("{} {what}{several}", thousands(number as f64))
}

#[cfg(test)]
mod tests {
    use super::{count, markdown, thousands};

    #[test]
    fn numbers_and_rows() {
        for (number, text) in [
            (0.0, "0"),
            (999.4, "999"),
            (1000.0, "1,000"),
            (188_000.0, "188,000"),
            (1e6, "1,000,000"),
        ] {
            assert_eq!(thousands(number), text);
        }
        assert_eq!(count(1, "tool"), "1 tool");
        assert_eq!(count(10_000, "tool"), "10,000 tools");
        let table = markdown(&["a", "b"], &[vec!["x".to_owned(), "1".to_owned()]]);
        assert_eq!(table, "| a | b |\n| --- | ---: |\n| x | 1 |\n");
    }
}
