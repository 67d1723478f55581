//! What BuildKit reports of a build, as lines to read: like `docker build --progress=plain`.

use std::collections::BTreeMap;

use super::buildkit::{StatusResponse, Vertex, VertexLog};
use super::log::Lines;

/// The steps of a build, numbered as they begin.
#[derive(Default)]
pub(super) struct Progress {
    steps: BTreeMap<String, Step>,
}

struct Step {
    number: usize,
    output: Lines,
    ended: bool,
}

impl Progress {
    /// The lines that a report adds.
    pub(super) fn read(&mut self, report: &StatusResponse) -> Vec<String> {
        let mut lines: Vec<String> = report.vertexes.iter().filter_map(|vertex| self.begin(vertex)).collect();
        lines.extend(report.logs.iter().flat_map(|log| self.output(log)));
        lines.extend(report.vertexes.iter().flat_map(|vertex| self.end(vertex)));
        lines
    }

    fn begin(&mut self, vertex: &Vertex) -> Option<String> {
        if vertex.started.is_none() || self.steps.contains_key(&vertex.digest) {
            return None;
        }
        let number = self.steps.len() + 1;
        self.steps.insert(vertex.digest.clone(), Step { number, output: Lines::default(), ended: false });
        Some(format!("#{number} {}", vertex.name.lines().next().unwrap_or_default()))
    }

    fn output(&mut self, log: &VertexLog) -> Vec<String> {
        let Some(step) = self.steps.get_mut(&log.vertex) else { return Vec::new() };
        let lines = step.output.push(&log.msg);
        lines.iter().map(|line| format!("#{} {line}", step.number)).collect()
    }

    fn end(&mut self, vertex: &Vertex) -> Vec<String> {
        let Some(step) = self.steps.get_mut(&vertex.digest) else { return Vec::new() };
        let Some(outcome) = outcome(vertex).filter(|_| !step.ended) else { return Vec::new() };
        step.ended = true;
        let lines = step.output.rest().into_iter().chain([outcome]);
        lines.map(|line| format!("#{} {line}", step.number)).collect()
    }
}

/// How a step ended, if it did.
fn outcome(vertex: &Vertex) -> Option<String> {
    let completed = vertex.completed.as_ref()?;
    if !vertex.error.is_empty() {
        return Some(format!("ERROR: {}", vertex.error.lines().next().unwrap_or_default()));
    }
    if vertex.cached {
        return Some("CACHED".into());
    }
    let started = vertex.started.as_ref().unwrap_or(completed);
    let nanos = (completed.seconds - started.seconds) * 1_000_000_000 + i64::from(completed.nanos - started.nanos);
    Some(format!("DONE {}.{} s", nanos / 1_000_000_000, nanos / 100_000_000 % 10))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vertex(digest: &str, name: &str, started: Option<(i64, i32)>, completed: Option<(i64, i32)>) -> Vertex {
        let mut vertex = Vertex { digest: digest.into(), name: name.into(), ..Vertex::default() };
        if let Some(at) = started {
            let time = vertex.started.get_or_insert_default();
            (time.seconds, time.nanos) = at;
        }
        if let Some(at) = completed {
            let time = vertex.completed.get_or_insert_default();
            (time.seconds, time.nanos) = at;
        }
        vertex
    }

    fn report(vertexes: Vec<Vertex>, logs: &[(&str, &str)]) -> StatusResponse {
        let log = |(vertex, msg): &(&str, &str)| VertexLog { vertex: (*vertex).into(), msg: msg.as_bytes().into() };
        StatusResponse { vertexes, logs: logs.iter().map(log).collect() }
    }

    #[test]
    fn a_build_reads_as_in_the_terminal() {
        let failed =
            Vertex { error: "exit code: 1\nmore".into(), ..vertex("c", "[3/3] RUN false", Some((9, 0)), Some((9, 1))) };
        let cached = Vertex { cached: true, ..vertex("b", "[2/3] COPY . .\nsecond line", Some((1, 0)), Some((1, 0))) };
        let reports = [
            report(
                vec![vertex("a", "[1/3] FROM x", Some((1, 900_000_000)), None), vertex("b", "later", None, None)],
                &[],
            ),
            report(vec![], &[("a", "half "), ("unknown", "lost\n")]),
            report(vec![cached], &[("a", "a line\nrest")]),
            report(vec![vertex("a", "[1/3] FROM x", Some((1, 900_000_000)), Some((3, 100_000_000)))], &[]),
            report(vec![vertex("a", "[1/3] FROM x", Some((1, 0)), Some((3, 0))), failed], &[("c", "oh\n")]),
        ];
        let mut progress = Progress::default();
        let lines: Vec<String> = reports.iter().flat_map(|report| progress.read(report)).collect();
        insta::assert_snapshot!(lines.join("\n"), @r"
        #1 [1/3] FROM x
        #2 [2/3] COPY . .
        #1 half a line
        #2 CACHED
        #1 rest
        #1 DONE 1.2 s
        #3 [3/3] RUN false
        #3 oh
        #3 ERROR: exit code: 1
        ");
    }
}
