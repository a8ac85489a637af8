//! `propusk completions` and `propusk man`: what is made from the definitions of the command line.

use std::{io, process::ExitCode};

use clap::CommandFactory;

use crate::{
    Cli,
    args::{CompletionsArgs, ManArgs},
    failure::Failure,
    output::{answer, note},
};

pub(crate) fn completions(args: &CompletionsArgs) -> Result<ExitCode, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "propusk", &mut script);
    print(&script)
}

pub(crate) fn man(args: &ManArgs) -> Result<ExitCode, Failure> {
    let Some(folder) = &args.to else {
        let mut page = Vec::new();
        let rendered = clap_mangen::Man::new(Cli::command()).render(&mut page);
        rendered.map_err(|error| cannot_write("the manual page", &error))?;
        return print(&page);
    };
    let place = folder.display().to_string();
    clap_mangen::generate_to(Cli::command(), folder).map_err(|error| {
        let failure = cannot_write(&place, &error);
        match error.kind() {
            io::ErrorKind::NotFound => failure.hint("make the folder first"),
            _ => failure,
        }
    })?;
    note(&format!("the manual pages are in {place}"));
    Ok(ExitCode::SUCCESS)
}

fn print(text: &[u8]) -> Result<ExitCode, Failure> {
    answer(&String::from_utf8_lossy(text))?;
    Ok(ExitCode::SUCCESS)
}

fn cannot_write(what: &str, error: &io::Error) -> Failure {
    Failure::usage(format!("{what}: {error}"))
}
