//! The page of the browser: what is embedded is what the sources build, and it works in a real one.

use std::{
    collections::BTreeMap,
    env,
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, bail, ensure};

use crate::{browser, identity_provider, node, npm, process};

/// Where the sources are built. Nothing is written into `web/` itself.
const HOME: &str = ".work/web";

/// What is in the folder that npm looks after, and not a source.
const KEPT: [&str; 2] = ["node_modules", "installed-lock.json"];

/// Checks and builds the page, and compares it with what is embedded; with `refresh` it replaces that.
///
/// # Errors
///
/// Fails where npm, a check of the sources or the build fails, and where what is built is another page.
pub(crate) fn run(root: &Path, arguments: &[String]) -> anyhow::Result<()> {
    let refresh = match arguments {
        [] => false,
        [word] if word == "refresh" => true,
        _ => bail!("write cargo xtask web, or cargo xtask web refresh"),
    };
    let home = root.join(HOME);
    let tools = node::suite_runtime(root)?;
    npm::install(root, "web", HOME, || {
        let vite = home.join("node_modules/vite/package.json");
        ensure!(vite.exists(), "{} is missing", vite.display());
        Ok(())
    })?;
    copy_sources(&root.join("web"), &home)?;
    for script in ["check", "test", "build"] {
        let mut command = Command::new("npm");
        command.args(["run", "--silent", script]).current_dir(&home);
        process::run(command.env("PATH", path_with(&tools.node)?))?;
    }
    let (built, embedded) = (home.join("dist"), root.join("web/dist"));
    if refresh {
        replace(&built, &embedded)?;
        println!("web/dist is what web/ builds: look at it and commit it");
        return Ok(());
    }
    let differences = differences(&files(&embedded)?, &files(&built)?);
    ensure!(
        differences.is_empty(),
        "web/dist, which is embedded, is not what web/ builds: {}; cargo xtask web refresh builds it anew, to be committed",
        differences.join(", ")
    );
    println!("web/dist is what web/ builds");
    Ok(())
}

/// The page in a real browser, against the built program.
///
/// # Errors
///
/// Fails where a test does, or what it needs cannot be had.
pub(crate) fn in_browser(root: &Path) -> anyhow::Result<()> {
    browser::install(root)?;
    identity_provider::install(root)?;
    let node = node::suite_runtime(root)?.node;
    let program = process::build(root, "propusk-cli", "propusk", false)?;
    let folder = root.join("interop/web");
    let mut tests: Vec<PathBuf> = files(&folder)?
        .into_keys()
        .filter(|name| name.ends_with(".test.mjs"))
        .map(|name| folder.join(name))
        .collect();
    tests.sort();
    ensure!(!tests.is_empty(), "there are no tests in interop/web");
    let mut command = Command::new(&node);
    // Two files at a time: much of a test is waiting for a page. No file takes minutes unless it hangs.
    command
        .args(["--test", "--test-reporter=spec"])
        .args(["--test-concurrency=2", "--test-timeout=300000"])
        .args(tests);
    process::run(
        command
            .env("PROPUSK_TEST_BINARY", program)
            .env("PROPUSK_TEST_NODE", &node)
            .env("PROPUSK_TEST_BROWSER", root.join(".work/browser"))
            .env("PROPUSK_TEST_IDP", root.join(".work/idp")),
    )
}

/// This Node before any other, for npm and all that it starts.
fn path_with(node: &Path) -> anyhow::Result<OsString> {
    let own = node.parent().context("Node is in no folder")?;
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = [own.to_owned()].into_iter().chain(env::split_paths(&path));
    Ok(env::join_paths(folders)?)
}

/// The sources as they are now, and nothing of earlier ones.
fn copy_sources(from: &Path, to: &Path) -> anyhow::Result<()> {
    for entry in fs::read_dir(to)? {
        let entry = entry?;
        if !KEPT.iter().any(|kept| entry.file_name() == *kept) {
            remove(&entry.path())?;
        }
    }
    for (name, content) in files(from)? {
        if !name.starts_with("dist/") {
            write(&to.join(name), &content)?;
        }
    }
    Ok(())
}

fn replace(from: &Path, to: &Path) -> anyhow::Result<()> {
    if to.exists() {
        remove(to)?;
    }
    for (name, content) in files(from)? {
        write(&to.join(name), &content)?;
    }
    Ok(())
}

/// Every file below a folder by its path there; installed packages are none of it.
fn files(folder: &Path) -> anyhow::Result<BTreeMap<String, Vec<u8>>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![(folder.to_owned(), String::new())];
    while let Some((folder, prefix)) = folders.pop() {
        let entries =
            fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))?;
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            match entry.file_type()?.is_dir() {
                true if name == "node_modules" => {}
                true => folders.push((entry.path(), format!("{prefix}{name}/"))),
                false => {
                    found.insert(format!("{prefix}{name}"), fs::read(entry.path())?);
                }
            }
        }
    }
    Ok(found)
}

/// What is embedded and not built, built and not embedded, or of another content.
fn differences(
    embedded: &BTreeMap<String, Vec<u8>>,
    built: &BTreeMap<String, Vec<u8>>,
) -> Vec<String> {
    let extra = embedded.keys().filter(|name| !built.contains_key(*name));
    let extra = extra.map(|name| format!("{name} is not built any more"));
    let others = built
        .iter()
        .filter_map(|(name, content)| match embedded.get(name) {
            None => Some(format!("{name} is missing")),
            Some(embedded) if embedded != content => Some(format!("{name} differs")),
            Some(_) => None,
        });
    extra.chain(others).collect()
}

fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, content)
}

fn remove(path: &Path) -> io::Result<()> {
    match path.is_dir() {
        true => fs::remove_dir_all(path),
        false => fs::remove_file(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(files: &[(&str, &str)]) -> BTreeMap<String, Vec<u8>> {
        let file =
            |(name, content): &(&str, &str)| ((*name).to_owned(), content.as_bytes().to_vec());
        files.iter().map(file).collect()
    }

    #[test]
    fn another_page_is_told_apart_file_by_file() {
        let embedded = page(&[
            ("index.html", "a"),
            ("assets/app.js", "1"),
            ("old.svg", "x"),
        ]);
        let built = page(&[
            ("index.html", "a"),
            ("assets/app.js", "2"),
            ("new.svg", "x"),
        ]);
        assert!(differences(&built, &built).is_empty());
        let told = differences(&embedded, &built);
        let expected = [
            "old.svg is not built any more",
            "assets/app.js differs",
            "new.svg is missing",
        ];
        assert_eq!(told, expected);
    }
}
