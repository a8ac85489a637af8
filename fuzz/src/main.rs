//! libFuzzer on the target that the environment variable `PROPUSK_FUZZ_TARGET` names.

#![no_main]

use std::{env, process::exit, sync::LazyLock};

static TARGET: LazyLock<propusk_fuzz::Target> = LazyLock::new(|| {
    let name = env::var("PROPUSK_FUZZ_TARGET").unwrap_or_default();
    propusk_fuzz::target(&name).unwrap_or_else(|| {
        eprintln!("PROPUSK_FUZZ_TARGET names no target: {name:?}");
        exit(2);
    })
});

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    (TARGET.run)(input);
});
