//! Where a story is played: the controller's own code between real Git and a swarm, simulated or real.
//!
//! A stage is one controller and the people around it. It makes the rounds of all stacks itself, one after another, so
//! that a story always goes the same way; [`Stage::perform`] has the words for what can be done.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use regex::{Captures, Regex};
use serde_json::Value;
use skep::build::{Builder, Limits};
use skep::config::Settings;
use skep::controller::clock::Clock;
use skep::controller::cluster::{Accepted, Cluster};
use skep::controller::deploy::{Begun, Deployer};
use skep::controller::events::{EventSender, reader};
use skep::controller::prepare::{Preparer, named};
use skep::controller::request::DeployRequest;
use skep::controller::rollout::{Next, Rollout};
use skep::controller::supersede::Generation;
use skep::controller::workers::Workers;
use skep::controller::{Metrics, origin};
use skep::diagnostic::render;
use skep::diagnostic::{Diagnostic, Severity};
use skep::engine::simulated::{Behaviour, World};
use skep::engine::{Call, Engine, docker::Client};
use skep::event::{self, Narrator};
use skep::health;
use skep::lease::Lease;
use skep::lint;
use skep::name::{self, StackName};
use skep::plan::observed::{Observed, ObservedService, Task, TaskState};
use skep::probe::Prober;
use skep::release::{Cause, Outcome, ReleaseId};
use skep::source::{self, Objects};
use skep::store::Store;
use skep::swarm::Swarm;

use super::docker::Docker;
use super::repository::Repository;
use super::sandbox::{Sandbox, skep};

/// How many rounds a story may take at most: more than ten minutes of them.
const ROUNDS: u32 = 5_000;
/// What a controller waits after a round that it could not make.
const AGAIN: Duration = Duration::from_secs(1);
/// How often it is looked whether the swarm has come to rest, and how long apart.
const LOOKS: u32 = 300;
const PAUSE: Duration = Duration::from_millis(200);
/// Whose files are pushed, unless a command says otherwise.
const REPOSITORY: &str = "town";

/// A controller, and the people around it.
pub(crate) struct Stage {
    sandbox: Sandbox,
    /// None on the simulated swarm.
    docker: Option<Docker>,
    deployer: Deployer,
    repositories: BTreeMap<String, Repository>,
    rollouts: BTreeMap<StackName, Rollout>,
    awaited: Vec<Awaited>,
    stacks: BTreeSet<StackName>,
    /// The keys of images that were told.
    keys: Keys,
    /// Whether the controller is about to be killed.
    doomed: bool,
    /// Whether the pusher agrees to the removal of many services.
    confirmed: bool,
    /// Whether the pusher wants a stack taken over.
    adopts: bool,
}

/// The keys of images that skep has built. They depend on names that each engine has of its own, so they are told as
/// `key1`, `key2` in the order in which they come.
#[derive(Default)]
struct Keys(Vec<String>);

impl Keys {
    fn name(&mut self, line: &str) -> String {
        let key = Regex::new(r"\b[0-9a-f]{32}\b").unwrap();
        let known = |found: &Captures<'_>| {
            let place = self.0.iter().position(|known| *known == found[0]);
            let place = place.unwrap_or_else(|| {
                self.0.push(found[0].to_owned());
                self.0.len() - 1
            });
            format!("key{}", place + 1)
        };
        key.replace_all(line, known).into_owned()
    }
}

/// A release that somebody waits for.
struct Awaited {
    stack: StackName,
    release: ReleaseId,
    urls: Vec<String>,
}

/// The controller is no more.
struct Killed;

impl Stage {
    pub(crate) fn simulated() -> Self {
        let world = World::new();
        let (engine, clock) = (Engine::Simulated(world.clone()), Clock::Simulated(world.clone()));
        Self::new(Sandbox::of(world), None, engine, clock)
    }

    pub(crate) fn on(docker: Docker) -> Self {
        let engine = Engine::Docker(Client::connect(&Docker::host()).unwrap());
        Self::new(Sandbox::of(World::new()), Some(docker), engine, Clock::System)
    }

    fn new(sandbox: Sandbox, docker: Option<Docker>, engine: Engine, clock: Clock) -> Self {
        let builder = Builder::new(engine.clone(), None, Limits::default());
        let mut swarm = Swarm::new(engine.clone());
        swarm.data_root = sandbox.path().join("data");
        let store = Store::new(engine.clone());
        let store = if docker.is_some() { store.with_scope(Docker::scope().parse().unwrap()) } else { store };
        let cluster = Cluster { swarm, store, prober: Prober::new(engine), clock };
        let deployer = Deployer {
            preparer: Preparer::new(builder, Arc::new(Settings::default())),
            workers: Workers::new(cluster.clone(), Lease::of_controller(), EventSender::nowhere(), Metrics::new(), 1),
            cluster,
            lease: Lease::of_controller(),
        };
        Self {
            sandbox,
            docker,
            deployer,
            repositories: BTreeMap::new(),
            rollouts: BTreeMap::new(),
            awaited: Vec::new(),
            stacks: BTreeSet::new(),
            keys: Keys::default(),
            doomed: false,
            confirmed: false,
            adopts: false,
        }
    }

    /// Puts a file into the repository; an empty one takes it away.
    pub(crate) fn file(&mut self, path: &str, text: &str) {
        let (path, text) = (self.inward(path), self.inward(text));
        let files = &mut self.repository(REPOSITORY).files;
        if text.trim().is_empty() {
            files.remove(&path)
        } else {
            files.insert(path, text)
        };
    }

    /// Does what a line of a story says, and tells what was said.
    pub(crate) fn perform(&mut self, line: &str) -> Vec<String> {
        let words = shlex::split(&self.inward(line)).unwrap_or_else(|| panic!("quotes are open in `{line}`"));
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let mut said = Vec::new();
        if self.act(&words, &mut said, line).is_err() {
            self.bury(&mut said);
        }
        let said: Vec<String> = said.iter().map(|line| self.outward(line)).collect();
        said.iter().map(|line| self.keys.name(line)).collect()
    }

    fn act(&mut self, words: &[&str], said: &mut Vec<String>, line: &str) -> Result<(), Killed> {
        match *words {
            ["push", subject] => self.push(REPOSITORY, subject, false, said)?,
            ["push", subject, "-o", "retry"] => self.push(REPOSITORY, subject, true, said)?,
            ["push", subject, "-o", "confirm-removal"] => {
                self.confirmed = true;
                let pushed = self.push(REPOSITORY, subject, false, said);
                self.confirmed = false;
                pushed?;
            }
            ["push", subject, "-o", "adopt"] => {
                self.adopts = true;
                let pushed = self.push(REPOSITORY, subject, false, said);
                self.adopts = false;
                pushed?;
            }
            ["push", subject, "from", repository] => self.push(repository, subject, false, said)?,
            ["begin", subject] => self.begin(REPOSITORY, subject, Cause::Push, false, said)?,
            ["poll", subject] => {
                self.begin(REPOSITORY, subject, Cause::Poll, false, said)?;
                self.follow(said)?;
            }
            ["follow"] => self.follow(said)?,
            ["round"] => self.round(&mut BTreeMap::new(), said).map(drop)?,
            ["edit", path, old, new] => self.edit(path, old, new),
            ["swarm"] => self.swarm(true, said),
            ["swarm", "at", "once"] => self.swarm(false, said),
            ["skep", ..] => self.skep(&words[1..], said),
            ["someone", "scales", service, count] => self.scale(service, count.parse().unwrap()),
            ["someone", "removes", "the", "records", "of", stack] => self.remove_records(stack),
            ["time", "passes:", seconds, "s"] => self.pass(Duration::from_secs(seconds.parse().unwrap())),
            ["the", "controller", "is", "killed", "after", count, "requests"] => {
                self.doomed = true;
                self.sandbox.world.away_after(count.parse().unwrap());
            }
            ["the", "controller", "is", "killed"] => self.bury(said),
            ["the", "engine", "is", "away", "for", seconds, "s"] => {
                self.sandbox.world.away(true);
                self.round(&mut BTreeMap::new(), said)?;
                self.pass(Duration::from_secs(seconds.parse().unwrap()));
                self.sandbox.world.away(false);
            }
            ["the", "engine", "answers", count, "requests", "with", status] => {
                self.sandbox.world.fail_next(count.parse().unwrap(), status.parse().unwrap());
            }
            ["the", "next", "write", "is", "refused:", message] => {
                self.sandbox.world.refuse_next_write(500, message);
            }
            ["the", "answer", "to", "the", "next", "write", "is", "lost"] => self.sandbox.world.lose_next_answer(),
            ["the", "swarm", "has", count, "nodes"] => self.sandbox.world.grow_to(count.parse().unwrap()),
            [node, "goes", "down"] => self.sandbox.world.lose_node(node),
            [node, "comes", "back"] => self.sandbox.world.return_node(node),
            ["the", "engine", "of", node, "is", "restarted"] => self.sandbox.world.restart_engine(node),
            [service, "logs", "nothing"] => self.sandbox.world.log(service, &[]),
            [service, "logs", text] => self.sandbox.world.log(service, &[text]),
            [who, ref what @ ..] => match behaviour(&what.join(" ")) {
                Some(behaviour) => self.script(who, behaviour),
                None => panic!("nobody knows how to do `{line}`"),
            },
            [] => panic!("a line is empty"),
        }
        Ok(())
    }

    fn push(&mut self, repository: &str, subject: &str, retry: bool, said: &mut Vec<String>) -> Result<(), Killed> {
        self.begin(repository, subject, Cause::Push, retry, said)?;
        self.follow(said)
    }

    /// Commits, checks and records; nothing is rolled out yet.
    fn begin(
        &mut self,
        name: &str,
        subject: &str,
        cause: Cause,
        retry: bool,
        said: &mut Vec<String>,
    ) -> Result<(), Killed> {
        self.build_images();
        let repository = name.to_owned();
        self.repository(name).files = self.repository(REPOSITORY).files.clone();
        let path = self.repository(name).path.clone();
        let commit = self.repository(name).commit(subject);
        let variables = BTreeMap::new();
        let wanted = |revision: &skep::revision::Revision| revision.wanted_with(&BTreeMap::new());
        let revision = self.sandbox.runtime.block_on(source::read(&path, &commit, None, wanted)).unwrap();
        let origin = origin(&revision, name::Repository::hosted(&repository), Some("main"));
        let checked = match lint::check(revision, &variables) {
            Ok(checked) => checked,
            Err(rejection) => {
                let errors = |finding: &Diagnostic| finding.severity == Severity::Error;
                let findings: Vec<_> = rejection.findings.into_iter().filter(errors).collect();
                said.extend(render::remote(&findings, &rejection.texts, 20));
                said.push("the push is refused, nothing was changed".into());
                return Ok(());
            }
        };
        let (objects, news) = (Objects::of_repository(&path, None), cause == Cause::Push);
        let since = self.deployer.cluster.clock.now();
        let generation = Generation::only();
        let agreed = [("retry", retry), ("confirm-removal", self.confirmed), ("adopt", self.adopts)];
        let options = agreed.into_iter().filter(|(_, given)| *given).map(|(option, _)| option.to_owned()).collect();
        let (fallback, plans) = (repository.clone(), BTreeMap::new());
        let request = DeployRequest {
            checked,
            objects,
            origin,
            fallback,
            base: None,
            cause,
            news,
            since,
            generation,
            options,
            plans,
        };
        for (stack, checked) in named(&request.checked, None, &repository).unwrap() {
            self.stacks.insert(stack.clone());
            let events = EventSender::nowhere();
            let begun = self.deployer.begin(&request, &stack, checked, &events);
            match self.sandbox.runtime.block_on(begun) {
                Ok(Begun { accepted: Accepted::Rolling(release), urls, .. }) => {
                    said.push(format!("{stack} {release} rolls out"));
                    self.awaited.push(Awaited { stack, release, urls });
                }
                Ok(Begun { accepted: Accepted::Unchanged(release), urls, .. }) => {
                    said.push(event::verdict(&stack, Some(release), &Outcome::Unchanged, &urls));
                }
                Err(_) if self.doomed => return Err(Killed),
                Err(refused) => said.push(format!("{stack} was not deployed: {refused}")),
            }
        }
        Ok(())
    }

    /// Makes rounds until there is nothing left to do, and tells how everything ended that somebody waits for.
    fn follow(&mut self, said: &mut Vec<String>) -> Result<(), Killed> {
        let mut narrators = BTreeMap::new();
        for _ in 0..ROUNDS {
            match self.round(&mut narrators, said)? {
                Next::Rest if self.awaited.is_empty() => return Ok(()),
                Next::Rest => panic!("nobody does anything any more; so far: {said:#?}"),
                next => self.pass(next.pause()),
            }
        }
        panic!("this goes on for ever: {said:#?}");
    }

    /// One round of every stack; the shortest of their paces.
    fn round(&mut self, narrators: &mut BTreeMap<StackName, Narrator>, said: &mut Vec<String>) -> Result<Next, Killed> {
        let mut paces = Vec::new();
        for stack in self.stacks.clone() {
            let narrator = narrators.entry(stack.clone()).or_default();
            paces.push(self.round_of(&stack, narrator, said)?);
        }
        Ok(paces.into_iter().min_by_key(|next| next.pause()).unwrap_or(Next::Rest))
    }

    fn round_of(&mut self, stack: &StackName, narrator: &mut Narrator, said: &mut Vec<String>) -> Result<Next, Killed> {
        let cluster = self.deployer.cluster.clone();
        let rollout = self
            .rollouts
            .entry(stack.clone())
            .or_insert_with(|| Rollout::new(cluster, Lease::of_controller(), stack.clone()));
        let (reader, mut events) = reader();
        let sender = EventSender::nowhere().of_stack(stack).to([reader]);
        let outcome = self.sandbox.runtime.block_on(rollout.round(&sender));
        while let Some(event) = events.next_now() {
            said.extend(narrator.say(&event));
        }
        let (next, history) = match outcome {
            Ok(round) => round,
            Err(_) if self.doomed => return Err(Killed),
            Err(error) => {
                said.push(format!("  (a round fails: {error})"));
                self.pass(AGAIN);
                return Ok(Next::Soon);
            }
        };
        self.awaited.retain(|awaited| match history.outcome(awaited.release) {
            Some(outcome) if awaited.stack == *stack => {
                said.push(event::verdict(stack, Some(awaited.release), &outcome, &awaited.urls));
                false
            }
            _ => true,
        });
        // What was recorded since the round began is for the next one.
        Ok(if next == Next::Rest && history.rolling().is_some() { Next::Now } else { next })
    }

    /// The controller goes, and all that it remembers; the next one starts with the next command.
    fn bury(&mut self, said: &mut Vec<String>) {
        said.push("(the controller is killed)".into());
        self.sandbox.world.away(false);
        self.rollouts.clear();
        self.doomed = false;
    }

    fn edit(&mut self, path: &str, old: &str, new: &str) {
        let file = self.repository(REPOSITORY).files.get_mut(path).unwrap_or_else(|| panic!("there is no {path}"));
        assert!(file.contains(old), "{path} has no `{old}`:\n{file}");
        *file = file.replace(old, new);
    }

    /// How often the simulated swarm was told of a service with this text in it.
    pub(crate) fn writes_of_services_with(&self, text: &str) -> usize {
        let calls = self.sandbox.world.calls();
        let is_meant = |path: &str| path.starts_with("/services/");
        calls.iter().filter(|call| is_meant(&call.path) && call.body.to_string().contains(text)).count()
    }

    /// What there is of the stacks that were ever pushed, at once or when every task is where Swarm wants it.
    fn swarm(&self, settled: bool, said: &mut Vec<String>) {
        for stack in &self.stacks {
            let observed = if settled { self.settled(stack) } else { self.observed(stack) };
            for (name, there) in &observed.services {
                let wanted = health::wanted(&there.service).map_or_else(String::new, |wanted| format!("/{wanted}"));
                let image = there.service.image.split('@').next().unwrap();
                said.push(format!("service {}  {image}  {}{wanted}", stack.scoped(name.as_str()), there.running()));
            }
            said.extend(observed.networks.keys().map(|name| format!("network {name}")));
            said.extend(observed.configs.keys().map(|name| format!("config {name}")));
            said.extend(observed.secrets.keys().map(|name| format!("secret {name}")));
        }
        if said.is_empty() {
            said.push("(nothing)".into());
        }
    }

    fn observed(&self, stack: &StackName) -> Observed {
        self.sandbox.runtime.block_on(self.deployer.cluster.swarm.observe(stack)).unwrap()
    }

    /// A verdict may come while a task of the version before still ends, and a change while its tasks still start: how
    /// long that takes depends on the machine. What never comes to rest is shown as it is in the end.
    fn settled(&self, stack: &StackName) -> Observed {
        for _ in 0..LOOKS {
            let observed = self.observed(stack);
            if observed.services.values().all(is_settled) {
                return observed;
            }
            self.pass(PAUSE);
        }
        self.observed(stack)
    }

    fn skep(&self, arguments: &[&str], said: &mut Vec<String>) {
        // It waits in another process for what the simulated swarm does with its own time.
        let waits = arguments.first() == Some(&"remove");
        self.sandbox.world.pass_with_each_look(if waits { AGAIN } else { Duration::ZERO });
        let output = skep(&self.host(), self.sandbox.path(), arguments);
        self.sandbox.world.pass_with_each_look(Duration::ZERO);
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        said.extend(text.lines().map(str::to_owned));
        if !output.status.success() {
            said.push(format!("(exit code {})", output.status.code().unwrap()));
        }
    }

    fn scale(&self, service: &str, count: u64) {
        self.sandbox.runtime.block_on(async {
            let engine = self.engine();
            let body = engine.call(Call::get(format!("/services/{service}"))).await.unwrap();
            let service: Value = serde_json::from_slice(&body).unwrap();
            let mut spec = service["Spec"].clone();
            spec["Mode"]["Replicated"]["Replicas"] = count.into();
            let path = format!("/services/{}/update", service["ID"].as_str().unwrap());
            engine.call(Call::post(path, spec).with("version", &service["Version"]["Index"])).await.unwrap();
        });
    }

    fn remove_records(&self, stack: &str) {
        let prefix = format!("skep.{stack}.");
        self.sandbox.runtime.block_on(async {
            let engine = self.engine();
            let records: Vec<Value> = engine.json(Call::get("/configs").filtered("name", &[&prefix])).await.unwrap();
            for record in records {
                engine.call(Call::delete(format!("/configs/{}", record["ID"].as_str().unwrap()))).await.unwrap();
            }
        });
    }

    fn script(&mut self, who: &str, behaviour: Behaviour) {
        match &mut self.docker {
            Some(docker) => docker.script(who, behaviour),
            None => self.sandbox.world.script(who, behaviour),
        }
    }

    fn build_images(&mut self) {
        let files: Vec<String> = self.repository(REPOSITORY).files.values().cloned().collect();
        if let Some(docker) = &mut self.docker {
            for text in &files {
                docker.build_images(text);
            }
        }
    }

    fn pass(&self, time: Duration) {
        self.sandbox.runtime.block_on(self.deployer.cluster.clock.wait(time));
    }

    fn repository(&mut self, name: &str) -> &mut Repository {
        let path = self.sandbox.path().join(format!("{name}.git"));
        self.repositories.entry(name.to_owned()).or_insert_with(|| Repository::new(&path))
    }

    fn engine(&self) -> Engine {
        match &self.docker {
            Some(_) => Engine::Docker(Client::connect(&Docker::host()).unwrap()),
            None => Engine::Simulated(self.sandbox.world.clone()),
        }
    }

    fn host(&self) -> String {
        self.docker.as_ref().map_or_else(|| self.sandbox.host(), |_| Docker::host())
    }

    fn inward(&self, text: &str) -> String {
        self.docker.as_ref().map_or_else(|| text.to_owned(), |docker| docker.inward(text))
    }

    fn outward(&self, text: &str) -> String {
        self.docker.as_ref().map_or_else(|| text.to_owned(), |docker| docker.outward(text))
    }
}

/// Whether all its tasks are where Swarm wants them, and none runs beside the one that takes its place.
fn is_settled(there: &ObservedService) -> bool {
    let wanted = health::wanted(&there.service).and_then(|wanted| usize::try_from(wanted).ok());
    there.tasks.iter().all(is_at_rest) && wanted.is_none_or(|wanted| there.running() <= wanted)
}

/// Whether a task is where Swarm wants it.
fn is_at_rest(task: &Task) -> bool {
    if task.desired.is_over() { task.state.is_over() } else { task.state == TaskState::Running }
}

fn behaviour(words: &str) -> Option<Behaviour> {
    Some(match words {
        "crashes" => Behaviour::Crash { exit_code: 1, after: Duration::from_secs(1) },
        "ends well" => Behaviour::Crash { exit_code: 0, after: Duration::from_secs(1) },
        "is never healthy" => Behaviour::NeverHealthy,
        "fails its health check" => Behaviour::Unhealthy,
        "needs too much memory" => Behaviour::OutOfMemory,
        "cannot be pulled" => Behaviour::NoSuchImage,
        "waits for its registry" => Behaviour::RegistryAway,
        "finds no node" => Behaviour::NoNode,
        "drains for 5s" => Behaviour::Drains { for_long: Duration::from_secs(5) },
        "is healthy" => Behaviour::Healthy,
        _ => return None,
    })
}
