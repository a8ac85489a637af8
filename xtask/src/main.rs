//! The project's own commands. `cargo xtask` lists them.

mod bench;
mod browser;
mod clients;
mod conformance;
mod debian;
mod deploy;
mod fuzz;
mod identity_provider;
mod interop;
mod node;
mod npm;
mod process;
mod readme;
mod test;
mod tidy;
mod web;

use std::{env, path::Path, process::ExitCode};

const HELP: &str = "\
cargo xtask test          every test with all of its set-up (what CI runs)
cargo xtask bench         what authorization costs, as tables (see bench/README.md)
cargo xtask browser       installs the browser that tests sign in with, and what drives it
cargo xtask clients       installs the official clients and servers that tests start
cargo xtask conformance   the official MCP conformance suite: server, client, and the server behind
                          the gate
cargo xtask deploy        the systemd unit and the Dockerfile, checked by those who know
cargo xtask fuzz          libFuzzer on the parsers: [seconds for each] [targets]
cargo xtask idp           installs the identity provider that tests start, and its Node
cargo xtask interop       real clients in other languages against the built server
cargo xtask readme        the commands of the README, as they stand there
cargo xtask tidy          the house rules: imports, file sizes, licences, references
cargo xtask web           the page: checked, built, and compared with what is embedded; [refresh]
cargo xtask web-tests     the page in a real browser
";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    // The folder of the workspace is the parent of this crate's.
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = here.parent().unwrap_or(here);
    let done = match arguments.first().map(String::as_str) {
        Some("test") => test::run(root),
        Some("bench") => bench::run(root, &arguments[1..]),
        Some("browser") => browser::install(root),
        Some("clients") => clients::install(root),
        Some("conformance") => conformance::run(root),
        Some("deploy") => deploy::check(root),
        Some("fuzz") => fuzz::run(root, &arguments[1..]),
        Some("idp") => identity_provider::install(root),
        Some("interop") => interop::run(root),
        Some("readme") => readme::run(root),
        Some("tidy") => tidy::run(root),
        Some("web") => web::run(root, &arguments[1..]),
        Some("web-tests") => web::in_browser(root),
        Some("help" | "--help" | "-h") | None => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Some(other) => {
            eprint!("cargo xtask {other}: no such command\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
