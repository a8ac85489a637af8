//! What was probably meant by a name that is not there.

use std::cmp::min;

/// The name that is nearest to what was typed, if it is near enough to be a slip of the pen. A `*`
/// in what was typed stands for any characters.
pub(crate) fn nearest<'a>(
    typed: &str,
    names: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let literal = typed.chars().filter(|c| *c != '*').count();
    let near = (literal / 3).max(1);
    names
        .into_iter()
        .map(|name| (distance(typed, name), name))
        .filter(|(distance, _)| *distance <= near)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// Whether a rule with this name or pattern is about this name.
pub(crate) fn matches(rule: &str, name: &str) -> bool {
    distance(rule, name) == 0
}

/// How many characters must be added, taken away, replaced or swapped with their neighbour to make
/// the pattern match the name (optimal string alignment).
fn distance(pattern: &str, name: &str) -> usize {
    let (pattern, name): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), name.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=name.len()).collect()];
    for (i, typed) in pattern.iter().enumerate() {
        let free = *typed == '*';
        let above = &rows[i];
        let mut row = vec![above[0] + usize::from(!free)];
        for (j, meant) in name.iter().enumerate() {
            let best = match free {
                true => min(above[j + 1], row[j]),
                false => {
                    let replaced = above[j] + usize::from(typed != meant);
                    min(replaced, min(above[j + 1], row[j]) + 1)
                }
            };
            let swapped = i > 0 && j > 0 && pattern[i - 1] == *meant && name[j - 1] == *typed;
            row.push(match swapped {
                true => min(best, rows[i - 1][j - 1] + 1),
                false => best,
            });
        }
        rows.push(row);
    }
    rows[pattern.len()][name.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_is_recognised_and_another_word_is_not() {
        let names = ["whoami", "echo", "notes_add", "notes_list"];
        for (typed, expected) in [
            ("notes_ad", Some("notes_add")),
            ("ehco", Some("echo")),
            ("Echo", Some("echo")),
            ("note_*", Some("notes_add")),
            ("who_am_i", Some("whoami")),
            ("notes-list", Some("notes_list")),
            ("delete", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(nearest(typed, names), expected, "{typed}");
        }
    }

    #[test]
    fn a_pattern_matches_what_its_stars_can_be_stretched_to() {
        for (rule, name, expected) in [
            ("echo", "echo", true),
            ("echo", "echos", false),
            ("*", "", true),
            ("*", "a/b", true),
            ("notes_*", "notes_", true),
            ("notes_*", "note", false),
            ("a*c*", "abcd", true),
            ("a*c", "abcd", false),
        ] {
            assert_eq!(matches(rule, name), expected, "{rule} {name}");
        }
    }
}
