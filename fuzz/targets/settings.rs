//! Settings of the linter, skep's own and hadolint's.
#![no_main]

use libfuzzer_sys::fuzz_target;
use skep_fuzz::{lint, pieces, repository};

fuzz_target!(|data: &[u8]| {
    let [ours, hadolint] = pieces(data);
    let dockerfile: &[u8] = b"FROM a\nRUN sudo cd /tmp\n";
    lint(repository(&[("skep-lint.yaml", ours), (".hadolint.yaml", hadolint), ("Dockerfile", dockerfile)]));
});
