//! A Dockerfile, through its parser and every rule.
#![no_main]

use libfuzzer_sys::fuzz_target;
use skep::lint::dockerfile::Dockerfile;

fuzz_target!(|data: &[u8]| {
    for instruction in &Dockerfile::parse(data).instructions {
        assert!(instruction.span.end <= data.len(), "{instruction:?}");
    }
    skep_fuzz::lint(skep_fuzz::repository(&[("Dockerfile", data)]));
});
