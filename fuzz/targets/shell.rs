//! A shell command of a Dockerfile, for a shell that the first byte names.
#![no_main]

use libfuzzer_sys::fuzz_target;

const SHELLS: [&str; 4] = ["/bin/sh", "/bin/bash", "/bin/ash", "pwsh"];

fuzz_target!(|data: &[u8]| {
    let Some((first, command)) = data.split_first() else { return };
    let shell = SHELLS[usize::from(*first) % SHELLS.len()];
    let dockerfile =
        [format!("FROM a:1\nSHELL [\"{shell}\", \"-c\"]\nRUN <<END\n").as_bytes(), command, b"\nEND\n"].concat();
    skep_fuzz::lint(skep_fuzz::repository(&[("Dockerfile", &dockerfile)]));
});
