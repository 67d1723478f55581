//! `skep serve` as a process.

use std::fs::{self, File, OpenOptions};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use skep::preflight::data::config_name;

use super::command::{attempt, command, output};
use super::folder::Folder;
use super::swarm;
use super::waiting::{SOON, wait_until};
use super::web;

/// The token with which the tests push.
pub(crate) const TOKEN: &str = "e2e-token";
/// The secret of the webhooks.
pub(crate) const SECRET: &str = "e2e-secret";

/// A controller with a folder, a port and a scope of its own: others run in the same swarm.
pub(crate) struct Controller {
    process: Mutex<Child>,
    pub(crate) port: u16,
    pub(crate) folder: Folder,
    scope: String,
}

impl Controller {
    /// Starts one with these lines in its settings, and waits until it serves.
    pub(crate) fn start(settings: &str) -> Self {
        let (folder, port, scope) = (Folder::new(), free_port(), new_scope());
        fs::write(folder.join("token"), TOKEN).unwrap();
        fs::write(folder.join("secret"), SECRET).unwrap();
        let own = format!(
            "listen: 127.0.0.1:{port}\ndata: {0}/skep\ndata_root: {0}/data\ntoken_files: [{0}/token]\n{1}",
            folder.display(),
            settings.replace("FOLDER", &folder.display().to_string())
        );
        fs::write(folder.join("skep.yml"), own).unwrap();
        let controller = Self { process: Mutex::new(spawn(&folder, &scope)), port, folder, scope };
        controller.wait_until_ready();
        controller
    }

    /// `kill -9`, and nothing else.
    pub(crate) fn kill(&self) {
        let mut process = self.process.lock().unwrap();
        process.kill().unwrap();
        process.wait().unwrap();
    }

    /// Tells it to stop, as Docker does, and waits until it has.
    pub(crate) fn stop(&self) {
        let mut process = self.process.lock().unwrap();
        output("kill", &["-TERM", &process.id().to_string()]);
        process.wait().unwrap();
    }

    /// Starts the next one on the same folder and port.
    pub(crate) fn restart(&self) {
        *self.process.lock().unwrap() = spawn(&self.folder, &self.scope);
        self.wait_until_ready();
    }

    fn wait_until_ready(&self) {
        wait_until("the controller is ready", SOON, || {
            let ended = self.process.lock().unwrap().try_wait().unwrap();
            assert!(ended.is_none(), "the controller ended:\n{}", self.log());
            web::get(&format!("http://127.0.0.1:{}/readyz", self.port)).is_ok_and(|answer| answer.status == 200)
        });
    }

    /// All that it has logged.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap()
    }

    /// The most memory that it has ever had, in MiB.
    pub(crate) fn peak_memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.lock().unwrap().id())).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        peak.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
    }

    /// The address of a repository on its Git server.
    pub(crate) fn remote(&self, repository: &str, token: &str) -> String {
        format!("http://e2e:{token}@127.0.0.1:{}/git/{repository}.git", self.port)
    }

    /// The bare repository that is behind that address.
    pub(crate) fn bare(&self, repository: &str) -> PathBuf {
        self.folder.join(format!("skep/git/{repository}.git"))
    }

    /// What a command says about this controller's swarm.
    pub(crate) fn skep(&self, arguments: &[&str]) -> String {
        let settings = self.folder.join("skep.yml");
        let output = skep(&self.scope).arg("--config").arg(settings).args(arguments).output().unwrap();
        assert!(output.status.success(), "skep {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}

const SKEP: &str = env!("CARGO_BIN_EXE_skep");

impl Drop for Controller {
    #[expect(clippy::print_stdout, reason = "libtest shows it with the failure")]
    fn drop(&mut self) {
        self.kill();
        // What the swarm knows of a data root that is gone.
        let root = self.folder.join("data");
        attempt("docker", &["config", "rm", &config_name(&root.to_string_lossy())]);
        // What it has noted of itself and of its repositories.
        swarm::remove_notes(&self.scope);
        if std::thread::panicking() {
            println!("the controller's log:\n{}", self.log());
        }
    }
}

/// At most twenty characters, also where a process has a long number.
fn new_scope() -> String {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    format!("e2e-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed))
}

fn skep(scope: &str) -> Command {
    let mut skep = command(SKEP);
    skep.env("SKEP_SCOPE", scope);
    skep
}

fn spawn(folder: &Path, scope: &str) -> Child {
    let log: File = OpenOptions::new().create(true).append(true).open(folder.join("log")).unwrap();
    let mut skep = skep(scope);
    skep.arg("serve").arg("--config").arg(folder.join("skep.yml"));
    skep.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap()
}

/// A port that nobody listens on just now.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
