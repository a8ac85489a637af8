//! Puts the built page (`web/dist`, which is committed) into the program: every file as it is and
//! compressed, with its type and the digest that its ETag is made of.

use std::{
    env, fs, io,
    io::Write as _,
    path::{Path, PathBuf},
};

use flate2::{Compression, write::GzEncoder};
use sha2::{Digest, Sha256};

/// The types of what a page is made of. Another one is not guessed: it is to be added here.
const TYPES: &[(&str, &str)] = &[
    ("css", "text/css; charset=utf-8"),
    ("html", "text/html; charset=utf-8"),
    ("js", "text/javascript; charset=utf-8"),
    ("json", "application/json"),
    ("md", "text/markdown; charset=utf-8"),
    ("png", "image/png"),
    ("svg", "image/svg+xml"),
    ("txt", "text/plain; charset=utf-8"),
    ("woff2", "font/woff2"),
];

fn main() -> io::Result<()> {
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    let dist = here.join("../../web/dist");
    // A folder stands for all that is in it.
    println!("cargo::rerun-if-changed={}", dist.display());
    println!("cargo::rerun-if-changed=build.rs");
    let mut paths = Vec::new();
    collect(&dist, "", &mut paths)?;
    paths.sort();
    let mut code = String::from("&[\n");
    for (index, path) in paths.iter().enumerate() {
        let file = dist.join(&path[1..]);
        let content = fs::read(&file)?;
        let compressed = out.join(format!("{index}.gz"));
        fs::write(&compressed, gzip(&content)?)?;
        code.push_str(&format!(
            "File {{ path: {path:?}, content_type: {:?}, digest: {:?}, plain: include_bytes!({:?}), \
             compressed: include_bytes!({:?}) }},\n",
            content_type(path)?,
            digest(&content),
            file.canonicalize()?,
            compressed,
        ));
    }
    code.push_str("]\n");
    fs::write(out.join("files.rs"), code)
}

/// The files below a folder, as paths of URLs.
fn collect(folder: &Path, prefix: &str, paths: &mut Vec<String>) -> io::Result<()> {
    let entries = fs::read_dir(folder)
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", folder.display())))?;
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let path = format!("{prefix}/{}", name.to_string_lossy());
        match entry.file_type()?.is_dir() {
            true => collect(&entry.path(), &path, paths)?,
            false => paths.push(path),
        }
    }
    Ok(())
}

fn content_type(path: &str) -> io::Result<&'static str> {
    let extension = path.rsplit_once('.').map_or("", |(_, extension)| extension);
    let known = TYPES.iter().find(|(known, _)| *known == extension);
    known.map(|(_, content_type)| *content_type).ok_or_else(|| {
        io::Error::other(format!("web/dist{path}: of which type is it? See build.rs"))
    })
}

fn gzip(content: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content)?;
    encoder.finish()
}

/// Enough of it to tell two builds apart.
fn digest(content: &[u8]) -> String {
    let digest = Sha256::digest(content);
    digest
        .iter()
        .take(12)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
