//! What must hold for every input of the parsers: no panic, and the properties that each target
//! names.
//!
//! `cargo xtask fuzz` lets libFuzzer look for inputs for which it does not hold; the tests go
//! through the inputs below `corpus/`.

mod challenge;
mod claims;
mod issuer;
mod message;
mod metadata;
mod object;
mod token;

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};

/// Something that takes any input.
#[derive(Clone, Copy)]
pub struct Target {
    /// Its name, and that of its folder below `corpus/`.
    pub name: &'static str,
    /// Panics where a property does not hold. Tells whether the input was accepted.
    pub run: fn(&[u8]) -> bool,
}

/// Every target.
pub const TARGETS: [Target; 6] = [
    Target {
        name: "challenge",
        run: challenge::run,
    },
    Target {
        name: "claims",
        run: claims::run,
    },
    Target {
        name: "message",
        run: message::run,
    },
    Target {
        name: "metadata",
        run: metadata::run,
    },
    Target {
        name: "object",
        run: object::run,
    },
    Target {
        name: "token",
        run: token::run,
    },
];

/// The target with this name.
#[must_use]
pub fn target(name: &str) -> Option<Target> {
    TARGETS.into_iter().find(|target| target.name == name)
}

/// The answer of a verifier with fixed keys, which has nothing to wait for.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    match future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("a verifier with fixed keys waits"),
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use super::*;

    /// The names of the inputs begin with what shall become of them.
    #[test]
    fn the_properties_hold_for_the_corpus() {
        for target in TARGETS {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("corpus")
                .join(target.name);
            let mut outcomes = BTreeSet::new();
            for file in fs::read_dir(&folder).expect("a corpus") {
                let file = file.expect("a file");
                let name = file.file_name().into_string().expect("a name");
                let expected = match name.split('-').next() {
                    Some("accepted") => true,
                    Some("refused") => false,
                    _ => panic!("{}/{name}: accepted- or refused-?", target.name),
                };
                let input = fs::read(file.path()).expect("an input");
                assert_eq!((target.run)(&input), expected, "{}/{name}", target.name);
                outcomes.insert(expected);
            }
            assert!(outcomes.contains(&false), "{}: no bad input", target.name);
            // A token that a wrong key makes valid must not be.
            assert_eq!(
                outcomes.contains(&true),
                target.name != "token",
                "{}: a good input",
                target.name
            );
        }
    }

    #[test]
    fn every_folder_of_the_corpus_has_a_target() {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
        for folder in fs::read_dir(corpus).expect("the corpus") {
            let name = folder.expect("a folder").file_name();
            assert!(target(&name.to_string_lossy()).is_some(), "{name:?}");
        }
    }
}
