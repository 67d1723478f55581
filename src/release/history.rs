//! The releases of a stack, and conclusions from them.

use std::collections::{BTreeMap, BTreeSet};

use super::{Cause, Release, ReleaseId};
use crate::name::{Repository, ServiceName, TreeId};
use crate::plan::Removable;
use crate::plan::observed::Observed;
use crate::stack::{Config, Network, Secret, Stack};

/// The number of newest releases that keep their stack for rollbacks; the last good one always does.
const KEPT_WHOLE: usize = 3;

/// The releases of one stack, oldest first.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct History {
    releases: Vec<Release>,
}

impl History {
    /// A history of these releases, given in any order.
    pub fn new(mut releases: Vec<Release>) -> Self {
        releases.sort_by_key(|release| release.id);
        Self { releases }
    }

    /// Oldest first.
    pub fn releases(&self) -> &[Release] {
        &self.releases
    }

    /// The number of the next release.
    pub fn next_id(&self) -> ReleaseId {
        self.releases.last().map_or(ReleaseId(1), |release| release.id.next())
    }

    /// The release of this number.
    pub fn get(&self, id: ReleaseId) -> Option<&Release> {
        self.releases.iter().find(|release| release.id == id)
    }

    /// The newest release, which is the last attempt.
    pub fn last(&self) -> Option<&Release> {
        self.releases.last()
    }

    /// The newest promoted release, which should be running if nothing rolls out.
    pub fn promoted(&self) -> Option<&Release> {
        self.releases.iter().rev().find(|release| release.phase.is_promoted())
    }

    /// The release that a person went back from, as long as what they went back to runs: the branch it came from is still
    /// at its commit, or at a later one.
    pub fn gone_back_from(&self) -> Option<&Release> {
        let is_by_hand = |it: &&Release| matches!(it.cause, Cause::GoBack { .. }) && it.origin.branch.is_some();
        let running = self.promoted().filter(is_by_hand)?;
        let is_of_repository =
            |it: &&Release| matches!(it.cause, Cause::Push | Cause::Webhook | Cause::Poll | Cause::Command);
        let before = self.releases.iter().rev().filter(|it| it.id < running.id);
        let left = before.filter(|it| it.phase.is_promoted()).find(is_of_repository)?;
        (left.origin.branch.is_some() && left.origin.commit != running.origin.commit).then_some(left)
    }

    /// A manual rollback, by which the running commit differs from the branch.
    pub fn apart(&self) -> Option<String> {
        let (running, left) = (self.promoted()?, self.gone_back_from()?);
        let branch = left.origin.branch.as_deref().unwrap_or("its branch");
        Some(format!(
            "{} runs since `skep rollback`, although `{branch}` is at {} ({}) or a later commit",
            running.origin.commit.short(),
            left.origin.commit.short(),
            left.id
        ))
    }

    /// The digests of running third-party images, by their names in the file.
    pub fn pinned(&self) -> BTreeMap<String, String> {
        let desired = self.promoted().and_then(|release| release.desired.as_ref());
        let services = desired.into_iter().flat_map(|desired| desired.services.values());
        let pinned = services.filter(|service| service.image.contains("@sha256:"));
        pinned.map(|service| (service.image_as_written.clone(), service.image.clone())).collect()
    }

    /// The images that run under the name that the file gives them, or that skep gave them when it built them, by
    /// service.
    pub fn unaltered(&self) -> BTreeMap<ServiceName, String> {
        let desired = self.promoted().and_then(|release| release.desired.as_ref());
        let services = desired.into_iter().flat_map(|desired| &desired.services);
        let unaltered = services.filter(|(_, service)| service.image == service.image_as_written);
        unaltered.map(|(name, service)| (name.clone(), service.image.clone())).collect()
    }

    /// The release that `skep rollback` goes back to: the newest good one with another stack than what was last
    /// attempted. Releases with nothing in them do not count: removals, and what a first release that failed went back
    /// to.
    pub fn before_last(&self) -> Option<&Release> {
        let last = self.last()?;
        let is_other = |it: &&Release| it.desired != last.desired && !it.leaves_nothing();
        self.releases.iter().rev().filter(|it| it.phase.is_promoted()).find(is_other)
    }

    /// The release that is rolling out, if any. The newest, if a killed controller left two.
    pub fn rolling(&self) -> Option<&Release> {
        self.releases.iter().rev().find(|release| release.phase.is_rolling())
    }

    /// Releases that still roll out although a newer one does.
    pub fn overtaken(&self) -> Vec<&Release> {
        let mut rolling: Vec<_> = self.releases.iter().filter(|release| release.phase.is_rolling()).collect();
        rolling.pop();
        rolling
    }

    /// The release that still names the tree as failed: it was the last that came from the repository.
    ///
    /// Anything else that is pushed, and a person who says so, clears it. What failed because of a node or a registry may
    /// be tried again.
    pub fn quarantine(&self, tree: &TreeId) -> Option<&Release> {
        let attempts = |release: &&Release| !matches!(release.cause, Cause::RollBack { .. } | Cause::Remove { .. });
        let last = self.releases.iter().rev().find(attempts)?;
        (last.phase.is_blamed() && last.origin.tree == *tree).then_some(last)
    }

    /// The owner of the stack, from its newest release, or, if none records an owner, the repository of the first one. A
    /// stack that was removed has no owner.
    pub fn owner(&self) -> Option<&Repository> {
        let is_removed = |last: &Release| matches!(last.cause, Cause::Remove { .. }) && !last.phase.is_rolling();
        if self.last().is_some_and(is_removed) {
            return None;
        }
        let said = self.releases.iter().rev().find_map(|release| release.owner.as_ref());
        let first = || self.releases.iter().find(|release| release.cause != Cause::Adopt);
        said.or_else(|| Some(&first()?.origin.repository))
    }

    /// Whether nothing of the stack should run: it has no release, or its last one is empty.
    pub fn leaves_nothing(&self) -> bool {
        self.last().is_none_or(|last| last.leaves_nothing() && last.phase.is_promoted())
    }

    /// Whether a new release would take over a stack that skep did not deploy.
    pub fn is_adoption(&self, observed: &Observed) -> bool {
        self.leaves_nothing() && !observed.services.is_empty()
    }

    /// The releases that keep their whole stack: the newest ones, the one that runs and what it could go back to.
    pub fn whole(&self) -> BTreeSet<ReleaseId> {
        let newest = self.releases.iter().rev().take(KEPT_WHOLE);
        newest.chain(self.promoted()).chain(self.rolling()).map(|release| release.id).collect()
    }

    /// The objects that releases of this stack created, and those that must be kept.
    pub fn removable(&self) -> Removable {
        let mut removable = Removable::default();
        let whole = self.whole();
        for release in &self.releases {
            // An old release no longer has its stack, but still the names of its services.
            removable.services.extend(release.images.keys().cloned());
            let Some(stack) = &release.desired else { continue };
            removable.services.extend(stack.services.keys().cloned());
            removable.networks.extend(own_networks(stack).cloned());
            removable.files.extend(own_files(stack).cloned());
            if whole.contains(&release.id) && release.can_be_gone_back_to() {
                removable.kept_files.extend(stack.configs.keys().chain(stack.secrets.keys()).cloned());
            }
        }
        let promoted = self.promoted().and_then(|release| release.desired.as_ref());
        removable.ran = promoted.map(|stack| stack.services.keys().cloned().collect()).unwrap_or_default();
        self.after_removal(&mut removable);
        removable
    }

    /// The same before a new release is recorded: what is there of a stack without any release is taken over as its first
    /// one.
    pub fn removable_of(&self, observed: &Observed) -> Removable {
        if self.last().is_some() {
            return self.removable();
        }
        let is_own = |network: &Network| *network != Network::External;
        let networks = observed.networks.iter().filter(|(_, there)| is_own(&there.network));
        Removable {
            services: observed.services.keys().cloned().collect(),
            networks: networks.map(|(name, _)| name.clone()).collect(),
            ..Removable::default()
        }
    }

    /// For a removal, nothing is kept.
    fn after_removal(&self, removable: &mut Removable) {
        if let Some(Cause::Remove { everything }) = self.last().map(|last| &last.cause) {
            removable.kept_files.clear();
            removable.everything = *everything;
        }
    }

    /// What a service needs, as far as the newest release knows that has it.
    pub fn dependencies(&self, service: &ServiceName) -> BTreeSet<ServiceName> {
        let stacks = self.releases.iter().rev().filter_map(|release| release.desired.as_ref());
        let found = stacks.filter_map(|stack| stack.services.get(service)).map(|service| service.depends_on.clone());
        found.into_iter().next().unwrap_or_default().into_keys().collect()
    }
}

impl Release {
    /// Whether it is empty: nothing of the stack runs after its rollout.
    pub fn leaves_nothing(&self) -> bool {
        self.desired.as_ref().is_some_and(|desired| desired.services.is_empty())
    }

    /// Whether it was healthy, or may yet be.
    fn can_be_gone_back_to(&self) -> bool {
        self.phase.is_promoted() || self.phase.is_rolling()
    }
}

/// The configs and secrets that a release with this stack has made.
fn own_files(stack: &Stack) -> impl Iterator<Item = &String> {
    let configs = stack.configs.iter().filter(|(_, config)| **config != Config::External).map(|(name, _)| name);
    let secrets = stack.secrets.iter().filter(|(_, secret)| **secret != Secret::External).map(|(name, _)| name);
    configs.chain(secrets)
}

fn own_networks(stack: &Stack) -> impl Iterator<Item = &String> {
    let own = |(name, network): (_, &Network)| matches!(network, Network::Own(_)).then_some(name);
    stack.networks.iter().filter_map(own)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::release::{Origin, Phase};

    fn release(id: u64, digit: &str, cause: Cause, phase: Phase) -> Release {
        let stack = Stack::empty("shop".parse().unwrap());
        let origin =
            Origin { branch: Some("main".into()), commit: digit.repeat(40).parse().unwrap(), ..Origin::unknown() };
        Release {
            id: ReleaseId(id),
            stack: stack.name.clone(),
            origin,
            owner: None,
            cause,
            created: Timestamp::UNIX_EPOCH,
            images: BTreeMap::new(),
            desired: Some(stack),
            phase,
            recorded: Timestamp::UNIX_EPOCH,
        }
    }

    fn gone_back_from(releases: &[(u64, &str, Cause)]) -> Option<u64> {
        let good = |(id, digit, cause): &(u64, &str, Cause)| {
            release(*id, digit, cause.clone(), Phase::promoted(Timestamp::UNIX_EPOCH))
        };
        History::new(releases.iter().map(good).collect()).gone_back_from().map(|left| left.id.0)
    }

    #[test]
    fn what_a_person_went_back_from_is_known_until_something_else_is_deployed() {
        let (first, second) = ((1, "1", Cause::Push), (2, "2", Cause::Push));
        let back = (3, "1", Cause::GoBack { to: ReleaseId(1) });
        assert_eq!(gone_back_from(&[first.clone(), second.clone(), back.clone()]), Some(2));
        assert_eq!(gone_back_from(&[first.clone(), second.clone(), back.clone(), (4, "3", Cause::Push)]), None);
        assert_eq!(
            gone_back_from(&[first.clone(), second.clone(), (3, "2", Cause::GoBack { to: ReleaseId(2) })]),
            None,
            "the same again"
        );
        let by_itself = (3, "1", Cause::RollBack { failed: ReleaseId(2), to: Some(ReleaseId(1)) });
        assert_eq!(gone_back_from(&[second, by_itself]), None, "the branch never went there");
    }
}
