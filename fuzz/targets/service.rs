//! A service as an engine lists it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use skep::swarm::read_service;

fuzz_target!(|data: &[u8]| {
    if let Ok(body) = serde_json::from_slice(data) {
        let (stack, key) = ("a".parse().expect("a name"), "a".parse().expect("a name"));
        drop(read_service(&stack, &key, &body));
    }
});
