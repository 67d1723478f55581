//! Why a task failed, in actionable words.
//!
//! Swarm reports little, and passes on the words of other programs. [`Evidence`] is additional knowledge from the node
//! that ran the task and from the registry of its image.

use std::net::IpAddr;

use super::{RegistryAnswer, Symptom};
use crate::plan::observed::{Task, TaskState};
use crate::stack::{Healthcheck, Nanos, Service};

/// The engine's message about a health check that timed out (moby `daemon/health.go`).
const TOO_SLOW: &str = "exceeded timeout";

/// Evidence about a task from its node, and about its image.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Evidence {
    /// Whether the kernel killed it because it was out of memory.
    pub out_of_memory: bool,
    /// The last run of its health check.
    pub health: Option<HealthRun>,
    /// The answer of its image's registry, if the node could not pull the image.
    pub registry: Option<RegistryAnswer>,
}

impl Evidence {
    /// The message about the registry, if it was unreachable.
    pub fn registry_away(self) -> Option<String> {
        match self.registry {
            Some(RegistryAnswer::Away { reason }) => Some(reason),
            _ => None,
        }
    }
}

/// A run of a health check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthRun {
    /// Its exit code; -1 if it timed out.
    pub exit_code: i64,
    /// Its output.
    pub output: String,
}

/// Why a task failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cause {
    /// The reason, as part of a sentence.
    pub(super) words: String,
    /// The remedy, if known.
    pub(super) help: Option<String>,
    /// Further details, in lines.
    pub(super) lines: Vec<String>,
    /// Whether it happens on every node and at every attempt.
    pub(super) is_certain: bool,
}

impl Symptom {
    /// Improves a symptom by the evidence about its task.
    #[must_use]
    pub fn explained(mut self, service: &Service, task: &Task, evidence: &Evidence) -> Self {
        if task.state == TaskState::Starting {
            let Some(run) = &evidence.health else { return self };
            let check = health(service.healthcheck.as_ref(), Some(run), true);
            let message = format!("{}; {}", self.message, check.words);
            return Self { message, help: check.help, log: check.lines, ..self };
        }
        let (guess, known) = (of(task, service, &Evidence::default()), of(task, service, evidence));
        if let Some(start) = self.message.strip_suffix(&guess.words) {
            self.message = format!("{start}{}", known.words);
        }
        Self { help: known.help.or(self.help), log: known.lines, ..self }
    }
}

/// Why this task failed.
pub(super) fn of(task: &Task, service: &Service, evidence: &Evidence) -> Cause {
    let error = task.error.strip_prefix("task: ").unwrap_or(&task.error);
    if error.contains("unhealthy container") {
        return health(service.healthcheck.as_ref(), evidence.health.as_ref(), task.message == "starting");
    }
    if task.has_no_image() {
        return image(error, evidence.registry.as_ref());
    }
    if let Some(cause) = mount(error).or_else(|| start(error)).or_else(|| port(error)) {
        return cause;
    }
    // A container that was stopped for being unhealthy may still exit with code 0.
    if let (Some(0), Some(run)) = (task.exit_code, evidence.health.as_ref().filter(|run| run.exit_code != 0)) {
        return health(service.healthcheck.as_ref(), Some(run), task.message == "starting");
    }
    match task.exit_code {
        _ if evidence.out_of_memory => memory(service),
        Some(137) => {
            let words = format!("exit code 137 (killed, often because it was out of memory{})", limit(service));
            Cause::plain(words).with_some(memory(service).help.filter(|_| service.limits.memory > 0))
        }
        Some(code) if code != 0 && (error.is_empty() || error.contains("non-zero exit")) => Cause::plain(exit(code)),
        Some(0) if error.is_empty() => Cause::plain("it exited with code 0"),
        _ if error.is_empty() => Cause::plain(&task.message),
        _ => Cause::plain(error),
    }
}

/// The meaning of exit codes by the conventions of shells.
fn exit(code: i64) -> String {
    let meaning = match code {
        126 => " (a command in it is not executable)",
        127 => " (a command in it was not found)",
        139 => " (segmentation fault)",
        _ => "",
    };
    format!("exit code {code}{meaning}")
}

fn memory(service: &Service) -> Cause {
    let help = if service.limits.memory > 0 {
        "increase `deploy.resources.limits.memory`, or make it use less"
    } else {
        "its node ran out of memory: set `deploy.resources.reservations.memory`, so that it runs on a node with enough memory"
    };
    Cause::plain(format!("it was killed because it was out of memory{}", limit(service))).with(help)
}

fn limit(service: &Service) -> String {
    match service.limits.memory {
        limit if limit > 0 => format!(": its limit is {}", amount(limit)),
        _ => String::new(),
    }
}

/// An amount of memory in the syntax of a stack file.
fn amount(bytes: i64) -> String {
    let units = [(1_i64 << 30, "G"), (1 << 20, "M"), (1 << 10, "K")];
    let whole = units.into_iter().find(|(unit, _)| bytes % unit == 0);
    whole.map_or_else(|| format!("{bytes} bytes"), |(unit, name)| format!("{}{name}", bytes / unit))
}

/// The cause of an unhealthy task; `new` if its health check has never passed.
fn health(check: Option<&Healthcheck>, run: Option<&HealthRun>, new: bool) -> Cause {
    let Some(run) = run else { return Cause::plain("its health check failed").with_some(longer(check, new)) };
    let lines: Vec<String> = run.output.lines().map(str::to_owned).collect();
    let cannot =
        ["executable file not found", "not found", "no such file", "OCI runtime exec failed", "permission denied"];
    let words = if run.output.contains(TOO_SLOW) {
        "its health check timed out".to_owned()
    } else if matches!(run.exit_code, 126 | 127 | -1) && cannot.iter().any(|words| run.output.contains(words)) {
        let help = "the check runs in the container: its programs must be in the image, and `CMD-SHELL` needs a shell";
        return Cause { lines, ..Cause::plain("its health check cannot run").with(help) };
    } else {
        format!("its health check failed: exit code {}", run.exit_code)
    };
    Cause { lines, ..Cause::plain(words).with_some(longer(check, new)) }
}

/// The remedy for a task that was never healthy and may need more time.
fn longer(check: Option<&Healthcheck>, new: bool) -> Option<String> {
    let given = check.and_then(|check| check.start_period).filter(|period| period.0 > 0);
    let now = given.map_or_else(|| "not set".to_owned(), |period: Nanos| period.to_string());
    new.then(|| format!("if it needs longer to start, increase `healthcheck.start_period` ({now})"))
}

/// The cause if the node does not have the image. Swarm does not report why (moby
/// `daemon/cluster/executor/container/controller.go`, `Prepare`: the reason is only in the node's log).
fn image(error: &str, registry: Option<&RegistryAnswer>) -> Cause {
    let (words, help) = match registry {
        Some(RegistryAnswer::Has) => (
            format!("the image could not be pulled, but its registry has it now: {error}"),
            "check that the node can reach the registry, and that the image is built for the node's platform",
        ),
        Some(RegistryAnswer::Denied { reason }) => (
            format!("the image cannot be pulled: its registry refuses access: {reason}"),
            "give skep an account that may pull it (`registry` in its settings); the login is used for images of that registry only",
        ),
        Some(RegistryAnswer::Away { reason }) => (
            format!("the image cannot be pulled: its registry does not respond: {reason}"),
            "check that the registry runs, and that the nodes can reach it",
        ),
        Some(RegistryAnswer::Missing { reason }) => (
            format!("the image is not in its registry: {reason}"),
            "check the image's name and tag, and that it was pushed",
        ),
        None => (
            format!("the image cannot be pulled: {error}"),
            "check the image's name and tag, and that the nodes can reach and log in to its registry",
        ),
    };
    Cause::plain(words).with(help)
}

fn mount(error: &str) -> Option<Cause> {
    let path = error.split("bind source path does not exist: ").nth(1);
    if path.is_none() && !error.contains("invalid mount config") {
        return None;
    }
    let help = "the folder must exist on the node that runs the task: create it, or use a named volume";
    let words = path
        .map_or_else(|| error.to_owned(), |path| format!("the folder `{path}` to mount does not exist on the node"));
    Some(Cause::plain(words).with(help))
}

/// The cause if the container could not be started (message of runc, passed on by containerd and the engine).
fn start(error: &str) -> Option<Cause> {
    let (_, rest) = error.split_once("exec: \"").filter(|_| error.contains("starting container failed"))?;
    let (program, reason) = rest.split_once("\":")?;
    if reason.contains("permission denied") {
        let help = "make the file executable in the image (`chmod +x`), or start it with its interpreter";
        Some(Cause::plain(format!("its command `{program}` is not executable")).with(help).certain())
    } else if reason.contains("not found") || reason.contains("no such file") {
        let help =
            "check `command` and `entrypoint`: the program, and the interpreter of a script, must be in the image";
        Some(Cause::plain(format!("its command `{program}` is not in the image")).with(help).certain())
    } else {
        None
    }
}

fn port(error: &str) -> Option<Cause> {
    if !error.contains("port is already allocated") && !error.contains("address already in use") {
        return None;
    }
    let which = error.split_whitespace().find_map(bound_port).map_or_else(String::new, |port| format!(" {port}"));
    let help = "another program on the node uses the port: free it, or publish another port";
    Some(Cause::plain(format!("its port{which} is already in use on the node")).with(help))
}

/// The port of a word such as `0.0.0.0:80`, `[::]:80` or `0.0.0.0:80:172.18.0.2:80/tcp`: engines word it differently.
fn bound_port(word: &str) -> Option<u16> {
    let (address, rest) = match word.strip_prefix('[') {
        Some(rest) => rest.split_once("]:")?,
        None => word.split_once(':')?,
    };
    let digits = rest.split(|other: char| !other.is_ascii_digit()).next()?;
    address.parse::<IpAddr>().ok().and_then(|_| digits.parse().ok())
}

impl Cause {
    fn plain(words: impl Into<String>) -> Self {
        Self { words: words.into(), help: None, lines: Vec::new(), is_certain: false }
    }

    fn with(self, help: &str) -> Self {
        Self { help: Some(help.to_owned()), ..self }
    }

    fn with_some(self, help: Option<String>) -> Self {
        Self { help, ..self }
    }

    fn certain(self) -> Self {
        Self { is_certain: true, ..self }
    }
}
