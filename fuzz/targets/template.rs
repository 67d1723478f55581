//! A stack file, the template that it asks for, and the template's values.
#![no_main]

use libfuzzer_sys::fuzz_target;
use skep_fuzz::{lint, pieces, repository};

fuzz_target!(|data: &[u8]| {
    let [stack, body, values] = pieces(data);
    let stack = [b"x-skep: { template: a }\n", stack].concat();
    lint(repository(&[("stack.yml", &stack), ("templates/a/stack.yml", body), ("templates/a/values.yml", values)]));
});
