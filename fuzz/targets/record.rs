//! The record of a release: its name, its labels, and its payload, compressed and not.
#![no_main]

use base64::{Engine as _, engine::general_purpose::STANDARD};
use libfuzzer_sys::fuzz_target;
use skep::store::read_release;

fuzz_target!(|data: &[u8]| {
    let [name, labels, payload] = skep_fuzz::pieces(data);
    let labels = serde_json::from_slice(labels).unwrap_or_default();
    let compressed = zstd::encode_all(payload, 1).expect("it is compressed in memory");
    for payload in [payload, &compressed] {
        drop(read_release(&String::from_utf8_lossy(name), &labels, &STANDARD.encode(payload)));
    }
});
