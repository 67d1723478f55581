//! A label of Traefik, its name and its value, such as a rule.
#![no_main]

use libfuzzer_sys::fuzz_target;
use skep_fuzz::{lint, pieces, repository};

fuzz_target!(|data: &[u8]| {
    let [name, value] = pieces(data).map(|piece| String::from_utf8_lossy(piece).replace('$', ""));
    let labels = serde_json::json!({ "traefik.http.routers.a.rule": value, format!("traefik.{name}"): value });
    let service = serde_json::json!({ "image": "a:1", "deploy": { "labels": labels } });
    let stack = serde_json::json!({ "services": { "a": service } }).to_string();
    lint(repository(&[("stack.yml", stack.as_bytes())]));
});
