//! A webhook: its event, its signature, its body.
#![no_main]

use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use secrecy::SecretString;
use skep::forge::gitlab::trigger;
use skep::forge::signature::{Signature, verify};

fuzz_target!(|data: &[u8]| {
    let [event, signatures, body] = skep_fuzz::pieces(data);
    drop(trigger("Push Hook", body));
    drop(trigger(&String::from_utf8_lossy(event), body));
    let signatures = String::from_utf8_lossy(signatures);
    let given = Signature { id: "1", timestamp: "0", signatures: &signatures };
    let secret = SecretString::from("whsec_c2VjcmV0");
    let _verdict = verify(&given, body, &[secret], Timestamp::UNIX_EPOCH);
});
