//! A folder, a simulated swarm behind a socket, and the binary between them.

use std::fs::File;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use skep::engine::simulated::{World, serve};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::docker::Docker;

/// How much of its own time the simulated swarm passes for each round of a command.
const PACE: Duration = Duration::from_secs(2);
/// How often the clock of a swarm is set that goes as everybody's does.
const TICK: Duration = Duration::from_millis(20);

/// A folder with a simulated swarm, both gone when it is dropped.
pub(crate) struct Sandbox {
    pub(crate) world: World,
    pub(crate) runtime: Runtime,
    folder: TempDir,
}

impl Sandbox {
    /// A swarm whose clock is near that of the commands, and goes on with each of their rounds.
    pub(crate) fn new() -> Self {
        let sandbox = Self::of(World::beginning_at(jiff::Timestamp::now()));
        sandbox.world.pass_with_each_look(PACE);
        sandbox
    }

    /// A swarm whose clock goes as everybody's does.
    pub(crate) fn with_the_time() -> Self {
        let sandbox = Self::of(World::beginning_at(jiff::Timestamp::now()));
        let world = sandbox.world.clone();
        sandbox.runtime.spawn(async move {
            loop {
                tokio::time::sleep(TICK).await;
                let passed = jiff::Timestamp::now().duration_since(world.now());
                world.advance(passed.unsigned_abs());
            }
        });
        sandbox
    }

    /// A folder around a swarm that somebody else keeps the clock of.
    pub(crate) fn of(world: World) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let sandbox = Self { world: world.clone(), runtime, folder: tempfile::tempdir().unwrap() };
        let socket = sandbox.socket();
        let serving = sandbox.runtime.block_on(async { serve(world, &socket) }).unwrap();
        sandbox.runtime.spawn(serving);
        sandbox
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Where the swarm is, as `DOCKER_HOST` has it.
    pub(crate) fn host(&self) -> String {
        format!("unix://{}", self.socket().display())
    }

    fn socket(&self) -> PathBuf {
        self.path().join("docker.sock")
    }

    /// Writes a file below the folder.
    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// What a person sees of a command: its exit code, and what it wrote, where it wrote anything.
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        self.redacted(&shown(&skep(&self.host(), self.path(), arguments)))
    }

    /// What a person sees of it who works in another folder.
    pub(crate) fn run_in(&self, folder: &Path, arguments: &[&str]) -> String {
        self.redacted(&shown(&skep(&self.host(), folder, arguments)))
    }

    /// What a person sees of it who has these programs.
    pub(crate) fn run_with_programs(&self, folder: &Path, arguments: &[&str]) -> String {
        let output = command(&self.host(), self.path(), arguments).env("PATH", folder).output();
        self.redacted(&shown(&output.unwrap()))
    }

    /// What a person sees of it who writes its results to this file.
    pub(crate) fn run_into(&self, file: File, arguments: &[&str]) -> String {
        self.redacted(&shown(&command(&self.host(), self.path(), arguments).stdout(file).output().unwrap()))
    }

    /// What somebody sees of it who may not use the engine.
    pub(crate) fn run_as_nobody(&self, arguments: &[&str]) -> String {
        // Only root can be somebody else; everybody else is nobody to the engine of root.
        let command = || command(&self.host(), self.path(), arguments);
        let output = command().uid(65_534).output().or_else(|_| {
            std::fs::set_permissions(self.socket(), std::fs::Permissions::from_mode(0o000))?;
            command().output()
        });
        self.redacted(&shown(&output.unwrap()))
    }

    fn redacted(&self, text: &str) -> String {
        let folder = self.path().to_str().unwrap();
        let time = regex::Regex::new(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+Z)?").unwrap();
        time.replace_all(&text.replace(folder, "[SANDBOX]"), "[TIME]").into_owned()
    }
}

/// Runs the binary on an engine, with nothing else in its environment.
pub(crate) fn skep(host: &str, folder: &Path, arguments: &[&str]) -> Output {
    command(host, folder, arguments).output().unwrap()
}

fn command(host: &str, folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_skep"));
    command.args(arguments).current_dir(folder).env_clear().env("HOME", folder);
    command.env("DOCKER_HOST", host).env("SKEP_DATA_ROOT", folder.join("data"));
    if host == Docker::host() {
        command.env("SKEP_SCOPE", Docker::scope());
    }
    command
}

fn shown(output: &Output) -> String {
    let code = output.status.code().unwrap();
    let section = |name: &str, bytes: &[u8]| {
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        if text.is_empty() { text } else { format!("--- {name}\n{text}") }
    };
    format!("exit code {code}\n{}{}", section("stdout", &output.stdout), section("stderr", &output.stderr))
}
