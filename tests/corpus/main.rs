//! Planning after applying is empty: every stack file of the conformance corpus that an engine takes is deployed as it is
//! written, and then there is nothing to do. On the engine at hand, and on the newest one to be had.
//!
//! `SKEP_TEST_CORPUS=30` takes so many of the files. Without one of the engines, and outside of CI, its half is skipped, and says so.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the test starts programs, reads what the person at the keyboard asks for, and says what it skips"
)]

#[path = "../conformance/case.rs"]
#[allow(dead_code, unreachable_pub, reason = "the other test asks for more")]
mod case;

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use case::Case;
use skep::controller::prepare;
use skep::engine::{Engine, docker};
use skep::lint;
use skep::plan::{Color, Plan, Removable};
use skep::revision::Revision;
use skep::source;
use skep::swarm::Swarm;

const SOCKET: &str = "/var/run/docker.sock";
/// How often something is removed until it is gone, and how long apart.
const LOOKS: u32 = 600;
const PAUSE: Duration = Duration::from_millis(50);
/// How many stacks there are at once on an engine.
const AT_ONCE: usize = 4;

#[test]
fn planning_after_applying_is_empty_on_the_engine_at_hand() {
    let host = Path::new(SOCKET).exists().then(|| format!("unix://{SOCKET}"));
    over_the_corpus("here", host, &format!("there is no Docker engine at {SOCKET}"));
}

#[test]
fn planning_after_applying_is_empty_on_the_newest_engine() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/newest.sh");
    let output = Command::new(script).arg("address").output().unwrap();
    let host = Some(String::from_utf8(output.stdout).unwrap().trim().to_owned()).filter(|host| !host.is_empty());
    over_the_corpus("newest", host, "there is no newer engine: run scripts/newest.sh up");
}

fn over_the_corpus(engine: &str, host: Option<String>, missing: &str) {
    let Some(host) = host else {
        assert!(std::env::var_os("CI").is_none(), "{missing}");
        eprintln!("SKIPPED: {missing}");
        return;
    };
    let cases = sample(case::all(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance/cases")));
    let begun = std::time::Instant::now();
    let _volumes = Leavings(&host);
    let (left, told) = (Mutex::new(cases.iter().enumerate()), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let Some((number, case)) = left.lock().unwrap().next() else { return };
                    let stack = format!("skep-test-corpus-{engine}{number}-{}", std::process::id());
                    let outcome = Deployed { host: &host, stack }.planned(case);
                    told.lock().unwrap().push((case.name.clone(), outcome));
                }
            });
        }
    });
    let mut told = told.into_inner().unwrap();
    // Who only found the port of another one taken comes again, alone.
    for (name, outcome) in &mut told {
        if matches!(outcome, Outcome::Refused(why) if why.contains("is already in use by service")) {
            let case = cases.iter().find(|case| case.name == *name).unwrap();
            let stack = format!("skep-test-corpus-{engine}again-{}", std::process::id());
            *outcome = Deployed { host: &host, stack }.planned(case);
        }
    }
    let refused = told.iter().filter(|(_, outcome)| matches!(outcome, Outcome::Refused(_))).count();
    println!(
        "{} files on {host}: {} planned again, {refused} not accepted, in {} s",
        told.len(),
        told.len() - refused,
        begun.elapsed().as_secs()
    );
    for (name, outcome) in &told {
        if let Outcome::Refused(why) = outcome {
            println!("  not accepted: {name}: {}", why.lines().next().unwrap_or_default());
        }
    }
    let wrong: Vec<String> = told
        .iter()
        .filter_map(|(name, outcome)| match outcome {
            Outcome::Changes(plan) => Some(format!("{name}:\n{plan}")),
            _ => None,
        })
        .collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), told.len(), wrong.join("\n"));
    assert!(refused * 2 < told.len(), "most files should be accepted");
}

/// What became of a file.
enum Outcome {
    /// The engine, or skep, does not take it.
    Refused(String),
    /// There is nothing left to do.
    Nothing,
    /// There is, and this is it.
    Changes(String),
}

/// Cases that are alike stand next to each other, so each stride takes one.
fn sample(cases: Vec<Case>) -> Vec<Case> {
    let Ok(count) = std::env::var("SKEP_TEST_CORPUS") else { return cases };
    let count: usize = count.parse().expect("SKEP_TEST_CORPUS is a number");
    let stride = cases.len().div_ceil(count.max(1)).max(1);
    cases.into_iter().step_by(stride).collect()
}

/// A stack that is removed when the case is over.
struct Deployed<'a> {
    host: &'a str,
    stack: String,
}

impl Deployed<'_> {
    fn planned(&self, case: &Case) -> Outcome {
        let folder = tempfile::tempdir().unwrap();
        if let Some(files) = &case.folder {
            copy(files, folder.path());
        }
        let file = folder.path().join("stack.yml");
        std::fs::write(&file, &case.text).unwrap();
        let deployed = self.deploy(folder.path(), case);
        if !deployed.status.success() {
            return Outcome::Refused(String::from_utf8_lossy(&deployed.stderr).into_owned());
        }
        let plan =
            tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(self.plan(file, case));
        if plan.is_empty() { Outcome::Nothing } else { Outcome::Changes(plan.to_text(Color::Never)) }
    }

    /// Images are not there, and nobody is asked for them.
    fn deploy(&self, folder: &Path, case: &Case) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_skep"));
        command.args(["deploy", "--as-written", "--no-wait", "--resolve-image", "never"]);
        command.args(["-c", if case.stdin { "-" } else { "stack.yml" }]).arg(&self.stack);
        command.current_dir(folder).env_clear().envs(variables(case)).env("DOCKER_HOST", self.host);
        let input = if case.stdin { File::open(folder.join("stack.yml")).unwrap().into() } else { Stdio::null() };
        command.stdin(input).output().unwrap()
    }

    /// What a deploy of the same file would change now.
    async fn plan(&self, file: PathBuf, case: &Case) -> Plan {
        let given = variables(case);
        let variables = given.clone();
        let wanted = move |revision: &Revision| revision.wanted_with(&variables);
        let (revision, _) =
            source::named::read(&[file], true, wanted, |_| std::collections::BTreeSet::new()).await.unwrap();
        let checked = lint::check(revision, &given).unwrap();
        let desired = prepare::as_written(&checked, &checked.stacks()[0], self.stack.parse().unwrap()).unwrap();
        let swarm = Swarm::new(Engine::Docker(docker::Client::connect(self.host).unwrap()));
        let observed = swarm.observe(&desired.name).await.unwrap();
        Plan::between(&desired, &observed, &Removable::default())
    }
}

/// The environment of both.
fn variables(case: &Case) -> BTreeMap<String, String> {
    let home = ("HOME".to_owned(), "/nonexistent".to_owned());
    case.env.clone().into_iter().chain([home]).collect()
}

impl Drop for Deployed<'_> {
    fn drop(&mut self) {
        until(|| docker(self.host, &["stack", "rm", &self.stack]).contains("Nothing found in stack"));
    }
}

/// What stays of the stacks when these go: their volumes, and now and then a network that a task was just about to join.
/// Removed in the end.
struct Leavings<'a>(&'a str);

impl Drop for Leavings<'_> {
    fn drop(&mut self) {
        let ours = format!("-{}_", std::process::id());
        for kind in ["network", "volume"] {
            until(|| {
                let listed =
                    docker(self.0, &[kind, "ls", "--format", "{{.Name}}", "--filter", "name=^skep-test-corpus-"]);
                let left: Vec<&str> = listed.lines().filter(|name| name.contains(&ours)).collect();
                for name in &left {
                    docker(self.0, &[kind, "rm", "--force", name]);
                }
                left.is_empty()
            });
        }
    }
}

/// What the Docker CLI says.
fn docker(host: &str, arguments: &[&str]) -> String {
    let output = Command::new("docker").args(["--host", host]).args(arguments).output().unwrap();
    String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
}

/// What is held for a moment by tasks that have just been told to go is looked at again, but not for ever.
fn until(is_done: impl Fn() -> bool) {
    for _ in 0..LOOKS {
        if is_done() {
            return;
        }
        std::thread::sleep(PAUSE);
    }
}

fn copy(from: &Path, to: &Path) {
    let entries: Vec<PathBuf> = std::fs::read_dir(from).unwrap().map(|entry| entry.unwrap().path()).collect();
    for entry in entries {
        let target = to.join(entry.file_name().unwrap());
        if entry.is_dir() {
            std::fs::create_dir(&target).unwrap();
            copy(&entry, &target);
        } else {
            std::fs::copy(entry, target).unwrap();
        }
    }
}
