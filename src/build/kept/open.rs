//! A log that is being written.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::mem;
use std::path::Path;

use jiff::Timestamp;

use super::{BuildLog, Record};
use crate::release::ReleaseId;

/// How the name of a file ends that has no name of its own yet.
pub(super) const FRESH: &str = "new";
/// Bytes from the beginning of a build that are written as they come.
const HEAD: usize = 256 << 10;
/// Bytes from the end of it that are written when it ends: a build that fails says why in its last lines.
const TAIL: usize = 256 << 10;

/// A log that is being written. One that cannot be written any more takes what comes, and keeps nothing of it.
#[derive(Debug)]
pub struct OpenLog {
    log: BuildLog,
    /// None when something could not be written.
    file: Option<File>,
    written: usize,
    /// What came after the head, newest last.
    tail: VecDeque<String>,
    tail_bytes: usize,
    left_out: u64,
}

impl OpenLog {
    /// A log that begins with this line. Nobody sees it before that is in it.
    pub(super) fn create(log: BuildLog, build: &Record) -> io::Result<Self> {
        let fresh = log.path.with_extension(FRESH);
        let begun = begun(&fresh, build).and_then(|file| fs::rename(&fresh, &log.path).map(|()| file));
        let file = begun.inspect_err(|_| drop(fs::remove_file(&fresh)))?;
        let (tail, tail_bytes) = (VecDeque::new(), 0);
        Ok(Self { log, file: Some(file), written: 0, tail, tail_bytes, left_out: 0 })
    }

    /// Adds a line. An error is that of the disk, and is given once.
    pub fn add(&mut self, record: &Record) -> io::Result<()> {
        let line = line(record);
        if self.tail.is_empty() && self.left_out == 0 && self.written + line.len() <= HEAD {
            self.written += line.len();
            return self.write(&line);
        }
        self.tail_bytes += line.len();
        self.tail.push_back(line);
        while self.tail_bytes > TAIL
            && let Some(oldest) = self.tail.pop_front()
        {
            self.tail_bytes -= oldest.len();
            self.left_out += 1;
        }
        Ok(())
    }

    /// Ends the log: with its last lines, and with the release that came of the build in its name.
    pub fn end(mut self, at: Timestamp, release: Option<ReleaseId>) -> io::Result<()> {
        if self.left_out > 0 {
            let lines = self.left_out;
            self.write(&line(&Record::LeftOut { lines }))?;
        }
        let tail: String = mem::take(&mut self.tail).into_iter().collect();
        self.write(&(tail + &line(&Record::End { at, release })))?;
        if release.is_some() {
            let folder = self.log.path.parent().unwrap_or(Path::new(""));
            let named = BuildLog::new(folder, self.log.begun, self.log.commit.clone(), release);
            fs::rename(&self.log.path, named.path)?;
        }
        Ok(())
    }

    fn write(&mut self, lines: &str) -> io::Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        let written = file.write_all(lines.as_bytes());
        if written.is_err() {
            self.file = None;
        }
        written
    }
}

fn begun(fresh: &Path, build: &Record) -> io::Result<File> {
    let mut file = File::create(fresh)?;
    file.write_all(line(build).as_bytes())?;
    Ok(file)
}

fn line(record: &Record) -> String {
    serde_json::to_string(record).expect("a record is plain data") + "\n"
}

#[cfg(test)]
impl OpenLog {
    /// Goes on in another file.
    pub(super) fn break_with(&mut self, file: File) {
        self.file = Some(file);
    }
}
