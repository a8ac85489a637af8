//! The secret or private key of the client that introspects.

use std::{env, ffi::OsString, fs, path::PathBuf};

use crate::failure::Failure;

const VARIABLE: &str = "PROPUSK_INTROSPECT_SECRET";
const FILE_VARIABLE: &str = "PROPUSK_INTROSPECT_SECRET_FILE";
const FILE_FLAG: &str = "--introspect-secret-file";

/// Where a secret may be said to be.
pub(super) struct Given {
    /// The file of the flag, or of its variable.
    pub(super) file: Option<PathBuf>,
    /// Whether it is that of the flag.
    pub(super) file_is_typed: bool,
    pub(super) configured: Option<String>,
    pub(super) configured_file: Option<PathBuf>,
}

/// What was found, and where, for what is to be said of it.
pub(super) struct Secret {
    pub(super) text: String,
    pub(super) place: String,
}

enum Place {
    Text(String, &'static str),
    File(PathBuf, &'static str),
}

impl Given {
    /// The secret of the first place that names one: a flag, the environment, the file. No error
    /// repeats what is in it.
    pub(super) fn read(self) -> Result<Secret, Failure> {
        let Some(place) = self.place()? else {
            return Err(missing("--introspect: the secret of the client is missing"));
        };
        let (text, place) = match place {
            Place::Text(text, name) => (text, name.to_owned()),
            Place::File(path, name) => {
                let place = format!("{name}: {}", path.display());
                let text = fs::read_to_string(&path);
                let text = text.map_err(|error| Failure::usage(format!("{place}: {error}")))?;
                (text, place)
            }
        };
        let text = text.trim_end_matches(['\r', '\n']);
        match text.is_empty() {
            true => Err(missing(format!("{place}: there is nothing in it"))),
            false => Ok(Secret {
                text: text.to_owned(),
                place,
            }),
        }
    }

    fn place(self) -> Result<Option<Place>, Failure> {
        let of_flag = |path| Some(Place::File(path, FILE_FLAG));
        let file_in_environment = match self.file {
            Some(path) if self.file_is_typed => return Ok(of_flag(path)),
            other => other.map(|path| Place::File(path, FILE_VARIABLE)),
        };
        let of_variable = variable()?.map(|text| Place::Text(text, VARIABLE));
        let environment = one(of_variable, file_in_environment)?;
        let text = self.configured;
        let file = self.configured_file;
        let configured = one(
            text.map(|text| Place::Text(text, "introspect-secret")),
            file.map(|path| Place::File(path, "introspect-secret-file")),
        )?;
        Ok(environment.or(configured))
    }
}

impl Place {
    fn name(&self) -> &'static str {
        match self {
            Self::Text(_, name) | Self::File(_, name) => name,
        }
    }
}

/// Of two places that are equally near, which one counts is not to be guessed.
fn one(text: Option<Place>, file: Option<Place>) -> Result<Option<Place>, Failure> {
    match (text, file) {
        (Some(text), Some(file)) => Err(Failure::usage(format!(
            "{} and {} are both given; take one away",
            text.name(),
            file.name()
        ))),
        (text, file) => Ok(text.or(file)),
    }
}

/// An empty variable says nothing.
fn variable() -> Result<Option<String>, Failure> {
    let value = env::var_os(VARIABLE).filter(|value| !value.is_empty());
    let text = value.map(OsString::into_string).transpose();
    text.map_err(|_| Failure::usage(format!("{VARIABLE}: it is not UTF-8")))
}

fn missing(why: impl std::fmt::Display) -> Failure {
    Failure::usage(why).hint(format!(
        "put it into {VARIABLE} or name a file with {FILE_FLAG}"
    ))
}
