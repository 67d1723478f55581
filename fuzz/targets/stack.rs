//! A stack file: every rule, then the stack that it means, and the file that this stack is written as.
#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use skep::render::compose::to_yaml;
use skep::render::{Inputs, render};
use skep::stack::file::File;

fuzz_target!(|data: &[u8]| {
    skep_fuzz::lint(skep_fuzz::repository(&[("stack.yml", data)]));
    let path = "stack.yml".parse().expect("a path");
    let Ok(file) = File::read(&path, data, &BTreeMap::new()) else { return };
    let texts = BTreeMap::new();
    for as_written in [false, true] {
        let inputs = Inputs { as_written, ..Inputs::new("fuzz".parse().expect("a name"), &texts) };
        let Ok(stack) = render(&file, &inputs) else { continue };
        let text = to_yaml(&stack);
        let again = skep::stack::yaml::parse(text.as_bytes());
        assert!(again.is_ok(), "{again:?} in\n{text}");
    }
});
