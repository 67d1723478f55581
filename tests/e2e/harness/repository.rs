//! A person's repository, and what they do with it.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use regex::Regex;

use super::command::command;
use super::controller::{Controller, TOKEN};
use super::folder::Folder;
use super::swarm;
use super::waiting::wait_until;

/// A repository whose work tree is written, committed and pushed. The stack of its name goes when it is dropped.
pub(crate) struct Repository {
    /// Its name on the server, and its stack's.
    pub(crate) name: String,
    folder: Folder,
    controller: Arc<Controller>,
}

/// A push that is over.
#[derive(Debug)]
pub(crate) struct Push {
    /// Whether `git push` succeeded.
    pub(crate) accepted: bool,
    /// All that Git printed.
    pub(crate) output: String,
}

/// A push that is under way.
pub(crate) struct Pushing {
    process: Child,
    output: PathBuf,
}

impl Repository {
    pub(super) fn new(name: String, controller: Arc<Controller>) -> Self {
        let repository = Self { name, folder: Folder::new(), controller };
        fs::create_dir(repository.folder.join("tree")).unwrap();
        repository.git(&["init", "--quiet", "--initial-branch", "main"]);
        repository
    }

    /// Writes a file.
    pub(crate) fn write(&self, path: &str, content: impl AsRef<[u8]>) -> &Self {
        let path = self.folder.join("tree").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        self
    }

    /// Writes a file of zeros, which takes no room.
    pub(crate) fn write_zeros(&self, path: &str, size: u64) -> &Self {
        File::create(self.folder.join("tree").join(path)).unwrap().set_len(size).unwrap();
        self
    }

    /// Copies the files of a folder of this project.
    pub(crate) fn copy(&self, folder: &str) -> &Self {
        let from = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(folder);
        super::command::output("cp", &["-rT".as_ref(), from.as_os_str(), self.folder.join("tree").as_os_str()]);
        self
    }

    /// Where a file is.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.folder.join("tree").join(path)
    }

    /// Makes a symbolic link.
    pub(crate) fn link(&self, path: &str, target: &str) -> &Self {
        symlink(target, self.folder.join("tree").join(path)).unwrap();
        self
    }

    /// Commits all that is there.
    pub(crate) fn commit(&self, message: &str) -> &Self {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", message]);
        self
    }

    /// The commit that was made last.
    pub(crate) fn head(&self) -> String {
        self.git(&["rev-parse", "HEAD"])
    }

    /// The commit that `main` is at on the server; none if it has no such branch.
    pub(crate) fn deployed(&self) -> Option<String> {
        let remote = self.controller.remote(&self.name, TOKEN);
        let line = self.git(&["ls-remote", &remote, "refs/heads/main"]);
        line.split('\t').next().filter(|commit| !commit.is_empty()).map(str::to_owned)
    }

    /// `git push`, to its end.
    pub(crate) fn push(&self) -> Push {
        self.push_with(&["main"])
    }

    /// `git push` with an option for skep.
    pub(crate) fn push_option(&self, option: &str) -> Push {
        self.push_with(&["--push-option", option, "main"])
    }

    /// `git push` of something in particular.
    pub(crate) fn push_with(&self, arguments: &[&str]) -> Push {
        self.begin(arguments).end()
    }

    /// `git push` with another token.
    pub(crate) fn push_as(&self, token: &str) -> Push {
        self.begin_to(&self.controller.remote(&self.name, token), &["main"]).end()
    }

    /// Pushes to another repository than that of its name: a folder, or one on the server.
    pub(crate) fn push_to(&self, remote: &str) -> Push {
        self.begin_to(remote, &["main"]).end()
    }

    /// Begins to push.
    pub(crate) fn begin(&self, arguments: &[&str]) -> Pushing {
        self.begin_to(&self.controller.remote(&self.name, TOKEN), arguments)
    }

    fn begin_to(&self, remote: &str, arguments: &[&str]) -> Pushing {
        let output = self.folder.join("output");
        let mut push = self.git_command(&["push"]);
        let (before, refs) = arguments.split_at(arguments.len() - 1);
        push.args(before).arg(remote).args(refs);
        push.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(&output).unwrap());
        Pushing { process: push.spawn().unwrap(), output }
    }

    fn git(&self, arguments: &[&str]) -> String {
        let output = self.git_command(arguments).output().unwrap();
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn git_command(&self, arguments: &[&str]) -> Command {
        let mut git = command("git");
        git.arg("-C").arg(self.folder.join("tree")).args(arguments);
        git.envs([("GIT_CONFIG_NOSYSTEM", "1"), ("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_TERMINAL_PROMPT", "0")]);
        for role in ["AUTHOR", "COMMITTER"] {
            git.env(format!("GIT_{role}_NAME"), "Ada").env(format!("GIT_{role}_EMAIL"), "ada@example.com");
        }
        git
    }
}

impl Drop for Repository {
    fn drop(&mut self) {
        swarm::remove(&self.name);
    }
}

impl Pushing {
    /// Waits until Git has printed this.
    pub(crate) fn wait_for(&self, text: &str, deadline: Duration) {
        wait_until(&format!("the pusher reads {text:?}; so far: {}", self.so_far()), deadline, || {
            self.so_far().contains(text)
        });
    }

    /// What Git has printed by now.
    pub(crate) fn so_far(&self) -> String {
        fs::read_to_string(&self.output).unwrap()
    }

    /// The pusher is gone: their machine, or their network.
    pub(crate) fn cut_off(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Waits for the verdict.
    pub(crate) fn end(mut self) -> Push {
        let accepted = self.process.wait().unwrap().success();
        Push { accepted, output: self.so_far() }
    }
}

impl Drop for Pushing {
    /// After a panic, nobody waits for it any more.
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

impl Push {
    /// What skep said, and Git's own last line, without what differs from run to run: which steps were seen on the way,
    /// ids, times and addresses.
    pub(crate) fn told(&self) -> String {
        let mut lines: Vec<String> = self.output.lines().filter_map(told).collect();
        if !self.accepted {
            lines.push("(refused)".to_owned());
        }
        redacted(&lines.join("\n"))
    }
}

fn told(line: &str) -> Option<String> {
    static PROGRESS: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"^  (\S+: )?(\S+ \d+/\d+ .*|all tasks run; .*|[a-z]\S* \| .*|  \| #\d+ (DONE|CACHED|copy|\[).*)$")
            .unwrap()
    });
    let said = line.strip_prefix("remote: ").or_else(|| line.strip_prefix("remote:"))?.trim_end();
    (!PROGRESS.is_match(said)).then(|| said.to_owned())
}

/// Ids, times and addresses by placeholders.
pub(crate) fn redacted(text: &str) -> String {
    static PATTERNS: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
        let patterns = [
            (r"sha256:[0-9a-f]{64}", "DIGEST"),
            (r"\b[0-9a-f]{40}\b", "COMMIT"),
            (r"\b[0-9a-f]{32}\b", "KEY"),
            (r"(checking |\()[0-9a-f]{7}\b", "${1}COMMIT"),
            (r"-[0-9a-f]{12}\b", "-HASH"),
            (r"\((no restart|no task runs now|restarts \d+ tasks?)\)", "(EFFECT)"),
            (r"127\.0\.0\.1:\d{4,5}", "HOST"),
            (r"\S+ has nothing there", "NODE has nothing there"),
            (r"\b\d+(\.\d+)? s\b", "N s"),
            // One more may fail before the others are looked at.
            (r"\b[3-5] tasks failed\b", "N tasks failed"),
            (r"/tmp/skep-e2e-[^/ ]+", "FOLDER"),
        ];
        patterns.map(|(pattern, with)| (Regex::new(pattern).unwrap(), with)).into()
    });
    PATTERNS.iter().fold(text.to_owned(), |text, (pattern, with)| pattern.replace_all(&text, *with).into_owned())
}
