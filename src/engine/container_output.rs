//! The output of containers as the engine sends it: two streams in one, and lines that are safe to show anywhere.

use crate::text;

/// The longest line that is kept, in characters.
const MAX_LINE: usize = 500;
/// The length of the header of each chunk in a multiplexed stream: the stream, three zeros, the size.
const HEADER: usize = 8;
/// The stream with the engine's own errors, such as that the task has no node yet.
const ENGINE: u8 = 3;

/// The bytes of both streams in their order (moby `pkg/stdcopy`). The log of a container with a terminal is one stream
/// without headers, and is returned as it is; a truncated chunk is included as far as it goes.
pub fn demultiplexed(mut bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    while let Some((header, rest)) = bytes.split_at_checked(HEADER) {
        let &[stream @ 0..=ENGINE, 0, 0, 0, a, b, c, d] = header else { break };
        let length = u32::from_be_bytes([a, b, c, d]) as usize;
        let (piece, rest) = rest.split_at(length.min(rest.len()));
        if stream != ENGINE {
            out.extend_from_slice(piece);
        }
        bytes = rest;
    }
    out.extend_from_slice(bytes);
    out
}

/// A multiplexed stream that comes in pieces.
#[derive(Debug, Default)]
pub struct Demultiplexer(Vec<u8>);

impl Demultiplexer {
    /// What is complete of both streams with this piece, in the order in which it came.
    pub fn take(&mut self, piece: &[u8]) -> Vec<u8> {
        self.0.extend_from_slice(piece);
        let mut complete = 0;
        while let Some(&[_, _, _, _, a, b, c, d]) = self.0.get(complete..complete + HEADER) {
            let end = complete + HEADER + u32::from_be_bytes([a, b, c, d]) as usize;
            if self.0.len() < end {
                break;
            }
            complete = end;
        }
        let out = demultiplexed(&self.0[..complete]);
        self.0.drain(..complete);
        out
    }
}

/// A line without colours and with visible control characters, cut to 500 characters.
pub fn clean(line: &str) -> String {
    text::shortened(&text::plain(line), MAX_LINE).into_owned()
}

/// The lines of an output, cleaned.
pub fn lines(bytes: &[u8]) -> Vec<String> {
    String::from_utf8_lossy(bytes).lines().map(clean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(stream: u8, text: &[u8]) -> Vec<u8> {
        let length = u32::try_from(text.len()).unwrap().to_be_bytes();
        [&[stream, 0, 0, 0], &length[..], text].concat()
    }

    #[test]
    fn both_streams_are_read_in_order() {
        let bytes = [frame(1, b"one\n"), frame(2, b"two\n"), frame(1, b"three")].concat();
        assert_eq!(demultiplexed(&bytes), b"one\ntwo\nthree");
        assert_eq!(demultiplexed(&bytes[..bytes.len() - 3]), b"one\ntwo\nth");
        assert_eq!(demultiplexed(b"a terminal's log\n"), b"a terminal's log\n");
        assert_eq!(demultiplexed(b""), b"");
        assert_eq!(demultiplexed(&frame(3, b"Error grabbing logs: task t has not been scheduled\n")), b"");
    }

    #[test]
    fn pieces_are_passed_on_when_they_are_complete() {
        let bytes = [frame(1, b"one\n"), frame(3, b"no log\n"), frame(2, b"two\n")].concat();
        for size in 1..bytes.len() {
            let mut demultiplexer = Demultiplexer::default();
            let read: Vec<u8> = bytes.chunks(size).flat_map(|piece| demultiplexer.take(piece)).collect();
            assert_eq!(read, b"one\ntwo\n", "{size} bytes at a time");
        }
    }

    #[test]
    fn a_line_cannot_act_on_a_terminal() {
        assert_eq!(clean("\x1b[31mred\x1b[0m \x1b]0;t\x07a\tb\x08\u{9b}c"), "red ^[]0;t^Ga\tb^H<U+009B>c");
        assert_eq!(clean(&"é".repeat(600)), format!("{}…", "é".repeat(500)));
    }
}
