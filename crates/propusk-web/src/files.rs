//! The files of the page.

/// One file, as it was built.
pub(crate) struct File {
    /// Its path at the server, such as `/assets/app.js`.
    pub(crate) path: &'static str,
    pub(crate) content_type: &'static str,
    /// Of its content, in hexadecimal digits.
    pub(crate) digest: &'static str,
    pub(crate) plain: &'static [u8],
    /// The same, for who accepts gzip.
    pub(crate) compressed: &'static [u8],
}

const FILES: &[File] = include!(concat!(env!("OUT_DIR"), "/files.rs"));

/// What the page itself is called where it is built.
const INDEX: &str = "/index.html";

/// Where the page is: at the root, and where a sign-in comes back to.
const PAGES: [&str; 2] = ["/", "/callback"];

/// The file under a path, which is compared as it came: nothing is decoded and nothing resolved, so
/// that there is no way to any other file.
pub(crate) fn at(path: &str) -> Option<&'static File> {
    let path = match path {
        INDEX => return None,
        path if PAGES.contains(&path) => INDEX,
        path => path,
    };
    FILES.iter().find(|file| file.path == path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_of_a_few_or_nothing() {
        for (path, found) in [
            ("/", Some("/index.html")),
            ("/callback", Some("/index.html")),
            ("/assets/app.js", Some("/assets/app.js")),
            ("/assets/app.css", Some("/assets/app.css")),
            ("/index.html", None),
            ("", None),
            ("//", None),
            ("/callback/", None),
            ("/assets", None),
            ("/assets/", None),
            ("/assets//app.js", None),
            ("/assets/./app.js", None),
            ("/assets/../index.html", None),
            ("/assets/%2e%2e/index.html", None),
            ("/assets/..%2findex.html", None),
            ("/../Cargo.toml", None),
            ("/assets\\app.js", None),
            ("/Assets/app.js", None),
            ("/assets/app.js.gz", None),
            ("*", None),
        ] {
            assert_eq!(at(path).map(|file| file.path), found, "{path:?}");
        }
    }

    #[test]
    fn what_is_embedded_is_whole() {
        for file in FILES {
            assert!(
                file.path.starts_with('/') && !file.plain.is_empty(),
                "{}",
                file.path
            );
            assert_eq!(file.compressed[..2], [0x1f, 0x8b], "{}", file.path);
            assert_eq!(file.digest.len(), 24, "{}", file.path);
        }
    }
}
