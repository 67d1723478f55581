//! Inspects the contents of a push before Git reads it.
//!
//! A few bytes can expand to very many: deltas state the size of their result and may be chained, and a ref command
//! costs Git much more than the client. So commands and objects are counted here, in a few kilobytes of memory, by the
//! sizes that precede each object (Git's `gitformat-pack`), which Git verifies later. A push that cannot be parsed
//! completely is refused, because Git might read it differently.

use std::io::{self, BufRead, Read};

use flate2::{Decompress, FlushDecompress, Status};

use super::objects::MAX_OBJECT;

/// Refs that one push may move.
const MAX_COMMANDS: usize = 10_000;
/// Bytes of ref commands, or of push options, at most.
const MAX_LINES: usize = 1 << 20;
/// Objects in one push, at most.
const MAX_OBJECTS: u32 = 1_000_000;
/// A delta begins with two numbers, of ten bytes each at most.
const DELTA_HEAD: usize = 20;

/// Why a push is refused before Git reads it, and what to do.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Excess {
    /// Too many refs.
    #[error("the push moves more than {MAX_COMMANDS} refs; push fewer refs at once")]
    Refs,
    /// Too many objects.
    #[error(
        "the push has {count} objects, more than the limit of {MAX_OBJECTS}; push the older commits first, in several pushes"
    )]
    Objects {
        /// How many.
        count: u32,
    },
    /// An object that is too large.
    #[error(
        "the push has a file or another object of {mib} MiB, more than the limit of {} MiB; take it out of the commits, and fetch it in the Dockerfile instead",
        MAX_OBJECT >> 20
    )]
    Object {
        /// Its size, rounded up.
        mib: u64,
    },
    /// Too much of everything.
    #[error(
        "the objects of the push have more than {mib} MiB once they are unpacked; push the older commits first, in several pushes, or raise `max_push` in skep's settings"
    )]
    Unpacked {
        /// The limit.
        mib: u64,
    },
    /// Not the format of a Git client.
    #[error("the push did not arrive as a Git client sends it; push again, and look for a proxy that changes requests")]
    Damaged,
}

/// Inspects a push from its beginning. `max_unpacked` limits the total size of all objects.
pub(super) fn inspect(body: &mut impl BufRead, max_unpacked: u64) -> io::Result<Result<(), Excess>> {
    let looked = (|| {
        if commands(body)? {
            lines(body, |_| {})?;
        }
        pack(body, max_unpacked)
    })();
    match looked {
        Ok(()) => Ok(Ok(())),
        Err(Stop::Excess(excess)) => Ok(Err(excess)),
        Err(Stop::Disk(error)) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(Err(Excess::Damaged)),
        Err(Stop::Disk(error)) => Err(error),
    }
}

/// Why the inspection of a push ended.
enum Stop {
    Excess(Excess),
    Disk(io::Error),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Disk(error)
    }
}

const DAMAGED: Stop = Stop::Excess(Excess::Damaged);

/// Reads the commands; returns whether push options follow.
fn commands(body: &mut impl BufRead) -> Result<bool, Stop> {
    let mut takes_options = None;
    lines(body, |line| {
        let capabilities = || line.splitn(2, |byte| *byte == 0).nth(1).unwrap_or_default().split(|byte| *byte == b' ');
        takes_options.get_or_insert_with(|| capabilities().any(|one| one.trim_ascii() == b"push-options"));
    })?;
    Ok(takes_options.unwrap_or_default())
}

/// Reads packet lines up to the flush or the end.
fn lines(body: &mut impl BufRead, mut each: impl FnMut(&[u8])) -> Result<(), Stop> {
    let (mut count, mut bytes) = (0, 0);
    let mut line = Vec::new();
    while let Some(length) = line_length(body)? {
        count += 1;
        bytes += length;
        if count > MAX_COMMANDS || bytes > MAX_LINES {
            return Err(Stop::Excess(Excess::Refs));
        }
        line.resize(length, 0);
        body.read_exact(&mut line)?;
        each(&line);
    }
    Ok(())
}

/// The bytes of the next packet line; `None` for a flush and at the end (Git's `gitprotocol-common`).
fn line_length(body: &mut impl BufRead) -> Result<Option<usize>, Stop> {
    let mut digits = [0; 4];
    if body.fill_buf()?.is_empty() {
        return Ok(None);
    }
    body.read_exact(&mut digits)?;
    let mut length = [0; 2];
    hex::decode_to_slice(digits, &mut length).map_err(|_| DAMAGED)?;
    match u16::from_be_bytes(length) {
        0 => Ok(None),
        length @ 4.. => Ok(Some(usize::from(length) - 4)),
        _ => Err(DAMAGED),
    }
}

fn pack(body: &mut impl BufRead, max_unpacked: u64) -> Result<(), Stop> {
    let mut head = [0; 12];
    if body.fill_buf()?.is_empty() {
        return Ok(());
    }
    body.read_exact(&mut head)?;
    if &head[..4] != b"PACK" {
        return Err(DAMAGED);
    }
    let count = u32::from_be_bytes([head[8], head[9], head[10], head[11]]);
    if count > MAX_OBJECTS {
        return Err(Stop::Excess(Excess::Objects { count }));
    }
    let mut unpacked: u64 = 0;
    let mut inflate = Decompress::new(true);
    for _ in 0..count {
        unpacked = unpacked.saturating_add(object(body, &mut inflate)?);
        if unpacked > max_unpacked {
            return Err(Stop::Excess(Excess::Unpacked { mib: max_unpacked >> 20 }));
        }
    }
    Ok(())
}

/// Skips an object; returns its unpacked size, with that of its delta.
fn object(body: &mut impl BufRead, inflate: &mut Decompress) -> Result<u64, Stop> {
    let first = byte(body)?;
    let rest = if first & 0x80 == 0 { 0 } else { number(body)? };
    let size = small(u64::from(first & 0x0f) | rest.checked_mul(16).ok_or(DAMAGED)?)?;
    match first >> 4 & 0b111 {
        // Commits, trees, blobs and tags.
        1..=4 => {
            passed(body, inflate, size)?;
            Ok(size)
        }
        kind @ (6 | 7) => {
            skip_base(body, kind)?;
            let head = passed(body, inflate, size)?;
            let mut head = &head[..];
            number(&mut head)?;
            Ok(size + small(number(&mut head)?)?)
        }
        _ => Err(DAMAGED),
    }
}

fn small(size: u64) -> Result<u64, Stop> {
    if size > MAX_OBJECT {
        return Err(Stop::Excess(Excess::Object { mib: size.div_ceil(1 << 20) }));
    }
    Ok(size)
}

/// Skips the reference to the base of a delta: an offset or an id.
fn skip_base(body: &mut impl BufRead, kind: u8) -> Result<(), Stop> {
    if kind == 7 {
        return Ok(body.read_exact(&mut [0; 20])?);
    }
    while byte(body)? & 0x80 != 0 {}
    Ok(())
}

/// Unpacks an object of this size and discards it; returns its beginning.
fn passed(body: &mut impl BufRead, inflate: &mut Decompress, size: u64) -> Result<Vec<u8>, Stop> {
    let mut output = [0; 16 << 10];
    let mut head = Vec::with_capacity(DELTA_HEAD);
    inflate.reset(true);
    loop {
        let input = body.fill_buf()?;
        let at_the_end = input.is_empty();
        let (before_in, before_out) = (inflate.total_in(), inflate.total_out());
        let status = inflate.decompress(input, &mut output, FlushDecompress::None).map_err(|_| DAMAGED)?;
        let (taken, made) = (inflate.total_in() - before_in, inflate.total_out() - before_out);
        let made = usize::try_from(made).map_err(|_| DAMAGED)?;
        head.extend_from_slice(&output[..made.min(DELTA_HEAD - head.len())]);
        body.consume(usize::try_from(taken).map_err(|_| DAMAGED)?);
        match status {
            Status::StreamEnd if inflate.total_out() == size => return Ok(head),
            _ if inflate.total_out() > size || at_the_end && made == 0 => return Err(DAMAGED),
            Status::StreamEnd => return Err(DAMAGED),
            Status::Ok | Status::BufError => {}
        }
    }
}

/// A number in groups of seven bits, the lowest first.
fn number(body: &mut impl Read) -> Result<u64, Stop> {
    let mut number = 0;
    for shift in (0..63).step_by(7) {
        let byte = byte(body)?;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(DAMAGED)
}

fn byte(body: &mut impl Read) -> Result<u8, Stop> {
    let mut byte = [0];
    body.read_exact(&mut byte)?;
    Ok(byte[0])
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::ZlibEncoder;

    use super::*;

    const COMMAND: &str = "0000000000000000000000000000000000000000 1111111111111111111111111111111111111111 refs/heads/main\0 report-status push-options";

    fn line(text: &str) -> String {
        format!("{:04x}{text}", text.len() + 4)
    }

    fn deflated(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn varint(mut value: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        while value > 0x7f {
            bytes.push((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        bytes.push((value & 0x7f) as u8);
        bytes
    }

    /// An object as it is in a pack, said to be of this size.
    fn object(kind: u8, size: u64, base: &[u8], bytes: &[u8]) -> Vec<u8> {
        let rest = size >> 4;
        let first = kind << 4 | (size & 0x0f) as u8 | if rest > 0 { 0x80 } else { 0 };
        let rest = if rest > 0 { varint(rest) } else { vec![] };
        [&[first], &rest[..], base, &deflated(bytes)].concat()
    }

    fn delta(result: u64) -> Vec<u8> {
        let bytes = [varint(4), varint(result), vec![0x90, 4]].concat();
        object(7, bytes.len() as u64, &[7; 20], &bytes)
    }

    fn push(commands: &str, objects: &[Vec<u8>]) -> Vec<u8> {
        let count = u32::try_from(objects.len()).unwrap().to_be_bytes();
        [commands.as_bytes(), b"PACK\0\0\0\x02", &count, &objects.concat(), &[0; 20]].concat()
    }

    fn told(body: &[u8], max_unpacked: u64) -> String {
        let mut body = io::BufReader::with_capacity(100, body);
        match inspect(&mut body, max_unpacked) {
            Ok(Ok(())) => "fine".to_owned(),
            Ok(Err(excess)) => excess.to_string(),
            Err(error) => format!("error: {error}"),
        }
    }

    #[test]
    fn what_becomes_too_much_is_refused_before_it_does() {
        let commands = format!("{}0000{}0000", line(COMMAND), line("async"));
        let blob = |size: usize| object(3, size as u64, &[], &vec![b'x'; size]);
        let distant = object(6, 3, &[0x81, 0x02], &[&varint(4)[..], &varint(9), &[0]].concat());
        let bodies = [
            ("nothing", b"0000".to_vec()),
            ("deletion", format!("{}0000", line("x\0report-status")).into_bytes()),
            ("objects", push(&commands, &[blob(100_000), delta(200_000), distant, blob(0), blob(17)])),
            ("delta bomb", push(&commands, &[blob(4), delta(734_003_200)])),
            ("overflow", push(&commands, &[delta(u64::MAX >> 1)])),
            ("giant", push(&commands, &[object(3, 734_003_200, &[], b"x")])),
            ("many deltas", push(&commands, &vec![delta(1 << 20); 33])),
            ("many objects", [commands.as_bytes(), b"PACK\0\0\0\x02\0\x0f\x42\x41"].concat()),
            ("many refs", line(COMMAND).repeat(MAX_COMMANDS + 1).into_bytes()),
            ("long refs", line(&"x".repeat(65_000)).repeat(17).into_bytes()),
            ("no line", b"GET /".to_vec()),
        ];
        let told: Vec<String> = bodies.iter().map(|(what, body)| format!("{what}: {}", told(body, 32 << 20))).collect();
        insta::assert_snapshot!(told.join("\n"), @"
        nothing: fine
        deletion: fine
        objects: fine
        delta bomb: the push has a file or another object of 700 MiB, more than the limit of 100 MiB; take it out of the commits, and fetch it in the Dockerfile instead
        overflow: the push has a file or another object of 8796093022208 MiB, more than the limit of 100 MiB; take it out of the commits, and fetch it in the Dockerfile instead
        giant: the push has a file or another object of 700 MiB, more than the limit of 100 MiB; take it out of the commits, and fetch it in the Dockerfile instead
        many deltas: the objects of the push have more than 32 MiB once they are unpacked; push the older commits first, in several pushes, or raise `max_push` in skep's settings
        many objects: the push has 1000001 objects, more than the limit of 1000000; push the older commits first, in several pushes
        many refs: the push moves more than 10000 refs; push fewer refs at once
        long refs: the push moves more than 10000 refs; push fewer refs at once
        no line: the push did not arrive as a Git client sends it; push again, and look for a proxy that changes requests
        ");
    }

    #[test]
    fn what_cannot_be_read_to_its_end_is_refused() {
        let commands = format!("{}0000", line("x\0report-status"));
        let whole = push(&commands, &[object(3, 5, &[], b"hello")]);
        let damaged = Excess::Damaged.to_string();
        for end in commands.len() + 1..whole.len() - 20 {
            assert_eq!(told(&whole[..end], 1 << 20), damaged, "{end}");
        }
        let lies =
            [object(3, 4, &[], b"hello"), object(3, 6, &[], b"hello"), object(5, 5, &[], b"hello"), vec![0xb0; 40]];
        for lie in lies {
            assert_eq!(told(&push(&commands, &[lie]), 1 << 20), damaged);
        }
    }
}
