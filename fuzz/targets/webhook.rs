//! A webhook: its event, its signature, its body.
#![no_main]

use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use skep::forge::Forge;
use skep::forge::header::{HeaderMap, HeaderName, HeaderValue};

/// Headers with the event, and those with a signature, of all kinds of forges.
const EVENTS: [&str; 3] = ["x-gitlab-event", "x-github-event", "x-gitea-event"];
const SIGNATURES: [&str; 3] = ["webhook-signature", "x-hub-signature-256", "x-gitea-signature"];

fuzz_target!(|data: &[u8]| {
    let [event, signature, body] = skep_fuzz::pieces(data);
    let secrets = ["whsec_c2VjcmV0".into(), "token".into()];
    for event in [event, b"Push Hook", b"push"] {
        let mut headers = HeaderMap::new();
        // The right token of GitLab's, so that its body is read.
        headers.insert("x-gitlab-token", HeaderValue::from_static("token"));
        for (names, value) in [(EVENTS, event), (SIGNATURES, signature)] {
            let Ok(value) = HeaderValue::from_bytes(value) else { continue };
            names.into_iter().for_each(|name| drop(headers.insert(HeaderName::from_static(name), value.clone())));
        }
        for forge in Forge::ALL {
            let _notice = forge.receive(&headers, body, &secrets, Timestamp::UNIX_EPOCH);
            headers.remove("webhook-signature");
            let _notice = forge.receive(&headers, body, &secrets, Timestamp::UNIX_EPOCH);
            let _mark = forge.mark(&headers);
        }
    }
});
