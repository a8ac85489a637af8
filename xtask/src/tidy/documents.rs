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
    use super::links;

    #[test]
    fn relative_links_only() {
        let markdown = "[a](b.md#c) [d](https://e) [f](#g) <img src=\"h.svg\"> `x[1](2 3)`";
        assert_eq!(links(markdown).collect::<Vec<_>>(), ["b.md", "h.svg"]);
    }
}
