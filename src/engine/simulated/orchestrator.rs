//! What a swarm does while time passes: it starts, restarts and replaces tasks.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::services::Service;
use super::tasks::Task;
use super::{Behaviour, State};
use crate::plan::observed::{Node, TaskState};
use crate::time;

/// How long a task takes to run, and that of a job to end.
const START: SignedDuration = SignedDuration::from_secs(1);
/// How long the task of a service that was removed takes to stop.
const STOP: SignedDuration = SignedDuration::from_secs(1);
/// How long until a task is given up whose health check fails.
const UNHEALTHY: SignedDuration = SignedDuration::from_secs(3);
/// In such steps time passes.
const STEP: Duration = Duration::from_millis(100);
/// How long an update watches a task, unless the service says otherwise (swarmkit `api/defaults/service.go`).
const MONITOR: SignedDuration = SignedDuration::from_secs(5);
/// How long until a task that ended is replaced, unless the service says otherwise (same file).
const RESTART_DELAY: SignedDuration = SignedDuration::from_secs(5);
/// How many tasks of a slot are remembered.
const HISTORY: usize = 5;

/// A place for a task: a slot of a replicated service, a node of a global one.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    slot: u64,
    node: String,
}

impl State {
    pub(super) fn advance(&mut self, duration: Duration) {
        let mut left = duration;
        while !left.is_zero() {
            let step = left.min(STEP);
            self.now = time::after(self.now, SignedDuration::try_from(step).unwrap_or(SignedDuration::MAX));
            left = left.saturating_sub(step);
            self.orchestrate();
        }
    }

    /// Does what is due now.
    pub(super) fn orchestrate(&mut self) {
        self.progress_tasks();
        let (services, now) = (&self.services, self.now);
        self.tasks.retain(|task| services.contains_key(&task.service) || now < time::after(task.since, STOP));
        let ids: Vec<String> = self.services.keys().cloned().collect();
        for id in &ids {
            let places = self.places(&self.services[id]);
            let (is_wanted, down) = (|task: &Task| places.iter().any(|place| place.has(task)), &self.down);
            self.tasks.retain(|task| task.service != *id || is_wanted(task) || down.contains(&task.node));
            self.fill(id, &places);
            self.update(id, &places);
            self.forget_old_tasks(id, &places);
        }
    }

    fn progress_tasks(&mut self) {
        for index in 0..self.tasks.len() {
            let task = &self.tasks[index];
            if self.down.contains(&task.node) {
                continue;
            }
            if let Some(service) = self.services.get(&task.service) {
                if task.node.is_empty() && task.is_live() {
                    let node = self.candidates(service).into_iter().next();
                    self.tasks[index].look_for_node(node, self.now);
                    continue;
                }
                let (behaviour, is_job) = (self.behaviour(service, task), service.is_job());
                self.tasks[index].progress(&behaviour, is_job, self.now);
            }
        }
    }

    pub(super) fn behaviour(&self, service: &Service, task: &Task) -> Behaviour {
        let image = task.spec["ContainerSpec"]["Image"].as_str().unwrap_or_default();
        let script = self.scripts.get(image).or_else(|| self.scripts.get(service.name()));
        script.cloned().unwrap_or(Behaviour::Healthy)
    }

    /// Where the service wants tasks.
    fn places(&self, service: &Service) -> Vec<Place> {
        let mode = &service.spec["Mode"];
        let nodes = self.candidates(service);
        if mode.get("Global").is_some() || mode.get("GlobalJob").is_some() {
            return nodes.into_iter().map(|node| Place { slot: 0, node }).collect();
        }
        let count = mode["Replicated"]["Replicas"].as_u64().or(mode["ReplicatedJob"]["TotalCompletions"].as_u64());
        let stays = |slot| {
            let tasks = self.tasks.iter().filter(|task| task.service == service.id() && task.slot == slot);
            tasks.filter(|task| task.is_live() && nodes.contains(&task.node)).map(|task| task.node.clone()).next()
        };
        let next = |slot: u64| nodes.iter().cycle().nth(usize::try_from(slot - 1).unwrap_or(0)).cloned();
        let node = |slot| stays(slot).or_else(|| next(slot)).unwrap_or_default();
        (1..=count.unwrap_or(1)).map(|slot| Place { slot, node: node(slot) }).collect()
    }

    /// The nodes that may run tasks of a service.
    fn candidates(&self, service: &Service) -> Vec<String> {
        let constraints = service.spec["TaskTemplate"]["Placement"]["Constraints"].as_array();
        let constraints: Vec<String> =
            constraints.into_iter().flatten().filter_map(|it| it.as_str().map(String::from)).collect();
        let node = |id: &String| Node {
            id: id.clone(),
            hostname: id.clone(),
            role: "manager".into(),
            os: "linux".into(),
            architecture: "x86_64".into(),
            address: "127.0.0.1".into(),
            ..Node::default()
        };
        let fits = |id: &String| !self.down.contains(id) && node(id).satisfies(&constraints);
        self.node_ids().filter(fits).collect()
    }

    pub(super) fn lose_node(&mut self, node: &str) {
        self.down.insert(node.to_owned());
        for task in self.tasks.iter_mut().filter(|task| task.node == node && task.is_live()) {
            task.desired = TaskState::Shutdown;
        }
        self.orchestrate();
    }

    pub(super) fn return_node(&mut self, node: &str) {
        self.down.remove(node);
        let now = self.now;
        self.registered.insert(node.to_owned(), now);
        for task in self.tasks.iter_mut().filter(|task| task.node == node && !task.state.is_over()) {
            task.enter(TaskState::Shutdown, "shutdown", now);
        }
        self.orchestrate();
    }

    pub(super) fn restart_engine(&mut self, node: &str) {
        let now = self.now;
        self.registered.insert(node.to_owned(), now);
        for task in self.tasks.iter_mut().filter(|task| task.node == node && task.state == TaskState::Running) {
            task.exit(143, now);
        }
        self.orchestrate();
    }

    /// Makes a task wherever there is none, and one after each that ended, if it is to be restarted.
    fn fill(&mut self, id: &str, places: &[Place]) {
        for place in places {
            if !self.tasks_at(id, place).iter().any(|task| task.is_live()) {
                self.add_next_task(id, place);
            }
        }
    }

    /// Makes a task that starts at once, or after a delay if the one before it ended; none if it is not restarted.
    fn add_next_task(&mut self, id: &str, place: &Place) {
        let tries = self.new_tasks(id, place).count();
        let start = match self.new_tasks(id, place).last() {
            None => Some(self.now),
            Some(last) => next_start(last, tries, &self.services[id], self.now),
        };
        if let Some(start) = start {
            self.add_task(id, place, start);
        }
    }

    fn tasks_at(&self, id: &str, place: &Place) -> Vec<&Task> {
        self.tasks.iter().filter(|task| task.service == id && place.has(task)).collect()
    }

    fn add_task(&mut self, id: &str, place: &Place, start: Timestamp) {
        let task_id = self.new_id("task");
        let service = &self.services[id];
        self.tasks.push(Task {
            id: task_id,
            service: id.to_owned(),
            slot: place.slot,
            node: place.node.clone(),
            spec: service.spec["TaskTemplate"].clone(),
            endpoint: service.spec["EndpointSpec"].clone(),
            labels: service.spec["Labels"].clone(),
            created: self.now,
            start,
            state: TaskState::New,
            desired: TaskState::Ready,
            since: self.now,
            stops: None,
            message: "created",
            error: String::new(),
            exit_code: None,
        });
    }

    /// Goes on with an update: replaces as many tasks as it may, and notes how it ends.
    fn update(&mut self, id: &str, places: &[Place]) {
        let Some(update) = &self.services[id].update else { return };
        let rolls_back = update.state == "rollback_started";
        if update.state != "updating" && !rolls_back {
            return;
        }
        let started = update.started;
        let failed = self.failed_since(id, started);
        let config = if rolls_back { "RollbackConfig" } else { "UpdateConfig" };
        let config = self.services[id].spec[config].clone();
        if let Some(task) = failed.first()
            && ratio(failed.len(), places.len()) > config["MaxFailureRatio"].as_f64().unwrap_or(0.0)
            && config["FailureAction"] != "continue"
        {
            return self.give_up(id, task, rolls_back, config["FailureAction"] == "rollback");
        }
        if self.waits_for_a_lost_task(id) {
            return;
        }
        self.replace(id, places, &config);
        let monitor = nanos(&config["Monitor"]).unwrap_or(MONITOR);
        if places.iter().all(|place| self.is_settled(id, place, monitor)) {
            let (state, message) = if rolls_back {
                ("rollback_completed", "rollback completed")
            } else {
                ("completed", "update completed")
            };
            self.set_update(id, state, message);
        }
    }

    /// Whether a new task was about to start on a node that is down: the updater waits for it without end (swarmkit
    /// `manager/orchestrator/update/updater.go`, `updateTask`).
    fn waits_for_a_lost_task(&self, id: &str) -> bool {
        let service = &self.services[id];
        let is_lost = |task: &Task| self.down.contains(&task.node) && task.state < TaskState::Running;
        self.tasks.iter().any(|task| task.service == id && service.is_run_by(task) && is_lost(task))
    }

    /// The ids of the tasks of the new kind that failed or ended, which is the same to an update.
    fn failed_since(&self, id: &str, started: Timestamp) -> Vec<String> {
        let service = &self.services[id];
        let failed = |task: &&Task| {
            let has_failed = matches!(task.state, TaskState::Complete | TaskState::Failed | TaskState::Rejected);
            task.service == id && has_failed && task.since >= started && service.is_run_by(task)
        };
        self.tasks.iter().filter(failed).map(|task| task.id.clone()).collect()
    }

    fn give_up(&mut self, id: &str, task: &str, rolls_back: bool, may_roll_back: bool) {
        let why = format!("due to failure or early termination of task {task}");
        let previous = self.services.get_mut(id).and_then(|service| service.previous.take());
        match previous {
            _ if rolls_back => self.set_update(id, "rollback_paused", &format!("rollback paused {why}")),
            Some(previous) if may_roll_back => {
                self.services.get_mut(id).expect("it was found above").spec = previous;
                self.set_update(id, "rollback_started", &format!("update rolled back {why}"));
            }
            previous => {
                self.services.get_mut(id).expect("it was found above").previous = previous;
                self.set_update(id, "paused", &format!("update paused {why}"));
            }
        }
    }

    fn replace(&mut self, id: &str, places: &[Place], config: &Value) {
        let start_first = config["Order"] == "start-first";
        let at_once = match config["Parallelism"].as_u64() {
            None if config.is_null() => 1,
            None | Some(0) => usize::MAX,
            Some(at_once) => usize::try_from(at_once).unwrap_or(usize::MAX),
        };
        let starting = places.iter().filter(|place| self.is_starting(id, place)).count();
        let mut free = at_once.saturating_sub(starting);
        for place in places {
            if self.runs_new(id, place) {
                self.shut_down_old(id, place);
            } else if free > 0 && self.runs_old(id, place) && !self.is_starting(id, place) {
                free -= 1;
                if !start_first {
                    self.shut_down_old(id, place);
                }
                self.add_next_task(id, place);
            }
        }
    }

    fn new_tasks(&self, id: &str, place: &Place) -> impl Iterator<Item = &Task> {
        let service = &self.services[id];
        self.tasks_at(id, place).into_iter().filter(move |task| service.is_run_by(task))
    }

    fn is_starting(&self, id: &str, place: &Place) -> bool {
        self.new_tasks(id, place).any(|task| task.is_live() && task.state < TaskState::Running)
    }

    fn runs_new(&self, id: &str, place: &Place) -> bool {
        let runs = |task: &Task| task.state == TaskState::Running && task.desired <= TaskState::Complete;
        self.new_tasks(id, place).any(|task| runs(task) || task.state == TaskState::Complete)
    }

    fn runs_old(&self, id: &str, place: &Place) -> bool {
        let service = &self.services[id];
        self.tasks_at(id, place).into_iter().any(|task| task.is_live() && !service.is_run_by(task))
    }

    fn is_settled(&self, id: &str, place: &Place, monitor: SignedDuration) -> bool {
        let is_old = |task: &Task| task.state == TaskState::Complete || self.now.duration_since(task.since) >= monitor;
        self.runs_new(id, place) && self.new_tasks(id, place).any(|task| task.is_live() && is_old(task))
    }

    fn shut_down_old(&mut self, id: &str, place: &Place) {
        let (service, now) = (&self.services[id], self.now);
        let is_old = |task: &Task| task.service == id && place.has(task) && task.is_live() && !service.is_run_by(task);
        let old: Vec<usize> = (0..self.tasks.len()).filter(|index| is_old(&self.tasks[*index])).collect();
        for index in old {
            let behaviour = self.behaviour(&self.services[id], &self.tasks[index]);
            let task = &mut self.tasks[index];
            task.desired = TaskState::Shutdown;
            match behaviour {
                Behaviour::Drains { for_long } if task.state == TaskState::Running => {
                    task.stops = Some(time::after(now, SignedDuration::try_from(for_long).unwrap_or_default()));
                }
                _ => task.enter(TaskState::Shutdown, "shutdown", now),
            }
        }
    }

    fn forget_old_tasks(&mut self, id: &str, places: &[Place]) {
        for place in places {
            let tasks = self.tasks_at(id, place);
            let over = tasks.iter().filter(|task| !task.is_live());
            let old: Vec<String> = over.take(tasks.len().saturating_sub(HISTORY)).map(|task| task.id.clone()).collect();
            self.tasks.retain(|task| !old.contains(&task.id));
        }
    }
}

impl Place {
    /// Whether a task is here: in the same slot, wherever it runs, or on the same node where there are no slots.
    fn has(&self, task: &Task) -> bool {
        self.slot == task.slot && (self.slot != 0 || self.node == task.node)
    }
}

impl Task {
    /// Goes to this node, or waits for one.
    fn look_for_node(&mut self, node: Option<String>, now: Timestamp) {
        let Some(node) = node else {
            "no suitable node (scheduling constraints not satisfied on 1 node)".clone_into(&mut self.error);
            return self.enter(TaskState::Pending, "pending task scheduling", now);
        };
        (self.node, self.start) = (node, self.start.max(now));
        self.error.clear();
        self.enter(TaskState::Assigned, "scheduler assigned task to node", now);
    }

    fn progress(&mut self, behaviour: &Behaviour, is_job: bool, now: Timestamp) {
        if self.stops.is_some_and(|stops| stops <= now) {
            self.stops = None;
            self.enter(TaskState::Shutdown, "shutdown", now);
        }
        if !self.is_live() {
            return;
        }
        if now < self.start {
            return self.enter(TaskState::Ready, "prepared", now);
        }
        self.desired = if is_job { TaskState::Complete } else { TaskState::Running };
        let has_started = now >= time::after(self.start, START);
        let ran_for = (self.state == TaskState::Running).then(|| now.duration_since(self.since));
        match (behaviour, ran_for) {
            (Behaviour::NoNode, None) => {
                "no suitable node (scheduling constraints not satisfied on 1 node)".clone_into(&mut self.error);
                self.enter(TaskState::Pending, "pending task scheduling", now);
            }
            (Behaviour::NoSuchImage | Behaviour::RegistryAway, None) => self.lack_image(has_started, now),
            (Behaviour::Unhealthy, None) if now >= time::after(self.start, UNHEALTHY) => {
                self.exit_code = Some(137);
                "task: non-zero exit (137): dockerexec: unhealthy container".clone_into(&mut self.error);
                self.end(TaskState::Failed, "starting", now);
            }
            (Behaviour::NeverHealthy | Behaviour::Unhealthy, None) => self.enter(TaskState::Starting, "starting", now),
            (_, None) if has_started => self.enter(TaskState::Running, "started", now),
            (_, None) => self.enter(TaskState::Starting, "starting", now),
            (&Behaviour::Crash { exit_code, after }, Some(ran_for)) if ran_for.unsigned_abs() >= after => {
                self.exit(exit_code, now);
            }
            (Behaviour::OutOfMemory, Some(ran_for)) if ran_for >= START => self.exit(137, now),
            (_, Some(ran_for)) if is_job && ran_for >= START => self.exit(0, now),
            _ => {}
        }
    }

    /// Tries to pull an image that cannot be pulled, and is rejected in the end.
    fn lack_image(&mut self, has_started: bool, now: Timestamp) {
        if !has_started {
            return self.enter(TaskState::Preparing, "preparing", now);
        }
        let image = self.spec["ContainerSpec"]["Image"].as_str().unwrap_or_default();
        self.error = format!("No such image: {image}");
        self.end(TaskState::Rejected, "preparing", now);
    }

    fn exit(&mut self, code: i64, now: Timestamp) {
        self.exit_code = Some(code);
        if code == 0 {
            self.end(TaskState::Complete, "finished", now);
        } else {
            self.error = format!("task: non-zero exit ({code})");
            self.end(TaskState::Failed, "started", now);
        }
    }

    fn end(&mut self, state: TaskState, message: &'static str, now: Timestamp) {
        self.enter(state, message, now);
        if self.desired != TaskState::Complete {
            self.desired = TaskState::Shutdown;
        }
    }

    fn enter(&mut self, state: TaskState, message: &'static str, now: Timestamp) {
        if self.state != state {
            (self.state, self.message, self.since) = (state, message, now);
        }
    }
}

/// When a task that ended is replaced; never if its restart policy says so (swarmkit
/// `manager/orchestrator/restart/restart.go`, `shouldRestart`).
fn next_start(last: &Task, tries: usize, service: &Service, now: Timestamp) -> Option<Timestamp> {
    if last.state == TaskState::Shutdown {
        return Some(now);
    }
    let policy = &service.spec["TaskTemplate"]["RestartPolicy"];
    let ended_well = last.state == TaskState::Complete;
    let restarts = match policy["Condition"].as_str() {
        _ if service.is_job() && ended_well => false,
        Some("none") => false,
        Some("on-failure") => !ended_well,
        _ => true,
    };
    let tries = u64::try_from(tries).unwrap_or(u64::MAX);
    let is_exhausted = policy["MaxAttempts"].as_u64().is_some_and(|most| most > 0 && tries > most);
    let delay = nanos(&policy["Delay"]).unwrap_or(RESTART_DELAY);
    (restarts && !is_exhausted).then(|| time::after(now, delay))
}

fn nanos(value: &Value) -> Option<SignedDuration> {
    value.as_i64().map(SignedDuration::from_nanos)
}

#[expect(clippy::cast_precision_loss, reason = "a handful of tasks")]
fn ratio(failed: usize, all: usize) -> f64 {
    failed as f64 / all.max(1) as f64
}
