//! A commit with several stacks, through a controller that is killed at any moment: the next one ends where an
//! undisturbed one does, and the branch names what runs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use skep::config::{self, Settings};
use skep::controller::{Push, RefUpdate};
use skep::engine::Engine;
use skep::engine::simulated::Behaviour;
use skep::lease::Lease;
use skep::name::{self, CommitId};
use skep::release::{Cause, History, Intent, Origin, State};
use skep::source::server::branch_at;
use skep::store::Store;
use skep::swarm::Swarm;
use tokio::sync::mpsc;

use crate::harness::controller::Running;
use crate::harness::repository::Repository;
use crate::harness::sandbox::Sandbox;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_mins(1);
/// The repository, and the stacks in it.
const REPOSITORY: &str = "town";
const STACKS: [&str; 3] = ["bakery", "inn", "mill"];
const MAIN: &str = "refs/heads/main";

/// A repository on a controller's disk, and a swarm whose clock goes as the controller's does.
struct Town {
    sandbox: Sandbox,
    repository: Repository,
    watched: BTreeMap<String, config::Repository>,
}

impl Town {
    /// One whose three stacks run their first version.
    fn open() -> Self {
        let sandbox = Sandbox::with_the_time();
        let repository = Repository::new(&bare(sandbox.path()));
        let mut town = Self { sandbox, repository, watched: BTreeMap::new() };
        let first = town.commit("app:1", "app:1");
        let running = town.start();
        assert_eq!(town.push(&running, &first, &[]).1, Some(true));
        running.kill();
        town
    }

    /// Commits new versions: of the inn this one, of the others that one. No branch is moved by it.
    fn commit(&mut self, inn: &str, others: &str) -> CommitId {
        for stack in STACKS {
            let image = if stack == "inn" { inn } else { others };
            let file = format!("x-skep: {{ stable: 1s }}\nservices: {{ web: {{ image: \"{image}\" }} }}\n");
            self.repository.files.insert(format!("stacks/{stack}/stack.yml"), file);
        }
        let at = self.main();
        let commit = self.repository.commit(&format!("Have {inn} and {others}"));
        let repository = git2::Repository::open_bare(&self.repository.path).unwrap();
        match at {
            Some(at) => drop(repository.reference(MAIN, at.as_str().parse().unwrap(), true, "back").unwrap()),
            None => repository.find_reference(MAIN).unwrap().delete().unwrap(),
        }
        repository.reference("refs/keep/it", commit.as_str().parse().unwrap(), true, "kept").unwrap();
        commit
    }

    fn main(&self) -> Option<CommitId> {
        branch_at(&self.repository.path, MAIN)
    }

    fn start(&self) -> Running {
        let (data, repositories) = (self.sandbox.path().join("skep"), self.watched.clone());
        Running::start(&self.sandbox, Settings { data, repositories, ..Settings::default() })
    }

    fn asked(&self, commit: &CommitId, options: &[&str]) -> Push {
        Push {
            repository: REPOSITORY.into(),
            user: "ada".into(),
            updates: vec![RefUpdate { name: MAIN.into(), old: self.main(), new: Some(commit.clone()) }],
            options: options.iter().map(ToString::to_string).collect(),
            quarantine: None,
        }
    }

    /// Pushes, and waits for the verdict or until the swarm cannot be reached any more.
    fn push(&self, running: &Running, commit: &CommitId, options: &[&str]) -> (Vec<String>, Option<bool>) {
        let push = self.asked(commit, options);
        let (lines, mut said) = mpsc::channel(1_000);
        let controller = running.controller.clone();
        let pushed = running.runtime.spawn(async move { controller.push(push, lines).await });
        let until = Instant::now() + PATIENCE;
        while !pushed.is_finished() && !self.sandbox.world.is_away() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(2));
        }
        let verdict = pushed.is_finished().then(|| running.runtime.block_on(pushed).unwrap());
        let mut lines = Vec::new();
        while let Ok(line) = said.try_recv() {
            lines.push(line);
        }
        (lines, verdict)
    }

    /// Waits until nothing is left to do.
    fn rest(&self, running: &Running) {
        let store = Store::new(Engine::Simulated(self.sandbox.world.clone()));
        let until = Instant::now() + PATIENCE;
        let is_at_rest = || {
            running.runtime.block_on(async {
                let open = store.intents().await.unwrap().intents.into_values().any(|intent| !intent.state.has_ended());
                let stacks = store.stacks().await.unwrap().into_values();
                !open && stacks.map(|records| History::new(records.releases)).all(|it| it.rolling().is_none())
            })
        };
        while !is_at_rest() {
            assert!(Instant::now() < until, "it never comes to rest: {:?}", self.intent(running));
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn intent(&self, running: &Running) -> Option<Intent> {
        self.intent_of(REPOSITORY, running)
    }

    fn intent_of(&self, repository: &str, running: &Running) -> Option<Intent> {
        let store = Store::new(Engine::Simulated(self.sandbox.world.clone()));
        let intents = running.runtime.block_on(store.intents()).unwrap().intents;
        intents.into_values().find(|intent| intent.origin.repository.name() == repository)
    }

    /// What runs, where the branch is, and what is known of the commit.
    fn end(&self, running: &Running, commit: &CommitId) -> Vec<String> {
        let engine = Engine::Simulated(self.sandbox.world.clone());
        let mut end = Vec::new();
        for stack in STACKS {
            let observed =
                running.runtime.block_on(Swarm::new(engine.clone()).observe(&stack.parse().unwrap())).unwrap();
            end.extend(observed.services.values().map(|web| format!("{stack} {}", web.service.image)));
        }
        end.push(format!(
            "the branch is at {}",
            if self.main().as_ref() == Some(commit) { "it" } else { "the one before" }
        ));
        if let Some(Intent { state: State::Failed { why, .. }, .. }) = self.intent(running) {
            end.push(why);
        }
        end
    }
}

fn bare(folder: &Path) -> PathBuf {
    folder.join("git").join(format!("{REPOSITORY}.git"))
}

/// How a push ends whose inn has this image; the controller is killed after so many requests. `None` if it was done before.
fn end_of_a_push(inn: &str, killed_after: Option<u32>) -> Option<Vec<String>> {
    let mut town = Town::open();
    town.sandbox.world.script("app:sick", Behaviour::Crash { exit_code: 1, after: Duration::from_millis(100) });
    let (commit, mut running) = (town.commit(inn, "app:2"), town.start());
    if let Some(requests) = killed_after {
        town.sandbox.world.away_after(requests);
    }
    let (_, verdict) = town.push(&running, &commit, &[]);
    if verdict.is_none() {
        running.kill();
        town.sandbox.world.away(false);
        running = town.start();
        town.rest(&running);
        let nothing_was_recorded = town.intent(&running).is_none() && town.main().as_ref() != Some(&commit);
        if nothing_was_recorded {
            // The pusher was told nothing, and pushes again.
            town.push(&running, &commit, &[]);
        }
    } else if killed_after.is_some() {
        return None;
    }
    town.rest(&running);
    Some(town.end(&running, &commit))
}

/// Kills at every so many requests, all at once, and compares the ends.
fn kill_everywhere(inn: &str, stride: u32) -> Vec<String> {
    let undisturbed = end_of_a_push(inn, None).unwrap();
    let kills: Vec<u32> = (0..12).map(|number| number * stride).collect();
    std::thread::scope(|scope| {
        let ends: Vec<_> = kills.iter().map(|kill| (kill, scope.spawn(|| end_of_a_push(inn, Some(*kill))))).collect();
        for (kill, end) in ends {
            if let Some(end) = end.join().unwrap() {
                assert_eq!(end, undisturbed, "killed after {kill} requests");
            }
        }
    });
    undisturbed
}

#[test]
fn a_pusher_who_reads_nothing_delays_nothing() {
    let mut town = Town::open();
    let (commit, running) = (town.commit("app:2", "app:2"), town.start());
    let (lines, unread) = mpsc::channel(1);
    let (push, controller) = (town.asked(&commit, &[]), running.controller.clone());
    let pushed = running.runtime.spawn(async move { controller.push(push, lines).await });
    let until = Instant::now() + PATIENCE;
    while town.main().as_ref() != Some(&commit) {
        assert!(Instant::now() < until, "the branch is not moved");
        std::thread::yield_now();
    }
    assert!(!pushed.is_finished(), "the verdict comes after the lines");
    drop(unread);
    assert!(running.runtime.block_on(pushed).unwrap());
}

#[test]
fn a_commit_with_a_sick_stack_ends_the_same_whenever_the_controller_is_killed() {
    insta::assert_snapshot!(kill_everywhere("app:sick", 11).join("\n"), @"
    bakery app:2
    inn app:1
    mill app:2
    the branch is at the one before
    inn r2 was not healthy; r1 runs again
    ");
}

#[test]
fn a_commit_whose_stacks_are_well_runs_as_a_whole_whenever_the_controller_is_killed() {
    insta::assert_snapshot!(kill_everywhere("app:2", 8).join("\n"), @"
    bakery app:2
    inn app:2
    mill app:2
    the branch is at it
    ");
}

#[test]
fn a_commit_that_ends_the_controller_again_is_given_up_until_somebody_means_it() {
    let mut town = Town::open();
    let commit = town.commit("app:2", "app:2");
    let store = Store::new(Engine::Simulated(town.sandbox.world.clone()));
    let running = town.start();
    // What a controller leaves that was killed while it prepared the stacks for the second time.
    let intent = left(REPOSITORY, &commit, Cause::Push, State::Preparing { attempt: 2 });
    let intent = Intent { base: town.main(), ..intent };
    running.runtime.block_on(store.intend(&Lease::of_command(), intent)).unwrap();
    running.kill();
    let running = town.start();
    town.rest(&running);
    assert!(matches!(town.intent(&running).unwrap().state, State::GivenUp { .. }));
    let (said, verdict) = town.push(&running, &commit, &[]);
    assert_eq!(verdict, Some(false));
    let said = said.join("\n").replace(commit.short(), "COMMIT");
    insta::assert_snapshot!(said, @"error: COMMIT was given up, because skep ended abruptly while it handled this commit (its log may say why); push a change, or the same again with `git push -o retry`");
    let (said, verdict) = town.push(&running, &commit, &["retry"]);
    assert_eq!(verdict, Some(true), "{said:?}");
    assert_eq!((town.main(), town.intent(&running)), (Some(commit), None));
}

#[test]
fn a_watched_commit_that_ended_the_controller_is_not_read_again_and_a_newer_one_is() {
    let mut town = Town::open();
    let path = town.sandbox.path().join("elsewhere.git");
    let mut elsewhere = Repository::new(&path);
    let file = |image: &str| format!("x-skep: {{ stable: 1s }}\nservices: {{ web: {{ image: \"{image}\" }} }}\n");
    elsewhere.files.insert("stack.yml".into(), file("app:1"));
    let first = elsewhere.commit("Open the lake");
    let watched =
        config::Repository { poll_seconds: 1, ..config::Repository::at(&format!("file://{}", path.display())) };
    town.watched.insert("lake".into(), watched);
    let store = Store::new(Engine::Simulated(town.sandbox.world.clone()));
    let intent = left("lake", &first, Cause::Poll, State::Checking);
    town.sandbox.runtime.block_on(store.intend(&Lease::of_command(), intent)).unwrap();

    let running = town.start();
    town.rest(&running);
    assert!(matches!(town.intent_of("lake", &running).unwrap().state, State::GivenUp { .. }));
    elsewhere.files.insert("stack.yml".into(), file("app:2"));
    let second = elsewhere.commit("Mend it");
    let until = Instant::now() + PATIENCE;
    while town.intent_of("lake", &running).is_some() {
        assert!(Instant::now() < until, "{:?}", town.intent_of("lake", &running));
        std::thread::sleep(Duration::from_millis(20));
    }
    let records = running.runtime.block_on(store.history(&"lake".parse().unwrap())).unwrap();
    let commits: Vec<_> = records.releases.into_iter().map(|release| release.origin.commit).collect();
    assert_eq!(commits, [second], "nothing of the first was ever deployed");
}

/// What is left of a commit by a controller that was killed.
fn left(repository: &str, commit: &CommitId, cause: Cause, state: State) -> Intent {
    Intent {
        number: 0,
        origin: Origin {
            repository: if cause.is_found() {
                name::Repository::watched(repository)
            } else {
                name::Repository::hosted(repository)
            },
            branch: Some("main".into()),
            commit: commit.clone(),
            ..Origin::unknown()
        },
        cause,
        created: jiff::Timestamp::now(),
        base: None,
        user: Some("ada".into()),
        options: ["async".to_owned()].into(),
        news: true,
        stacks: STACKS.iter().map(|stack| stack.parse().unwrap()).collect(),
        state,
    }
}
