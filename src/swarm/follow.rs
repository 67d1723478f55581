//! Follows the output of a service's tasks, line by line.

use std::collections::HashMap;

use jiff::Timestamp;
use serde_json::Value;

use super::{Error, Swarm};
use crate::engine::container_output::Demultiplexer;
use crate::engine::{Call, Engine, Pieces};

/// The longest line, in bytes; longer ones are split.
const MAX_LINE: usize = 16 << 10;
/// The detail with the id of the task that wrote a line.
const TASK: &str = "com.docker.swarm.task.id=";

/// The requested lines of a service.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// The number of last lines of each task; `None` for all.
    pub tail: Option<u64>,
    /// The earliest time.
    pub since: Option<Timestamp>,
    /// Whether to wait for new lines.
    pub follow: bool,
}

/// A line of a task's output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its time, by the clock of its node.
    pub at: Timestamp,
    /// The task's slot among the replicas, if known.
    pub slot: Option<u64>,
    /// The task.
    pub task: String,
    /// The unchanged text.
    pub text: String,
}

/// The lines of one service.
#[derive(Debug)]
pub struct Log {
    engine: Engine,
    pieces: Pieces,
    /// Whether the containers have a terminal: then their output has no headers.
    raw: bool,
    streams: Demultiplexer,
    text: Vec<u8>,
    slots: HashMap<String, Option<u64>>,
}

impl Swarm {
    /// Begins to read what the tasks of a service write; `tty` says whether its containers have a terminal. Tasks that
    /// are made later are followed.
    pub async fn log(&self, service_id: &str, tty: bool, wanted: &Wanted) -> Result<Log, Error> {
        let mut call = Call::get(format!("/services/{service_id}/logs"));
        call = call.with("stdout", 1).with("stderr", 1).with("timestamps", 1).with("details", 1);
        call = call.with("follow", u8::from(wanted.follow));
        if let Some(tail) = wanted.tail {
            call = call.with("tail", tail);
        }
        if let Some(since) = wanted.since {
            call = call.with("since", since.as_second());
        }
        let pieces = self.engine.stream(call).await?;
        let engine = self.engine.clone();
        Ok(Log { engine, pieces, raw: tty, streams: Demultiplexer::default(), text: Vec::new(), slots: HashMap::new() })
    }
}

impl Log {
    /// The next line; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Line>, Error> {
        loop {
            while let Some(line) = self.take_line() {
                if let Some(line) = read(&line) {
                    return Ok(Some(self.placed(line).await));
                }
            }
            match self.pieces.next().await? {
                Some(piece) => {
                    let text = if self.raw { piece.to_vec() } else { self.streams.take(&piece) };
                    self.text.extend_from_slice(&text);
                }
                None if self.text.is_empty() => return Ok(None),
                None => self.text.push(b'\n'),
            }
        }
    }

    fn take_line(&mut self) -> Option<Vec<u8>> {
        let end = self.text.iter().position(|byte| *byte == b'\n');
        let end = end.or_else(|| (self.text.len() > MAX_LINE).then_some(MAX_LINE))?;
        Some(self.text.drain(..=end).collect())
    }

    /// The line with the slot of its task, which is asked for once.
    async fn placed(&mut self, line: Line) -> Line {
        if !self.slots.contains_key(&line.task) {
            let found: Result<Value, _> = self.engine.json(Call::get(format!("/tasks/{}", line.task))).await;
            let slot = found.ok().and_then(|task| task["Slot"].as_u64()).filter(|slot| *slot != 0);
            self.slots.insert(line.task.clone(), slot);
        }
        Line { slot: self.slots[&line.task], ..line }
    }
}

/// A line with its time and details: `2026-01-01T00:00:00.0Z com.docker.swarm.task.id=x,… text`.
fn read(line: &[u8]) -> Option<Line> {
    let text = String::from_utf8_lossy(line);
    let (time, rest) = text.split_once(' ')?;
    let (details, said) = rest.split_once(' ').unwrap_or((rest.trim_end(), ""));
    let task = details.split(',').find_map(|detail| detail.strip_prefix(TASK))?;
    let text = said.trim_end_matches(['\r', '\n']).to_owned();
    Some(Line { at: time.parse().ok()?, slot: None, task: task.to_owned(), text })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::simulated::World;

    fn log(bytes: &[u8], raw: bool) -> Log {
        let engine = Engine::Simulated(World::new());
        Log {
            engine,
            pieces: Pieces::of(bytes),
            raw,
            streams: Demultiplexer::default(),
            text: Vec::new(),
            slots: HashMap::new(),
        }
    }

    async fn texts(mut log: Log) -> Vec<String> {
        let mut texts = Vec::new();
        while let Some(line) = log.next().await.unwrap() {
            texts.push(format!("{} {}: {}", line.at, line.task, line.text));
        }
        texts
    }

    fn frame(stream: u8, text: &[u8]) -> Vec<u8> {
        let length = u32::try_from(text.len()).unwrap().to_be_bytes();
        [&[stream, 0, 0, 0], &length[..], text].concat()
    }

    const HEAD: &str = "2026-01-01T00:00:00.5Z com.docker.swarm.node.id=n,com.docker.swarm.task.id=t";

    #[tokio::test]
    async fn lines_of_both_streams_are_read_and_the_engines_words_are_not() {
        let bytes = [
            frame(1, format!("{HEAD} one two\n").as_bytes()),
            frame(2, &[HEAD.as_bytes(), b" \x1b[31mb\xffd\x1b[0m\n"].concat()),
            frame(3, b"Error grabbing logs\n"),
            frame(1, format!("{HEAD} \n").as_bytes()),
        ];
        let time = "2026-01-01T00:00:00.5Z";
        let shown =
            [format!("{time} t: one two"), format!("{time} t: \u{1b}[31mb\u{fffd}d\u{1b}[0m"), format!("{time} t: ")];
        assert_eq!(texts(log(&bytes.concat(), false)).await, shown);
    }

    #[tokio::test]
    async fn a_terminals_log_has_no_headers() {
        let bytes = format!("{HEAD} one\r\n{HEAD} two");
        assert_eq!(texts(log(bytes.as_bytes(), true)).await.len(), 2);
    }
}
