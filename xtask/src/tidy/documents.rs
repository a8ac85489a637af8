//! Documents whose links lead somewhere.

use std::{fs, path::Path};

use super::tracked;

/// What a visitor and an engineer look for.
const EXPECTED: &[&str] = &[
    "README.md",
    "README.ru.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "CHANGELOG.md",
    "LICENSE-MIT",
    "LICENSE-APACHE",
    ".ci/run",
];

pub(super) fn check(root: &Path, offences: &mut Vec<String>) -> anyhow::Result<()> {
    let missing = EXPECTED.iter().filter(|name| !root.join(name).exists());
    offences.extend(missing.map(|name| format!("{name} is missing")));
    let [english, russian] = ["README.md", "README.ru.md"].map(|name| {
        let text = fs::read_to_string(root.join(name)).unwrap_or_default();
        (outline(&text), typed(&text))
    });
    if english != russian {
        offences.push(
            "README.ru.md: its chapters or its commands are not those of README.md".to_owned(),
        );
    }
    for path in tracked(root, "*.md")? {
        let text = fs::read_to_string(root.join(&path))?;
        let folder = root.join(path.parent().unwrap_or(Path::new("")));
        let broken = links(&text).filter(|link| !folder.join(link).exists());
        offences.extend(
            broken.map(|link| format!("{}: the link to {link} leads nowhere", path.display())),
        );
    }
    Ok(())
}

/// The level of every heading. A `#` inside a block is a line of code.
fn outline(markdown: &str) -> Vec<usize> {
    let mut inside = false;
    let level = |line: &str| {
        inside ^= line.starts_with("```");
        let level = line.bytes().take_while(|byte| *byte == b'#').count();
        (!inside && line[level..].starts_with(' ') && level > 0).then_some(level)
    };
    markdown.lines().filter_map(level).collect()
}

/// What a reader types, and what is printed.
fn typed(markdown: &str) -> Vec<String> {
    let blocks = markdown.split("```console\n").skip(1);
    let text = |block: &str| block.split("```").next().unwrap_or_default().to_owned();
    blocks.map(text).collect()
}

/// The relative targets of `[text](target)` and `src="target"`, without their anchors.
fn links(markdown: &str) -> impl Iterator<Item = &str> {
    let inline = markdown
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'));
    let pictures = markdown
        .split("src=\"")
        .skip(1)
        .filter_map(|rest| rest.split_once('"'));
    inline
        .chain(pictures)
        .map(|(target, _)| target.split('#').next().unwrap_or_default())
        .filter(|target| !target.is_empty() && !target.contains("://") && !target.contains(' '))
}

#[cfg(test)]
mod tests {
    use super::{links, outline, typed};

    #[test]
    fn chapters_and_commands_of_a_translation_are_compared() {
        let markdown = "# a\n## b\n```console\n$ c\n```\n#d\n```sh\n# e\n```\n### f\n";
        assert_eq!(outline(markdown), [1, 2, 3]);
        assert_eq!(typed(markdown), ["$ c\n"]);
    }

    #[test]
    fn relative_links_only() {
        let markdown = "[a](b.md#c) [d](https://e) [f](#g) <img src=\"h.svg\"> `x[1](2 3)`";
        assert_eq!(links(markdown).collect::<Vec<_>>(), ["b.md", "h.svg"]);
    }
}
