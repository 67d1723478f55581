//! The changes from the observed to the desired state, in order, with reasons.
//!
//! [`Plan::between`] compares field by field, with the engine's defaults filled in on both sides, so that planning
//! again after applying gives an empty plan. A plan contains only objects of the stack, and removes only objects that a
//! release of the stack created. A plan is a value: it can be printed instead of applied, and a
//! [`Fingerprint`] ties the applied plan to the printed one.

mod comparison;
mod difference;
mod fingerprint;
mod left_data;
pub mod networks;
mod normal;
pub mod observed;
pub mod placement;
pub mod takeover;
mod terms;
#[cfg(test)]
mod tests;
mod text;
mod too_new;

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::name::ServiceName;
use crate::stack::Stack;
use observed::ObservedService;

pub use difference::FieldChange;
pub use fingerprint::Fingerprint;
pub use networks::fixed_networks;
pub use takeover::Takeover;
pub use text::Color;
pub use too_new::{ApiVersion, left_out};

/// The changes that make a stack as desired.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Plan {
    /// The changes in order: networks, secrets, configs, services by `depends_on`, removals; a service whose data or port
    /// another one takes over comes before that one.
    pub changes: Vec<Change>,
    /// The takeovers between services.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub takeovers: Vec<Takeover>,
    /// The unchanged objects.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unchanged: Vec<Subject>,
    /// Sentences about differences that cannot be changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// One change of one object: at most one write, or two if it is recreated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// The changed object.
    #[serde(flatten)]
    pub subject: Subject,
    /// The action.
    #[serde(flatten)]
    pub action: Action,
    /// The reason.
    pub reason: Reason,
    /// The observed version index of the object; `None` if it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
}

/// What a change is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "kind", content = "name")]
pub enum Subject {
    /// A network, by full name.
    Network(String),
    /// A secret, by full name.
    Secret(String),
    /// A config, by full name.
    Config(String),
    /// A service, by its key in the file.
    Service(ServiceName),
}

/// What is done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "action")]
pub enum Action {
    /// It is made.
    Create,
    /// It is changed.
    Update {
        /// The fields that differ, in the terms of the file.
        fields: Vec<FieldChange>,
        /// How many running tasks are replaced by it; 0 if it is not that kind of change.
        restarts: usize,
    },
    /// It is removed and made anew: Swarm cannot change it.
    Recreate {
        /// The fields that differ, in the terms of the file.
        fields: Vec<FieldChange>,
        /// How many running tasks are stopped before the new ones start.
        restarts: usize,
    },
    /// Swarm begins its own update of it anew; what it should be stays.
    Resume {
        /// Why Swarm does not come to the end of the update.
        stall: Stall,
    },
    /// It is removed.
    Remove,
}

/// Why Swarm does not come to the end of its own update of a service, although the version is not to blame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "stall")]
pub enum Stall {
    /// It waits for a task on a node that is down.
    NodeDown {
        /// The host name of the node.
        node: String,
    },
    /// It waits for a task that Swarm told to stop before a node had taken it, and that therefore neither starts nor
    /// ends.
    NeverStarts,
    /// It has stopped.
    Stopped,
}

/// Why something is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// The file has it, and it does not exist.
    New,
    /// The release that runs made it, and somebody took it away since.
    Missing,
    /// What is there is not what the file says.
    Different,
    /// The file no longer has it, and a release of this stack made it.
    Gone,
    /// A release made it, and none that could be gone back to needs it any more.
    Unneeded,
}

/// What releases of a stack have made and nothing needs any more, if it is not desired now.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Removable {
    /// Services, by key.
    pub services: BTreeSet<ServiceName>,
    /// Networks, by full name.
    pub networks: BTreeSet<String>,
    /// Configs and secrets, by full name.
    pub files: BTreeSet<String>,
    /// Configs and secrets that a release which could be gone back to still needs: these stay.
    pub kept_files: BTreeSet<String>,
    /// Configs and secrets that bear a name of ours, are in no record, and were made before this: they are what is left
    /// of releases that were never recorded, or whose record is gone. Younger ones may be about to be recorded.
    pub leftovers_before: Option<Timestamp>,
    /// The services of the release that runs.
    pub ran: BTreeSet<ServiceName>,
    /// Whether everything with the stack's label is removed, including objects that skep did not create.
    pub everything: bool,
}

impl Plan {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// The services that it creates or changes.
    pub fn changed_services(&self) -> BTreeSet<&ServiceName> {
        let changed = self.changes.iter().filter(|change| change.action != Action::Remove);
        changed.filter_map(|change| change.subject.service()).collect()
    }

    /// The services that it removes.
    pub fn removed_services(&self) -> BTreeSet<&ServiceName> {
        let removed = self.changes.iter().filter(|change| change.action == Action::Remove);
        removed.filter_map(|change| change.subject.service()).collect()
    }

    /// The same with only the changes that are `wanted`.
    #[must_use]
    pub fn only(mut self, wanted: impl Fn(&Change) -> bool) -> Self {
        self.changes.retain(wanted);
        self
    }
}

impl Change {
    /// A change with the usual reason for its action, of something that was not observed.
    pub fn new(subject: Subject, action: Action) -> Self {
        let reason = match action {
            Action::Create => Reason::New,
            Action::Update { .. } | Action::Recreate { .. } | Action::Resume { .. } => Reason::Different,
            Action::Remove => Reason::Gone,
        };
        Self { subject, action, reason, version: None }
    }

    /// Whether it only tidies up: nobody would miss what it removes.
    pub fn is_housekeeping(&self) -> bool {
        self.action == Action::Remove && matches!(self.subject, Subject::Config(_) | Subject::Secret(_))
    }
}

impl Subject {
    /// The service that it is about, if it is one.
    pub fn service(&self) -> Option<&ServiceName> {
        match self {
            Self::Service(name) => Some(name),
            Self::Network(_) | Self::Secret(_) | Self::Config(_) => None,
        }
    }
}

impl ObservedService {
    /// How many of its tasks run.
    pub fn running(&self) -> usize {
        self.tasks.iter().filter(|task| task.is_running()).count()
    }
}

/// The services in an order in which each comes after those it depends on; by name where that leaves a choice, and
/// where the dependencies run in a circle.
pub fn in_order(stack: &Stack) -> Vec<&ServiceName> {
    let mut order: Vec<&ServiceName> = Vec::new();
    let mut left: Vec<&ServiceName> = stack.services.keys().collect();
    while !left.is_empty() {
        let waits = |name: &ServiceName| stack.services[name].depends_on.keys().any(|other| left.contains(&other));
        let next = left.iter().position(|name| !waits(name)).unwrap_or(0);
        order.push(left.remove(next));
    }
    order
}

/// Whether a config or secret bears a name that rendering made: `<stack>_<key>-<12 hexadecimal digits>`.
///
/// Such a name, with the stack's label, is the proof that skep made it.
pub fn is_content_addressed(stack: &crate::name::StackName, name: &str) -> bool {
    let Some((key, hash)) = name.strip_prefix(&format!("{stack}_")).and_then(|rest| rest.rsplit_once('-')) else {
        return false;
    };
    !key.is_empty() && hash.len() == 12 && hash.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}
