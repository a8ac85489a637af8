//! `console` blocks: commands with what they print.

use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, ensure};

/// Ends the output of one command. Nothing prints it by chance.
const MARK: &str = "--8<-- end of a command --8<--";

/// The contents of the fenced blocks with this tag.
pub(crate) fn blocks<'a>(markdown: &'a str, tag: &'a str) -> impl Iterator<Item = &'a str> {
    markdown
        .split("\n```")
        .skip(1)
        .step_by(2)
        .filter_map(move |block| {
            let (found, content) = block.split_once('\n')?;
            (found == tag).then_some(content)
        })
}

struct Step<'a> {
    command: &'a str,
    expected: String,
}

/// Types all commands into one shell and compares; tells how many there were.
pub(crate) fn check(
    root: &Path,
    markdown: &str,
    environment: &[(&str, &str)],
) -> anyhow::Result<usize> {
    let steps: Vec<Step> = blocks(markdown, "console").flat_map(steps).collect();
    ensure!(!steps.is_empty(), "there are no console blocks");
    let script: String = steps
        .iter()
        .map(|step| format!("{}\necho '{MARK}'\n", step.command))
        .collect();
    let output = type_into_shell(root, &script, environment)?;
    let mark = format!("{MARK}\n");
    let mut printed = output.split(&mark);
    for Step { command, expected } in &steps {
        let actual = printed.next().context("the shell ended early")?;
        ensure!(
            fits(&without_line_ends(actual), &without_line_ends(expected)),
            "$ {command}\nshould print\n{expected}\nand printed\n{actual}"
        );
    }
    Ok(steps.len())
}

fn steps(block: &str) -> Vec<Step<'_>> {
    let mut steps: Vec<Step> = Vec::new();
    for line in block.lines() {
        if let Some(command) = line.strip_prefix("$ ") {
            steps.push(Step {
                command,
                expected: String::new(),
            });
        } else if let Some(step) = steps.last_mut() {
            step.expected.push_str(line);
            step.expected.push('\n');
        }
    }
    steps
}

fn type_into_shell(
    root: &Path,
    script: &str,
    environment: &[(&str, &str)],
) -> anyhow::Result<String> {
    let mut shell = Command::new("bash");
    shell.current_dir(root).env("COLUMNS", "100");
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("PROPUSK_")) {
        shell.env_remove(name);
    }
    shell.envs(environment.iter().copied());
    let mut shell = shell
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("running bash")?;
    let mut stdin = shell.stdin.take().context("no standard input")?;
    // Errors stand among the rest, as they do on a terminal.
    stdin.write_all(b"exec 2>&1\n")?;
    stdin.write_all(script.as_bytes())?;
    drop(stdin);
    Ok(String::from_utf8(shell.wait_with_output()?.stdout)?)
}

/// Blanks before a line break are invisible; documents do not keep them.
fn without_line_ends(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    lines.join("\n").trim_end().to_owned()
}

/// Whether a text is what was expected, where `…` stands for anything.
fn fits(actual: &str, expected: &str) -> bool {
    let mut parts = expected.split('…');
    let Some(mut rest) = parts.next().and_then(|first| actual.strip_prefix(first)) else {
        return false;
    };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ellipsis_stands_for_anything() {
        for (actual, expected, fit) in [
            ("a", "a", true),
            ("ab", "a", false),
            ("a 1 b 2 c", "a … b … c", true),
            ("a 1 b 2 d", "a … b … c", false),
            ("anything", "…", true),
            ("ab", "a…", true),
            ("b", "a…", false),
        ] {
            assert_eq!(fits(actual, expected), fit, "{actual:?} {expected:?}");
        }
    }

    #[test]
    fn blocks_and_steps() {
        let markdown = "x\n```console\n$ a\n1\n2\n$ b\n```\ny\n```sh\nc\n```\n";
        let found: Vec<&str> = blocks(markdown, "console").collect();
        assert_eq!(found, ["$ a\n1\n2\n$ b"]);
        let steps = steps(found[0]);
        assert_eq!(
            (steps[0].command, steps[0].expected.as_str()),
            ("a", "1\n2\n")
        );
        assert_eq!((steps[1].command, steps[1].expected.as_str()), ("b", ""));
        assert_eq!(blocks(markdown, "sh").collect::<Vec<_>>(), ["c"]);
    }
}
