//! A swarm in memory, which answers the same requests: JSON in, JSON out, on a clock that the test sets.
//!
//! Modelled, as seen on Docker 20.10:
//! - services, networks, configs, secrets, tasks and nodes with ids, version indexes, filters and the refusals that a
//!   controller meets: a stale version, a name that is taken or no name, a thing in use, a change of mode, a config that
//!   holds something else;
//! - what the engine fills in when a service is created;
//! - tasks: made, started, restarted after a delay, with a history of five for each slot;
//! - rolling updates with parallelism, order, monitor, failure action and failure ratio; an update that replaces no
//!   task (labels, placement, replicas) has no status;
//! - jobs, and services with one task on every node;
//! - images: those that were built here, with their names and what was pushed of them; all others are on the nodes but those
//!   that a test says cannot be pulled, and no registry answers for them;
//! - builds, with BuildKit and without, as streams of reports; containers that run a test; uploads;
//! - containers of the first node's running tasks, and the few commands that can be run in them;
//! - nodes that go down and come back, engines that are restarted, and constraints on nodes: a task that was about to start
//!   on a node that is down holds up its update, as it does in swarmkit;
//! - what a test scripts: see [`Behaviour`]; failing requests, an engine that is away.
//!
//! Not modelled: the time that stopping a task takes, delays between batches of an update, the window of a restart
//! policy, how long a build takes, what an image holds, how soon a node is known to be down, preferences, resources, ports that are taken, networks that a task which is being stopped still uses, and whatever a container does.

mod builds;
mod containers;
mod events;
mod files;
mod images;
mod names;
mod networks;
mod orchestrator;
mod requests;
mod serve;
mod services;
mod shell;
mod tasks;
mod trials;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, TryStreamExt as _};
use jiff::Timestamp;
use serde_json::Value;
use tokio::io::DuplexStream;

pub use serve::serve;

use super::{Call, Error};
use containers::Execution;
use files::File;
use images::Image;
use networks::Network;
use requests::{Answer, Request};
use services::Service;
use tasks::Task;
use trials::Trial;

/// What is said in place of an address.
const ENDPOINT: &str = "simulated";

/// A swarm in memory. Cheap to clone; all clones are the same swarm.
#[derive(Clone, Debug)]
pub struct World(Arc<Mutex<State>>);

/// What becomes of the tasks of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// They run a second after they were started, and go on; those of a job end well a second later.
    Healthy,
    /// They run, and end.
    Crash {
        /// With this code; 0 is an end, but no failure.
        exit_code: i64,
        /// So long after they began to run.
        after: Duration,
    },
    /// Their health check never passes.
    NeverHealthy,
    /// Their image cannot be pulled.
    NoSuchImage,
    /// Their image cannot be pulled because its registry does not answer.
    RegistryAway,
    /// No node is suitable.
    NoNode,
    /// They start, and their health check fails until Swarm gives them up.
    Unhealthy,
    /// They run, and are killed a second later because they are out of memory.
    OutOfMemory,
    /// They run, and when they are told to stop they go on for so long.
    Drains {
        /// How long.
        for_long: Duration,
    },
}

/// A write that the swarm was asked for, whether it took it or not.
#[derive(Clone, Debug, PartialEq)]
pub struct Write {
    /// `POST` or `DELETE`.
    pub method: String,
    /// Such as `/services/create`.
    pub path: String,
    /// The body; null if there was none.
    pub body: Value,
    /// The header `X-Registry-Auth`.
    pub registry_auth: Option<String>,
    /// Whether it came over a socket, and not from within the process.
    pub over_socket: bool,
}

#[derive(Debug)]
struct State {
    now: Timestamp,
    /// The version index of the newest write.
    index: u64,
    ids: u64,
    nodes: u64,
    /// The nodes that are down.
    down: BTreeSet<String>,
    /// When nodes came back or registered anew.
    registered: BTreeMap<String, Timestamp>,
    services: BTreeMap<String, Service>,
    /// Oldest first.
    tasks: Vec<Task>,
    networks: BTreeMap<String, Network>,
    configs: BTreeMap<String, File>,
    secrets: BTreeMap<String, File>,
    scripts: BTreeMap<String, Behaviour>,
    logs: BTreeMap<String, Vec<String>>,
    executions: Vec<Execution>,
    /// What was built here, by its id.
    images: BTreeMap<String, Image>,
    trials: Vec<Trial>,
    without_buildkit: bool,
    writes: Vec<Write>,
    refusals: Vec<String>,
    failing: u32,
    failing_with: u16,
    /// What the next write is answered with.
    refusal: Option<(u16, String)>,
    /// Whether the next write is done, and its answer lost.
    loses_answer: bool,
    listeners: Vec<tokio::sync::mpsc::UnboundedSender<Bytes>>,
    /// The path whose next requests panic, and how many.
    panicking: Option<(String, u32)>,
    /// How many more requests are answered; all if none.
    reachable_for: Option<u32>,
    requests: u64,
    /// How much time passes with every look at the records.
    next: Duration,
}

/// What every object has.
#[derive(Debug, Clone)]
struct Meta {
    id: String,
    version: u64,
    created: Timestamp,
    updated: Timestamp,
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

impl World {
    /// A swarm of one node, on the first of January 2026.
    pub fn new() -> Self {
        Self::with_nodes(1)
    }

    /// A swarm of this many nodes, `node-1` and so on.
    pub fn with_nodes(nodes: u64) -> Self {
        let mut state = State {
            now: Timestamp::constant(1_767_225_600, 0),
            index: 10,
            ids: 0,
            nodes,
            down: BTreeSet::new(),
            registered: BTreeMap::new(),
            services: BTreeMap::new(),
            tasks: Vec::new(),
            networks: BTreeMap::new(),
            configs: BTreeMap::new(),
            secrets: BTreeMap::new(),
            scripts: BTreeMap::new(),
            logs: BTreeMap::new(),
            executions: Vec::new(),
            images: BTreeMap::new(),
            trials: Vec::new(),
            without_buildkit: false,
            writes: Vec::new(),
            refusals: Vec::new(),
            failing: 0,
            failing_with: 0,
            refusal: None,
            loses_answer: false,
            listeners: Vec::new(),
            panicking: None,
            reachable_for: None,
            requests: 0,
            next: Duration::ZERO,
        };
        state.add_predefined_networks();
        Self(Arc::new(Mutex::new(state)))
    }

    /// A swarm of one node, at this time.
    pub fn beginning_at(now: Timestamp) -> Self {
        let world = Self::new();
        world.state().now = now;
        world
    }

    /// Lets so much time pass whenever somebody looks at the records, as each round of a rollout does: for a controller
    /// in another process, which cannot set this clock.
    pub fn pass_with_each_look(&self, duration: Duration) {
        self.state().next = duration;
    }

    /// The time by this swarm's clock.
    pub fn now(&self) -> Timestamp {
        self.state().now
    }

    /// Lets time pass, and the swarm do what it does meanwhile.
    pub fn advance(&self, duration: Duration) {
        self.state().advance(duration);
    }

    /// Sets what becomes of the tasks of a service, by its full name, or of an image; the image counts more. Until
    /// then they are healthy. Tasks that run already are affected as well.
    pub fn script(&self, service_or_image: &str, behaviour: Behaviour) {
        self.state().scripts.insert(service_or_image.to_owned(), behaviour);
    }

    /// Sets what every task of a service, by its full name, has written.
    pub fn log(&self, service: &str, lines: &[&str]) {
        self.state().logs.insert(service.to_owned(), lines.iter().map(ToString::to_string).collect());
    }

    /// Takes BuildKit away from the engine: only its classic builder is left.
    pub fn lose_buildkit(&self) {
        self.state().without_buildkit = true;
    }

    /// What the swarm refused to write so far, in its own words; a write that carried a stale version index is no part of
    /// it.
    pub fn refusals(&self) -> Vec<String> {
        self.state().refusals.clone()
    }

    /// The writes that were asked for so far.
    pub fn calls(&self) -> Vec<Write> {
        self.state().writes.clone()
    }

    /// Forgets the writes that were asked for so far.
    pub fn forget_calls(&self) {
        self.state().writes.clear();
    }

    /// Makes the next requests fail with this status, and do nothing.
    pub fn fail_next(&self, count: u32, status: u16) {
        let mut state = self.state();
        (state.failing, state.failing_with) = (count, status);
    }

    /// Makes the next requests for this path panic, as a fault of skep itself would.
    pub fn panic_on(&self, path: &str, count: u32) {
        self.state().panicking = Some((path.to_owned(), count));
    }

    /// Makes the next write fail with this status and these words, and do nothing: what is read is still answered.
    pub fn refuse_next_write(&self, status: u16, message: &str) {
        self.state().refusal = Some((status, message.to_owned()));
    }

    /// Makes the connection break after the next write was done and before it is answered.
    pub fn lose_next_answer(&self) {
        self.state().loses_answer = true;
    }

    /// Lets nodes join until there are so many.
    pub fn grow_to(&self, nodes: u64) {
        self.state().nodes = nodes;
    }

    /// Takes a node such as `node-2` down: its tasks stay as they are, and others are made for them elsewhere.
    pub fn lose_node(&self, node: &str) {
        self.state().lose_node(node);
    }

    /// Brings a node back, which then tells that it has stopped its tasks.
    pub fn return_node(&self, node: &str) {
        self.state().return_node(node);
    }

    /// Restarts the engine of a node, which stops its containers; nobody sees that the node is down meanwhile.
    pub fn restart_engine(&self, node: &str) {
        self.state().restart_engine(node);
    }

    /// Makes the engine unreachable, or reachable again. Its swarm goes on.
    pub fn away(&self, away: bool) {
        self.state().reachable_for = if away { Some(0) } else { None };
    }

    /// Whether the engine is unreachable.
    pub fn is_away(&self) -> bool {
        self.state().reachable_for == Some(0)
    }

    /// Makes the engine unreachable after so many more requests: what a controller leaves half done, if it is killed.
    pub fn away_after(&self, requests: u32) {
        self.state().reachable_for = Some(requests);
    }

    /// How many requests were made so far.
    pub fn requests(&self) -> u64 {
        self.state().requests
    }

    pub(super) fn call(&self, call: &Call) -> Result<Bytes, Error> {
        self.ask(call, Bytes::new())
    }

    /// As [`call`](Self::call), with a tarball as the body.
    pub(super) async fn upload(
        &self,
        call: &Call,
        tarball: impl Stream<Item = io::Result<Bytes>>,
    ) -> Result<Bytes, Error> {
        let tarball = tarball.try_fold(Vec::new(), async |mut read: Vec<u8>, piece| {
            read.extend_from_slice(&piece);
            Ok(read)
        });
        let broken = |error: io::Error| Error::Away { endpoint: ENDPOINT.into(), reason: error.to_string() };
        let tarball = Box::pin(tarball).await.map_err(broken)?;
        self.ask(call, tarball.into())
    }

    /// A connection on which nothing is ever asked, as that of a build whose base images are all there.
    pub(super) fn hijack(&self, call: &Call) -> Result<DuplexStream, Error> {
        self.call(call)?;
        let (ours, theirs) = tokio::io::duplex(1 << 16);
        tokio::spawn(serve::ignore(theirs));
        Ok(ours)
    }

    fn ask(&self, call: &Call, tarball: Bytes) -> Result<Bytes, Error> {
        let query = call.query.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
        let request = Request {
            query,
            body: call.body.clone(),
            registry_auth: call.registry_auth.clone(),
            tarball,
            ..Request::new(call.method, &call.path)
        };
        let Some(answer) = self.answer(&request) else {
            return Err(Error::Away { endpoint: ENDPOINT.into(), reason: "it was made to be away".into() });
        };
        match answer {
            Answer { status: 200..=299, body } => Ok(body),
            Answer { status, body } => Err(super::docker::refused(call, status, &body)),
        }
    }

    /// The answer to a request; none if the engine is away.
    fn answer(&self, request: &Request) -> Option<Answer> {
        let mut state = self.state();
        state.requests += 1;
        state.answer(request)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A test that failed while it held the lock must not hide its own message behind another panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The index of a new write.
    fn next_index(&mut self) -> u64 {
        self.index += 1;
        self.index
    }

    fn new_id(&mut self, kind: &str) -> String {
        self.ids += 1;
        format!("{kind}{:021}", self.ids)
    }

    fn new_meta(&mut self, kind: &str) -> Meta {
        Meta { id: self.new_id(kind), version: self.next_index(), created: self.now, updated: self.now }
    }

    fn node_ids(&self) -> impl Iterator<Item = String> + use<> {
        (1..=self.nodes).map(|number| format!("node-{number}"))
    }
}

#[cfg(test)]
mod tests;
