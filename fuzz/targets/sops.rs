//! An encrypted file, in a format that the first byte names.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use secrecy::SecretString;
use skep::sops::{Document, Keys};

const NAMES: [&str; 5] = ["a.enc.yaml", "a.enc.json", "a.enc.env", "a.enc.ini", "a.enc"];

/// A key that encrypts nothing but what the corpus has.
static KEYS: LazyLock<Keys> = LazyLock::new(|| {
    let text = include_str!("../../tests/sops/key.txt");
    Keys::parse(&SecretString::from(text)).expect("a key")
});

fuzz_target!(|data: &[u8]| {
    let Some((first, text)) = data.split_first() else { return };
    let path = NAMES[usize::from(*first) % NAMES.len()].parse().expect("a path");
    if let Ok(Some(document)) = Document::read(&path, text) {
        let key = ["a".to_owned()];
        drop((document.digits(&[]), document.digits(&key)));
        drop(document.decrypt(&KEYS, &[]));
    }
});
