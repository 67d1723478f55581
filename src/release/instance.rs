//! Who is the controller of a swarm, and whether one that the record names is still there.
//!
//! Two controllers would each heal what the other has deployed. So each records who it is, and one that finds another one
//! alive stops. This is no lease: nothing expires, and nobody has to write while nothing happens. Whether a controller is
//! alive is told by Swarm where it is a task, by the process table where it is a process of the same machine, and
//! otherwise by itself: it is asked in the record, and answers there.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::plan::observed::TaskState;

/// A controller, as it records itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// Something that no other run of a controller has.
    pub run: String,
    /// The task that it is, if Swarm started it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<TaskName>,
    /// The name of the node whose engine it uses.
    pub node: String,
    /// Its process, as its machine knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<Process>,
    /// Since when, by its own clock.
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
    /// Its place among the replicas; 0 in a global service.
    pub slot: u64,
}

/// A process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// The machine since it was started, and the namespace in which the number counts.
    pub machine: String,
    /// Its number.
    pub pid: u32,
    /// When it was started, in ticks since the machine was.
    pub start: u64,
}

/// How the task of a controller is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TaskLife {
    /// Swarm does not know it any more.
    Unknown,
    /// Swarm knows it.
    Known {
        /// Where it has got to.
        state: TaskState,
        /// Where Swarm wants it.
        desired: TaskState,
    },
}

/// What is known of a controller that the record names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is not there any more, or is about to go.
    Gone,
    /// It is there.
    Alive,
    /// Nobody but itself can tell.
    Unknown,
}

impl Instance {
    /// What is known of this controller by one that starts as `successor`, if by one. `task` is how its task is, and `runs`
    /// whether its process is there, where that can be told.
    pub fn standing(&self, successor: Option<&Self>, task: Option<&TaskLife>, runs: Option<bool>) -> Standing {
        match (&self.task, task) {
            (Some(_), Some(TaskLife::Unknown)) => Standing::Gone,
            (Some(own), Some(TaskLife::Known { state, desired })) => {
                let is_over = *desired > TaskState::Running || state.is_over();
                // Of one place among the replicas Swarm has two tasks only while it replaces one by the other.
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
