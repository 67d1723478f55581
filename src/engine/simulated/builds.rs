//! Builds: the steps of a Dockerfile are played, and reported as BuildKit and the classic builder report them.
//!
//! An image is what its last stage is made of, so that the same files make the same image. A step fails where it would: a
//! file that is not in the context, a base image that does not exist, a command that fails (see [`super::shell`]), an
//! instruction that nobody knows.

use std::collections::BTreeMap;
use std::io::Read as _;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use prost::Message as _;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::images::failure;
use super::requests::{Answer, Refusal, Request};
use super::{State, shell};

/// What a build that does not begin fails with.
const UNREAD: &str = "failed to solve with frontend dockerfile.v0: failed to create LLB definition";
/// The instructions that a Dockerfile may have.
const INSTRUCTIONS: [&str; 18] = [
    "ADD",
    "ARG",
    "CMD",
    "COPY",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "FROM",
    "HEALTHCHECK",
    "LABEL",
    "MAINTAINER",
    "ONBUILD",
    "RUN",
    "SHELL",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "WORKDIR",
];

/// What a step of BuildKit's reports has, in Protocol Buffers (moby/buildkit `api/services/control`).
#[derive(Clone, PartialEq, prost::Message)]
struct Report {
    #[prost(message, repeated, tag = "1")]
    steps: Vec<Reported>,
    #[prost(message, repeated, tag = "3")]
    logs: Vec<Output>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Reported {
    #[prost(string, tag = "1")]
    digest: String,
    #[prost(string, tag = "3")]
    name: String,
    #[prost(message, optional, tag = "5")]
    started: Option<Moment>,
    #[prost(message, optional, tag = "6")]
    completed: Option<Moment>,
    #[prost(string, tag = "7")]
    error: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Output {
    #[prost(string, tag = "1")]
    step: String,
    #[prost(bytes = "vec", tag = "4")]
    text: Vec<u8>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Moment {
    #[prost(int64, tag = "1")]
    seconds: i64,
}

/// An instruction.
struct Step {
    instruction: String,
    arguments: String,
}

/// What became of a step.
struct Played {
    name: String,
    output: String,
    error: Option<String>,
}

/// What a stage, or a step of it, is made of.
type Made = Sha256;

/// A build that goes on.
struct Build<'a> {
    engine: &'a State,
    /// The files by their paths.
    files: BTreeMap<String, Vec<u8>>,
    arguments: &'a str,
    stages: BTreeMap<String, Made>,
    played: Vec<Played>,
}

impl State {
    pub(super) fn build(&mut self, request: &Request) -> Answer {
        let said = |key: &str| request.query.get(key).map(String::as_str);
        let is_for_buildkit = said("version") == Some("2");
        if is_for_buildkit && self.without_buildkit {
            return Answer::of(Err(Refusal(400, "buildkit not supported by daemon".into())));
        }
        let files = files(&request.tarball);
        let dockerfile = said("dockerfile").unwrap_or("Dockerfile");
        let Some(text) = files.get(dockerfile).map(|bytes| String::from_utf8_lossy(bytes).into_owned()) else {
            return Answer::of(Err(Refusal(500, format!("Cannot locate specified Dockerfile: {dockerfile}"))));
        };
        let arguments = said("buildargs").unwrap_or_default();
        let mut build = Build { engine: self, files, arguments, stages: BTreeMap::new(), played: Vec::new() };
        let outcome = build.run(&text, said("target"));
        let played = build.played;
        if let Ok(id) = &outcome {
            self.add_image(id);
        }
        let reports = if is_for_buildkit { self.as_buildkit(&played, &outcome) } else { as_classic(&played, &outcome) };
        Answer::lines(&reports)
    }

    fn as_buildkit(&self, played: &[Played], outcome: &Result<String, String>) -> Vec<Value> {
        let now = Moment { seconds: self.now.as_second() };
        let mut reports = Vec::new();
        for (number, step) in played.iter().enumerate() {
            let digest = format!("sha256:{number:064}");
            let logs = [Output { step: digest.clone(), text: step.output.clone().into_bytes() }];
            let reported = Reported {
                digest,
                name: step.name.clone(),
                started: Some(now.clone()),
                completed: Some(now.clone()),
                error: step.error.clone().unwrap_or_default(),
            };
            let report =
                Report { steps: vec![reported], logs: logs.into_iter().filter(|log| !log.text.is_empty()).collect() };
            reports.push(json!({ "id": "moby.buildkit.trace", "aux": STANDARD.encode(report.encode_to_vec()) }));
        }
        reports.push(match outcome {
            Ok(id) => json!({ "id": "moby.image.id", "aux": { "ID": id } }),
            Err(error) => failure(error),
        });
        reports
    }
}

impl Build<'_> {
    /// Plays the steps up to the target, or all of them; the id of the image, or why there is none.
    fn run(&mut self, text: &str, target: Option<&str>) -> Result<String, String> {
        let steps = steps(text)?;
        let mut open: Option<(String, Made)> = None;
        for (number, step) in steps.iter().enumerate() {
            let name = format!("[{}/{}] {} {}", number + 1, steps.len(), step.instruction, step.arguments);
            let (output, outcome) = self.step(step);
            let error = outcome.as_ref().err().cloned();
            self.played.push(Played { name, output, error });
            let added = outcome?;
            if step.instruction == "FROM" {
                if let Some((stage, made)) = open.take() {
                    if Some(stage.as_str()) == target {
                        return Ok(id(made));
                    }
                    self.stages.insert(stage, made);
                }
                open = Some((stage(&step.arguments).unwrap_or_default(), added));
            } else if let Some((_, made)) = &mut open {
                made.update(format!("{} {}\n", step.instruction, step.arguments));
                made.update(added.finalize());
            }
        }
        open.map(|(_, made)| id(made)).ok_or_else(|| "file with no instructions".into())
    }

    /// What a step writes, and what it adds to the image beside itself or why it fails.
    fn step(&self, step: &Step) -> (String, Result<Made, String>) {
        let arguments = Made::new_with_prefix(self.arguments);
        match step.instruction.as_str() {
            "FROM" => (String::new(), self.base(base(&step.arguments))),
            "COPY" | "ADD" if !step.arguments.starts_with("--from") => (String::new(), self.copied(&step.arguments)),
            "RUN" => {
                let words = shell::words(&step.arguments);
                let failed = |code| format!("executor failed running [{}]: exit code: {code}", words.join(" "));
                match shell::run(&words) {
                    (0, output) => (output, Ok(arguments)),
                    (code, output) => (output, Err(failed(code))),
                }
            }
            "ARG" => (String::new(), Ok(arguments)),
            _ => (String::new(), Ok(Made::new())),
        }
    }

    /// What a stage begins with.
    fn base(&self, name: &str) -> Result<Made, String> {
        if let Some(stage) = self.stages.get(name) {
            return Ok(stage.clone());
        }
        if name != "scratch" && !self.engine.has_image(name) {
            return Err(format!("{UNREAD}: {name}: not found"));
        }
        Ok(Made::new_with_prefix(name))
    }

    /// What is copied: contents with their paths.
    fn copied(&self, arguments: &str) -> Result<Made, String> {
        let listed = || arguments.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let words = serde_json::from_str(arguments).unwrap_or_else(|_| listed());
        let sources: Vec<&String> = words.iter().filter(|word| !word.starts_with("--")).collect();
        let mut made = Made::new();
        for source in sources.split_last().map_or(&[][..], |(_, sources)| sources) {
            let wanted = source.trim_start_matches("./").trim_matches('/');
            let is_below = |path: &str| path.strip_prefix(wanted).is_some_and(|rest| rest.starts_with('/'));
            let is_wanted = |path: &str| matches!(wanted, "" | ".") || path == wanted || is_below(path);
            let mut found = self.files.iter().filter(|(path, _)| is_wanted(path)).peekable();
            if found.peek().is_none() && !source.contains('*') && !source.contains("://") {
                return Err(format!("failed to compute cache key: \"/{wanted}\" not found: not found"));
            }
            for (path, bytes) in found {
                made.update(path);
                made.update(bytes);
            }
        }
        Ok(made)
    }
}

fn as_classic(played: &[Played], outcome: &Result<String, String>) -> Vec<Value> {
    let mut reports = Vec::new();
    for step in played {
        reports.push(json!({ "stream": format!("Step {}\n", step.name) }));
        if !step.output.is_empty() {
            reports.push(json!({ "stream": step.output }));
        }
    }
    match outcome {
        Ok(id) => {
            reports.push(json!({ "aux": { "ID": id } }));
            reports.push(json!({ "stream": format!("Successfully built {id}\n") }));
        }
        Err(error) => reports.push(failure(error)),
    }
    reports
}

fn id(made: Made) -> String {
    format!("sha256:{}", hex::encode(made.finalize()))
}

/// The files of a context by their paths.
fn files(tarball: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut archive = tar::Archive::new(tarball);
    let entries = archive.entries().into_iter().flatten().flatten();
    let read = |mut entry: tar::Entry<'_, &[u8]>| {
        let path = entry.path().ok()?.display().to_string();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).ok()?;
        Some((path, content))
    };
    entries.filter_map(read).filter(|(path, _)| !path.ends_with('/')).collect()
}

/// The instructions of a Dockerfile; lines that end with `\` go on.
fn steps(text: &str) -> Result<Vec<Step>, String> {
    let (mut steps, mut open) = (Vec::new(), None::<(usize, String)>);
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (first, before) = open.take().unwrap_or((number + 1, String::new()));
        match line.strip_suffix('\\') {
            Some(rest) => open = Some((first, before + rest)),
            None => steps.push(step(first, &(before + line))?),
        }
    }
    Ok(steps)
}

fn step(line: usize, text: &str) -> Result<Step, String> {
    let (word, arguments) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let instruction = word.to_ascii_uppercase();
    if !INSTRUCTIONS.contains(&instruction.as_str()) {
        return Err(format!("{UNREAD}: dockerfile parse error line {line}: unknown instruction: {word}"));
    }
    Ok(Step { instruction, arguments: arguments.trim().to_owned() })
}

/// The words of a `FROM` without its options.
fn from(arguments: &str) -> impl Iterator<Item = &str> {
    arguments.split_whitespace().filter(|word| !word.starts_with("--"))
}

/// The base of a `FROM`.
fn base(arguments: &str) -> &str {
    from(arguments).next().unwrap_or_default()
}

/// The name of the stage that a `FROM` begins.
fn stage(arguments: &str) -> Option<String> {
    from(arguments).nth(2).map(str::to_owned)
}
