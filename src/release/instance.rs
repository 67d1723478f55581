//! Which process is the controller of a swarm, and whether a recorded controller is still alive.
//!
//! Two controllers would each revert the other's deploys. So a controller records its identity when it starts, and
//! stops if another recorded controller is alive. Nothing expires, and nothing is written while nothing happens. Swarm
//! tells whether a controller that is a task is alive, the process table whether one on the same machine is; any other
//! controller is asked in the record, and answers there.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::plan::observed::TaskState;

/// The recorded identity of a controller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// A random id of this run of the controller.
    pub run: String,
    /// Its task, if Swarm started it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<TaskName>,
    /// The name of the node whose engine it uses.
    pub node: String,
    /// Its process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<Process>,
    /// When it started, by its own clock.
    pub since: Timestamp,
    /// The run that asks whether this one is alive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<String>,
    /// The run that was last answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered: Option<String>,
}

/// A task of a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskName {
    /// Its id.
    pub id: String,
    /// Its name, such as `skep_skep.1.8xkq…`.
    pub name: String,
    /// The id of its service.
    pub service: String,
    /// Its slot; 0 in a global service.
    pub slot: u64,
}

/// A process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// The boot id of the machine, and the namespace of the process id.
    pub machine: String,
    /// Its process id.
    pub pid: u32,
    /// When it was started, in ticks since the machine booted.
    pub start: u64,
}

/// The state of a controller's task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TaskLife {
    /// Swarm no longer lists it.
    Unknown,
    /// Swarm lists it.
    Known {
        /// Its current state.
        state: TaskState,
        /// Its desired state.
        desired: TaskState,
    },
}

/// Whether a recorded controller is alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It has ended, or is about to end.
    Gone,
    /// It runs.
    Alive,
    /// Only the controller itself can tell: it has to be asked.
    Unknown,
}

impl Instance {
    /// Whether this controller is alive, as seen by a controller that starts (`successor`, if that is known). `task` is
    /// the state of its task, and `runs` whether its process runs, if that is known.
    pub fn standing(&self, successor: Option<&Self>, task: Option<&TaskLife>, runs: Option<bool>) -> Standing {
        match (&self.task, task) {
            (Some(_), Some(TaskLife::Unknown)) => Standing::Gone,
            (Some(own), Some(TaskLife::Known { state, desired })) => {
                let is_over = *desired > TaskState::Running || state.is_over();
                // Swarm has two tasks of one slot only while it replaces one with the other.
                let is_replaced = successor
                    .and_then(|it| it.task.as_ref())
                    .is_some_and(|next| own.slot > 0 && (&next.service, next.slot) == (&own.service, own.slot));
                if is_over || is_replaced { Standing::Gone } else { Standing::Alive }
            }
            _ => match runs {
                Some(true) => Standing::Alive,
                Some(false) => Standing::Gone,
                None => Standing::Unknown,
            },
        }
    }

    /// Whether somebody waits for an answer of this controller.
    pub fn owes_answer(&self) -> bool {
        self.asked.is_some() && self.asked != self.answered
    }
}

impl fmt::Display for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.task, &self.process) {
            (Some(task), _) => write!(f, "the task {} on node {}", task.name, self.node),
            (None, Some(process)) => write!(f, "the process {} on {}", process.pid, self.node),
            (None, None) => write!(f, "a process on {}", self.node),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(service: &str, slot: u64) -> Instance {
        let task = TaskName { id: "t".into(), name: format!("{service}.{slot}.x7f3"), service: service.into(), slot };
        Instance { task: Some(task), ..process() }
    }

    fn process() -> Instance {
        Instance {
            run: "1".into(),
            task: None,
            node: "m1".into(),
            process: Some(Process { machine: "a".into(), pid: 4711, start: 9 }),
            since: Timestamp::UNIX_EPOCH,
            asked: None,
            answered: None,
        }
    }

    #[test]
    fn a_task_is_there_as_long_as_swarm_wants_it() {
        let (one, other) = (task("skep_skep", 1), task("lab_skep", 1));
        let life = |state, desired| TaskLife::Known { state, desired };
        let standing = |life: &TaskLife| one.standing(Some(&other), Some(life), None);
        assert_eq!(standing(&life(TaskState::Running, TaskState::Running)), Standing::Alive);
        assert_eq!(standing(&life(TaskState::Starting, TaskState::Running)), Standing::Alive);
        assert_eq!(standing(&life(TaskState::Running, TaskState::Shutdown)), Standing::Gone, "it is told to go");
        assert_eq!(standing(&life(TaskState::Failed, TaskState::Running)), Standing::Gone);
        assert_eq!(standing(&TaskLife::Unknown), Standing::Gone);
    }

    #[test]
    fn a_task_gives_way_to_the_one_that_swarm_replaces_it_by_and_to_no_other() {
        let running = TaskLife::Known { state: TaskState::Running, desired: TaskState::Running };
        let standing = |old: &Instance, new: &Instance| old.standing(Some(new), Some(&running), None);
        assert_eq!(standing(&task("skep_skep", 1), &task("skep_skep", 1)), Standing::Gone, "a rolling update");
        assert_eq!(standing(&task("skep_skep", 1), &task("skep_skep", 2)), Standing::Alive, "two replicas");
        assert_eq!(standing(&task("skep_skep", 0), &task("skep_skep", 0)), Standing::Alive, "one on each node");
        assert_eq!(standing(&task("skep_skep", 1), &process()), Standing::Alive, "a process beside it");
    }

    #[test]
    fn what_is_no_task_is_looked_for_on_its_machine_or_asked() {
        let standing = |runs| process().standing(Some(&task("skep_skep", 1)), None, runs);
        assert_eq!(standing(Some(true)), Standing::Alive);
        assert_eq!(standing(Some(false)), Standing::Gone);
        assert_eq!(standing(None), Standing::Unknown);
    }

    #[test]
    fn a_controller_is_named_as_a_person_finds_it() {
        assert_eq!(task("skep_skep", 1).to_string(), "the task skep_skep.1.x7f3 on node m1");
        assert_eq!(process().to_string(), "the process 4711 on m1");
    }
}
