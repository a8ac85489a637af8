//! `--jwks`: where the keys of an issuer are.

use std::{
    fmt::Display,
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
};

use propusk::{InvalidJwtVerifier, JwtVerifier};

use crate::failure::Failure;

/// Where keys come from.
pub(super) enum KeyPlace {
    /// From where the issuer's metadata says.
    Discovered,
    Url(String),
    File(PathBuf),
}

/// As for a key set that is fetched, in bytes.
const LARGEST: u64 = 512 * 1024;

impl KeyPlace {
    /// A file is read once to see that it is one with keys: a slip of the pen is no outage.
    pub(super) fn resolve(place: Option<String>, issuer: &str) -> Result<Self, Failure> {
        match place {
            None => Ok(Self::Discovered),
            Some(place) if place.trim().is_empty() => Err(Failure::usage("--jwks: this is empty")),
            Some(place) if place.contains("://") => Ok(Self::Url(place)),
            Some(place) => {
                let file = PathBuf::from(place);
                check(&file, issuer).map_err(|why| wrong_file(&file, &why))?;
                Ok(Self::File(file))
            }
        }
    }

    /// A verifier with these keys. Nothing is fetched yet.
    pub(super) fn verifier(&self, issuer: &str, resource: &str) -> Result<JwtVerifier, Failure> {
        let (flag, made) = match self {
            Self::Discovered => ("--issuer", JwtVerifier::from_issuer(issuer, resource)),
            Self::Url(url) => (
                "--jwks",
                JwtVerifier::from_key_set_url(issuer, resource, url),
            ),
            Self::File(file) => (
                "--jwks",
                JwtVerifier::from_key_set_file(issuer, resource, file),
            ),
        };
        made.map_err(|error| Failure::usage(format!("{flag}: {error}")))
    }
}

fn wrong_file(file: &Path, why: &dyn Display) -> Failure {
    Failure::usage(format!("--jwks: {}: {why}", file.display())).hint(
        "name a file with a key set, such as what is at the jwks_uri of the issuer's metadata, or \
         its URL; without --jwks the issuer is asked where it is",
    )
}

fn check(file: &Path, issuer: &str) -> Result<(), Box<dyn Display>> {
    // Before it is opened: to open a pipe would wait for who writes into it.
    if !fs::metadata(file).map_err(boxed)?.is_file() {
        return Err(boxed("it is not a regular file"));
    }
    let mut content = Vec::new();
    let reading =
        File::open(file).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut content));
    if reading.map_err(boxed)? as u64 > LARGEST {
        return Err(boxed(format!("it is larger than {LARGEST} bytes")));
    }
    let content = String::from_utf8(content).map_err(|_| boxed("it is not JSON, nor any text"))?;
    // The resource does not matter for this.
    match JwtVerifier::from_keys(issuer, "http://localhost/", &content) {
        Err(error @ (InvalidJwtVerifier::KeySet(_) | InvalidJwtVerifier::NoKey(_))) => {
            Err(boxed(error))
        }
        _ => Ok(()),
    }
}

fn boxed(why: impl Display + 'static) -> Box<dyn Display> {
    Box::new(why)
}
