//! Takeovers: data or a published port that a service takes over from another one of the stack.
//!
//! Two databases on the same files destroy them, and a port has one owner. So the old service is changed first, and its
//! tasks end before the new one starts ([`crate::release`] waits for it). This applies to a renamed service, and to a
//! volume or port that moves. Services that have data in common before and after share it on purpose, and so do
//! services that run several tasks on it: they are not affected.

use serde::{Deserialize, Serialize};

use super::observed::Observed;
use super::{Action, Change, Plan, Subject};
use crate::name::ServiceName;
use crate::stack::holds::Hold;
use crate::stack::{Service, Stack};

/// Data or a port that moves from one service to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Takeover {
    /// The service that takes it over.
    pub by: ServiceName,
    /// The service that has it now.
    pub from: ServiceName,
    /// The data or port.
    pub what: Hold,
}

impl Plan {
    /// Finds takeovers, orders the changes accordingly, and adds notes.
    pub(super) fn find_takeovers(&mut self, desired: &Stack, observed: &Observed) {
        let arriving = self.changes.iter().filter(|change| change.action != Action::Remove);
        let arriving: Vec<ServiceName> = arriving.filter_map(|change| change.subject.service().cloned()).collect();
        for by in &arriving {
            for what in gained(by, desired, observed) {
                self.find_holders(by, &what, desired, observed);
            }
        }
        for Takeover { by, from, .. } in self.takeovers.clone() {
            self.put_before(&from, &by);
        }
    }

    fn find_holders(&mut self, by: &ServiceName, what: &Hold, desired: &Stack, observed: &Observed) {
        for (from, there) in observed.services.iter().filter(|(name, _)| *name != by) {
            if !has(&there.service, what) || is_shared(what, &there.service, &desired.services[by]) {
                continue;
            }
            let goes = self.removed_services().contains(from);
            match desired.services.get(from) {
                Some(after) if !has(after, what) => {
                    self.notes.push(format!("service {from} gives up {what} before service {by} takes it over"));
                }
                None if goes => {
                    self.notes
                        .push(format!("service {from} stops before service {by} starts, which takes over {what}"));
                }
                None if what.is_data() => {
                    self.notes.push(format!(
                        "service {from} is not in the file but is kept, so both it and service {by} write to {what}: \
                         remove it first (`docker service rm {}`) if {by} is to take its place",
                        desired.name.scoped(from.as_str())
                    ));
                    continue;
                }
                Some(_) | None => continue,
            }
            self.takeovers.push(Takeover { by: by.clone(), from: from.clone(), what: what.clone() });
        }
    }

    fn put_before(&mut self, first: &ServiceName, second: &ServiceName) {
        let place = |name: &ServiceName, changes: &[Change]| {
            changes.iter().position(|change| change.subject == Subject::Service(name.clone()))
        };
        if let (Some(from), Some(to)) = (place(first, &self.changes), place(second, &self.changes))
            && from > to
        {
            let change = self.changes.remove(from);
            self.changes.insert(to, change);
        }
    }
}

/// The data and ports that a service will newly have.
pub fn gained(name: &ServiceName, desired: &Stack, observed: &Observed) -> Vec<Hold> {
    let Some(service) = desired.services.get(name) else { return Vec::new() };
    let there = observed.services.get(name).map(|there| there.service.holds()).unwrap_or_default();
    service.holds().into_iter().filter(|hold| !there.contains(hold)).collect()
}

fn has(service: &Service, what: &Hold) -> bool {
    service.holds().iter().any(|hold| hold.overlaps(what))
}

/// Whether several tasks write to the data at the same time on both sides.
fn is_shared(what: &Hold, one: &Service, other: &Service) -> bool {
    what.is_data() && !what.is_of_a_task() && one.shares_with_itself() && other.shares_with_itself()
}
