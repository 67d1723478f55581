//! Why a task failed, in words that a person can act on.
//!
//! Swarm says little, and in the words of whoever said it first. What the node that ran the task knows beyond that, and what
//! the registry says of its image, is [`Evidence`].

use std::net::IpAddr;

use super::{RegistryAnswer, Symptom};
use crate::plan::observed::{Task, TaskState};
use crate::stack::{Healthcheck, Nanos, Service};

/// The docker daemon's words for a health check that did not come to an end (moby `daemon/health.go`).
const TOO_SLOW: &str = "exceeded timeout";

/// What was found out about a task where it ran, and about its image.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Evidence {
    /// Whether the kernel killed it for want of memory.
    pub out_of_memory: bool,
    /// The last run of its health check.
    pub health: Option<HealthRun>,
    /// What the registry of its image answers, if the node could not pull the image.
    pub registry: Option<RegistryAnswer>,
}

impl Evidence {
    /// What was said of the registry, if it was away.
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
    /// How it ended; -1 if it did not.
    pub exit_code: i64,
    /// What it wrote.
    pub output: String,
}

/// Why a task failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cause {
    /// In half a sentence.
    pub(super) words: String,
    /// What to do, if that is known.
    pub(super) help: Option<String>,
    /// What else is known, in lines.
    pub(super) lines: Vec<String>,
    /// Whether the same happens on every node, however often it is tried.
    pub(super) is_certain: bool,
}

impl Symptom {
    /// The symptom in better words, once it is known what happened to the task that it is about.
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
    // A container that was stopped for being unhealthy may still end well.
    if let (Some(0), Some(run)) = (task.exit_code, evidence.health.as_ref().filter(|run| run.exit_code != 0)) {
        return health(service.healthcheck.as_ref(), Some(run), task.message == "starting");
    }
    match task.exit_code {
        _ if evidence.out_of_memory => memory(service),
        Some(137) => {
            let words = format!("exit code 137 (killed, often for want of memory{})", limit(service));
            Cause::plain(words).with_some(memory(service).help.filter(|_| service.limits.memory > 0))
        }
        Some(code) if code != 0 && (error.is_empty() || error.contains("non-zero exit")) => Cause::plain(exit(code)),
        Some(0) if error.is_empty() => Cause::plain("it ended by itself with exit code 0"),
        _ if error.is_empty() => Cause::plain(&task.message),
        _ => Cause::plain(error),
    }
}

/// What a shell means by its exit codes.
fn exit(code: i64) -> String {
    let meaning = match code {
        126 => " (a command in it may not be executed)",
        127 => " (a command in it was not found)",
        139 => " (it accessed memory that is not its own)",
        _ => "",
    };
    format!("exit code {code}{meaning}")
}

fn memory(service: &Service) -> Cause {
    let help = if service.limits.memory > 0 {
        "raise `deploy.resources.limits.memory`, or have it use less"
    } else {
        "its node ran out of memory: set `deploy.resources.reservations.memory`, so that it gets a node that has it"
    };
    Cause::plain(format!("it was killed for want of memory{}", limit(service))).with(help)
}

fn limit(service: &Service) -> String {
    match service.limits.memory {
        limit if limit > 0 => format!(": its limit is {}", amount(limit)),
        _ => String::new(),
    }
}

/// An amount of memory as people write it in a stack file.
fn amount(bytes: i64) -> String {
    let units = [(1_i64 << 30, "G"), (1 << 20, "M"), (1 << 10, "K")];
    let whole = units.into_iter().find(|(unit, _)| bytes % unit == 0);
    whole.map_or_else(|| format!("{bytes} bytes"), |(unit, name)| format!("{}{name}", bytes / unit))
}

/// A health check that failed as often as it may; `new` if it has never passed in this task.
fn health(check: Option<&Healthcheck>, run: Option<&HealthRun>, new: bool) -> Cause {
    let Some(run) = run else { return Cause::plain("its health check failed").with_some(longer(check, new)) };
    let lines: Vec<String> = run.output.lines().map(str::to_owned).collect();
    let cannot =
        ["executable file not found", "not found", "no such file", "OCI runtime exec failed", "permission denied"];
    let words = if run.output.contains(TOO_SLOW) {
        "its health check did not end in time".to_owned()
    } else if matches!(run.exit_code, 126 | 127 | -1) && cannot.iter().any(|words| run.output.contains(words)) {
        let help = "the check runs in the container: what it calls must be in the image, and `CMD-SHELL` needs a shell";
        return Cause { lines, ..Cause::plain("its health check cannot run").with(help) };
    } else {
        format!("its health check failed: exit code {}", run.exit_code)
    };
    Cause { lines, ..Cause::plain(words).with_some(longer(check, new)) }
}

/// That it may only need longer: of a task that was never healthy.
fn longer(check: Option<&Healthcheck>, new: bool) -> Option<String> {
    let given = check.and_then(|check| check.start_period).filter(|period| period.0 > 0);
    let now = given.map_or_else(|| "not set".to_owned(), |period: Nanos| period.to_string());
    new.then(|| format!("if it only needs longer to start, raise `healthcheck.start_period` ({now})"))
}

/// An image that the node does not have. Swarm says no more than that (moby
/// `daemon/cluster/executor/container/controller.go`, `Prepare`: why it could not be pulled is only in the node's log).
fn image(error: &str, registry: Option<&RegistryAnswer>) -> Cause {
    let (words, help) = match registry {
        Some(RegistryAnswer::Has) => (
            format!("the image cannot be pulled, and its registry has it now: {error}"),
            "see that the node can reach the registry, and that the image is made for the node's platform",
        ),
        Some(RegistryAnswer::Denied { reason }) => (
            format!("the image cannot be pulled: its registry refuses access: {reason}"),
            "give skep an account that may pull it (`registry` in its settings): the login goes with images of that registry only",
        ),
        Some(RegistryAnswer::Away { reason }) => (
            format!("the image cannot be pulled: its registry does not answer: {reason}"),
            "see that the registry runs, and that the nodes can reach it",
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
    let help = "the folder must be there on the node that runs the task: create it, or keep the data in a named volume";
    let words = path
        .map_or_else(|| error.to_owned(), |path| format!("the folder `{path}` to mount does not exist on the node"));
    Some(Cause::plain(words).with(help))
}

/// A container that could not be started (runc's words, through containerd's shim and the engine).
fn start(error: &str) -> Option<Cause> {
    let (_, rest) = error.split_once("exec: \"").filter(|_| error.contains("starting container failed"))?;
    let (program, reason) = rest.split_once("\":")?;
    if reason.contains("permission denied") {
        let help = "make the file executable in the image (`chmod +x`), or start it by its interpreter";
        Some(Cause::plain(format!("its command `{program}` may not be executed")).with(help).certain())
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
    let help = "something else on the node has the port: free it, or publish another one";
    Some(Cause::plain(format!("its port{which} is taken on the node")).with(help))
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
