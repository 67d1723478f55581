//! Complete reading of a hook's standard input.

use std::io::Read;

/// Reads all input. Input beyond the limit is an error, since truncated input would look complete.
pub(super) fn whole(input: impl Read, limit: u64) -> anyhow::Result<Vec<u8>> {
    let mut read = Vec::new();
    input.take(limit + 1).read_to_end(&mut read)?;
    anyhow::ensure!(read.len() as u64 <= limit, "standard input is larger than the limit of {} MiB", limit >> 20);
    Ok(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_is_refused_and_not_cut() {
        let text = vec![b'x'; 1 << 20];
        assert_eq!(whole(&*text, 1 << 20).unwrap(), text);
        let error = whole(text.chain(&b"x"[..]), 1 << 20).unwrap_err();
        insta::assert_snapshot!(error, @"standard input is larger than the limit of 1 MiB");
    }
}
