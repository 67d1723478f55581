//! A `.dockerignore`, and a path that it may name.
#![no_main]

use libfuzzer_sys::fuzz_target;
use skep::stack::ignore::{Ignore, MAX_STEPS};

fuzz_target!(|data: &[u8]| {
    let [path, patterns] = skep_fuzz::pieces(data).map(String::from_utf8_lossy);
    if let Ok(ignore) = Ignore::read(&patterns) {
        let _ = ignore.filter(MAX_STEPS).ignores(&path);
    }
});
