//! Every test with its set-up.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use crate::{
    bench, browser, clients, conformance, debian, deploy, fuzz, identity_provider, interop,
    process, readme, tidy, web,
};

/// Tests that start real programs. A plain `cargo test` does without them.
const REAL_PARTS: &str = "propusk/real-parts,propusk-cli/real-parts,propusk-gate/real-parts,\
     propusk-store/real-parts,propusk-testing/real-parts";

type Step = (&'static str, fn(&Path) -> anyhow::Result<()>);

const STEPS: &[Step] = &[
    ("format", |root| cargo(root, &["fmt", "--all", "--check"])),
    ("house rules", tidy::run),
    ("lints", |root| {
        cargo(
            root,
            &[
                "clippy",
                "--workspace",
                "--all-targets",
                "--features",
                REAL_PARTS,
                "--quiet",
                "--",
                "-D",
                "warnings",
            ],
        )
    }),
    ("documentation", documentation),
    ("PostgreSQL", debian::postgresql),
    ("keyring", debian::keyring),
    ("identity provider", identity_provider::install),
    ("browser", browser::install),
    ("clients and servers of others", clients::install),
    ("page", |root| web::run(root, &[])),
    ("unit, wire and real-part tests", |root| {
        let mut command = process::cargo(root);
        command.args(["test", "--workspace", "--features", REAL_PARTS, "--quiet"]);
        // One run is long: it tells of all that fails.
        command.arg("--no-fail-fast");
        process::run(command.env("PROPUSK_TEST_SHARED_LOGIN_SECONDS", "60"))
    }),
    ("fuzzing", fuzz::briefly),
    ("features", features),
    ("deployment", deploy::check),
    ("conformance", conformance::run),
    ("interoperability", interop::run),
    ("page in the browser", web::in_browser),
    ("README", readme::run),
    ("instruction budget", bench::budget),
];

/// Runs all steps in order and stops at the first that fails.
///
/// # Errors
///
/// Fails where a step does.
pub(crate) fn run(root: &Path) -> anyhow::Result<()> {
    let mut times: Vec<(&str, Duration)> = Vec::new();
    for (name, step) in STEPS {
        println!("\n==> {name}");
        let start = Instant::now();
        step(root)?;
        times.push((name, start.elapsed()));
    }
    println!("\nall steps passed:");
    for (name, time) in &times {
        println!("{:>6} s  {name}", time.as_secs());
    }
    println!("{} passed, 0 failed", times.len());
    Ok(())
}

fn cargo(root: &Path, arguments: &[&str]) -> anyhow::Result<()> {
    process::run(process::cargo(root).args(arguments))
}

fn documentation(root: &Path) -> anyhow::Result<()> {
    let mut command = process::cargo(root);
    command.args(["doc", "--workspace", "--no-deps", "--quiet"]);
    process::run(command.env("RUSTDOCFLAGS", "-D warnings"))
}

/// The library compiles with each of its features alone, and has nothing then that nobody uses.
fn features(root: &Path) -> anyhow::Result<()> {
    for features in [
        "",
        "cached",
        "layer",
        "server",
        "client",
        "keyring",
        "jwt",
        "introspection",
        "jwt,layer",
    ] {
        let arguments = [
            "clippy",
            "--quiet",
            "-p",
            "propusk",
            "--no-default-features",
            "--features",
            features,
            "--",
            "-D",
            "warnings",
        ];
        process::run(process::cargo(root).args(arguments))?;
    }
    Ok(())
}
