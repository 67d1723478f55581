//! Running one of the two programs over a case.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::case::Case;
use crate::daemon::{Daemon, Request};

/// The oldest CLI whose bodies are those of today.
const OLDEST: u32 = 28;

/// Which program.
#[derive(Debug, Clone)]
pub(crate) enum Program {
    Docker(PathBuf),
    Skep,
}

/// How it went.
#[derive(Debug, Clone)]
pub(crate) struct Ran {
    pub(crate) accepted: bool,
    pub(crate) said: String,
    /// What was written: path with query, and body; in order of the path.
    pub(crate) writes: Vec<(String, Value)>,
    /// What was asked, without the writes.
    pub(crate) reads: Vec<String>,
}

/// The Docker CLI in the path, if it is new enough.
pub(crate) fn docker_cli() -> Option<PathBuf> {
    let version = Command::new("docker").args(["version", "--format", "{{.Client.Version}}"]).output().ok()?;
    let version = String::from_utf8(version.stdout).ok()?;
    let major: u32 = version.split('.').next()?.trim().parse().ok()?;
    (major >= OLDEST).then(|| PathBuf::from("docker"))
}

/// Deploys a case with a program, against a daemon of its own.
pub(crate) fn run(case: &Case, program: &Program) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    let work = folder.path().join("work");
    std::fs::create_dir(&work).unwrap();
    if let Some(files) = &case.folder {
        copy(files, &work);
    }
    std::fs::write(work.join("stack.yml"), &case.text).unwrap();
    let socket = folder.path().join("docker.sock");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let daemon = Daemon::new(case);
    runtime.block_on(async { daemon.listen(&socket) });
    let mut command = command(case, program, &work, &socket);
    let mut child = command.spawn().unwrap();
    if case.stdin {
        std::io::Write::write_all(child.stdin.as_mut().unwrap(), &case.text).unwrap();
    }
    drop(child.stdin.take());
    let output = child.wait_with_output().unwrap();
    let requests = daemon.requests();
    let shown = |text: &str| text.replace(folder.path().to_str().unwrap(), "/CASE");
    let (reads, writes): (Vec<&Request>, Vec<&Request>) =
        requests.iter().partition(|request| matches!(request.method.as_str(), "GET" | "HEAD"));
    let mut writes: Vec<(String, Value)> =
        writes.into_iter().map(|write| (place(write), serde_json::from_str(&shown(&body(write))).unwrap())).collect();
    writes.sort_by_key(|(place, body)| format!("{place} {}", body["Name"]));
    let said = [output.stdout, output.stderr].concat();
    Ran {
        accepted: output.status.success(),
        said: shown(&String::from_utf8_lossy(&said)),
        writes,
        reads: reads.into_iter().map(place).collect(),
    }
}

fn command(case: &Case, program: &Program, work: &Path, socket: &Path) -> Command {
    let mut command = match program {
        Program::Docker(path) => {
            let mut command = Command::new(path);
            command.args(["stack", "deploy", "--detach=true"]);
            command
        }
        Program::Skep => {
            let mut command = Command::new(env!("CARGO_BIN_EXE_skep"));
            command.args(["deploy", "--as-written", "--no-wait"]);
            command
        }
    };
    command.args(&case.args).args(["-c", if case.stdin { "-" } else { "stack.yml" }]).arg(&case.stack);
    command.current_dir(work).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.env("HOME", work.join("home")).env("DOCKER_HOST", format!("unix://{}", socket.display())).envs(&case.env);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn place(request: &Request) -> String {
    let query: Vec<String> = request.query.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
    let auth = request.auth.as_ref().map(|auth| format!(" auth={auth}")).unwrap_or_default();
    format!("{}{query}{auth}", request.path)
}

/// The body without what is null, which is the same as not there.
fn body(request: &Request) -> String {
    let mut body = request.body.clone();
    leave_out_nulls(&mut body);
    body.to_string()
}

fn leave_out_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, field| !field.is_null());
            fields.values_mut().for_each(leave_out_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(leave_out_nulls),
        _ => {}
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            std::fs::create_dir(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
