//! Stack files that are laid over each other, and that include and extend each other as `b.yml`.
#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use skep::stack::file::File;
use skep::stack::merge::Zeros;
use skep_fuzz::{lint, pieces, repository};

fuzz_target!(|data: &[u8]| {
    let [a, b] = pieces(data);
    let path = |path: &str| path.parse().expect("a path");
    for zeros in [Zeros::Count, Zeros::AreNothing] {
        drop(File::read_all(&[(path("stack.yml"), a), (path("b.yml"), b)], &BTreeMap::new(), zeros));
    }
    lint(repository(&[("stack.yml", a), ("b.yml", b)]));
});
