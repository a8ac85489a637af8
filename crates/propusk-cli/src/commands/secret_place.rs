//! Where a client's secret text is: a flag comes before a variable, and that before the file of
//! settings.

use std::{env, fs, path::PathBuf};

use crate::failure::Failure;

/// The places where it may be.
pub(super) struct Places {
    /// The text after a flag, and the name of that.
    pub(super) flag: Option<(String, &'static str)>,
    pub(super) flag_file: Option<PathBuf>,
    pub(super) variable: &'static str,
    pub(super) file_variable: &'static str,
    pub(super) configured: Option<String>,
    pub(super) configured_file: Option<PathBuf>,
}

/// A text, and the name of its place for what is to be said of it.
pub(super) struct Found {
    pub(super) text: String,
    pub(super) name: String,
}

impl Places {
    /// The text in the first of them. No error repeats it.
    pub(super) fn find(self) -> Result<Option<Found>, Failure> {
        let variable = |name| env::var(name).ok().filter(|value| !value.is_empty());
        let named = |text, name: &str| {
            let name = name.to_owned();
            Ok(Some(Found { text, name }))
        };
        if let Some((text, name)) = self.flag {
            return named(text, name);
        }
        if let Some(file) = self.flag_file {
            return read(&file).map(Some);
        }
        if let Some(text) = variable(self.variable) {
            return named(text, self.variable);
        }
        if let Some(file) = variable(self.file_variable) {
            return read(&PathBuf::from(file)).map(Some);
        }
        match (self.configured, self.configured_file) {
            (Some(text), _) => named(text, "the configuration"),
            (None, Some(file)) => read(&file).map(Some),
            (None, None) => Ok(None),
        }
    }
}

fn read(file: &PathBuf) -> Result<Found, Failure> {
    let name = file.display().to_string();
    let text = fs::read_to_string(file);
    let text = text.map_err(|error| Failure::usage(format!("{name}: {error}")))?;
    // Some editors begin a file with a mark.
    let text = text.trim_start_matches('\u{feff}').to_owned();
    Ok(Found { text, name })
}
