//! Compares two descriptions of a stack.

use std::collections::BTreeMap;

use super::networks::{FixedNetwork, fixed_networks};
use super::observed::{Observed, ObservedFile, ObservedService};
use super::{
    Action, Change, FieldChange, Plan, Reason, Removable, Subject, difference, in_order, is_content_addressed, normal,
    placement, too_new,
};
use crate::name::ServiceName;
use crate::stack::{Config, Network, Secret, Service, Stack};

type Labels = BTreeMap<String, String>;

impl Plan {
    /// The changes from `observed` to `desired`. Undesired objects are removed only if they are `removable`.
    pub fn between(desired: &Stack, observed: &Observed, removable: &Removable) -> Self {
        let desired = &*observed.scaled(desired);
        let mut plan = Self::default();
        plan.networks(desired, observed);
        plan.secrets(desired, observed);
        plan.configs(desired, observed);
        plan.services(desired, observed, removable);
        plan.service_removals(desired, observed, removable);
        plan.network_removals(desired, observed, removable);
        plan.file_removals(desired, observed, removable);
        plan.find_takeovers(desired, observed);
        plan.note_left_data(desired, observed);
        plan
    }

    fn networks(&mut self, desired: &Stack, observed: &Observed) {
        for (name, network) in &desired.networks {
            if *network == Network::External {
                continue;
            }
            let subject = Subject::Network(name.clone());
            match observed.networks.get(name) {
                None => self.create(subject, Reason::New),
                Some(_) => self.unchanged.push(subject),
            }
        }
        self.notes.extend(fixed_networks(desired, observed).iter().map(FixedNetwork::note));
    }

    fn secrets(&mut self, desired: &Stack, observed: &Observed) {
        for (name, secret) in &desired.secrets {
            if let Secret::Own { labels, .. } = secret {
                self.file(Subject::Secret(name.clone()), labels, observed.secrets.get(name));
            }
        }
    }

    fn configs(&mut self, desired: &Stack, observed: &Observed) {
        for (name, config) in &desired.configs {
            if let Config::Own { labels, .. } = config {
                self.file(Subject::Config(name.clone()), labels, observed.configs.get(name));
            }
        }
    }

    /// Compares a config or secret: its name identifies its contents, so only labels can change.
    fn file(&mut self, subject: Subject, labels: &Labels, there: Option<&ObservedFile>) {
        let Some(there) = there else { return self.create(subject, Reason::New) };
        let mut fields = difference::between(&labelled(&there.labels), &labelled(labels));
        // Labels of a service are under `deploy`.
        for field in &mut fields {
            field.field = field.field.replacen("deploy.", "", 1);
        }
        if fields.is_empty() {
            return self.unchanged.push(subject);
        }
        let action = Action::Update { fields, restarts: 0 };
        self.changes.push(Change { version: Some(there.version), ..Change::new(subject, action) });
    }

    fn services(&mut self, desired: &Stack, observed: &Observed, removable: &Removable) {
        for name in in_order(desired) {
            let subject = Subject::Service(name.clone());
            match observed.services.get(name) {
                None => {
                    let reason = if removable.ran.contains(name) { Reason::Missing } else { Reason::New };
                    self.create(subject, reason);
                    self.notes.extend(too_new::kept(name.as_str(), &desired.services[name], observed.api).1);
                }
                Some(there) => self.service(subject, &desired.services[name], there, observed),
            }
        }
    }

    fn service(&mut self, subject: Subject, desired: &Service, there: &ObservedService, observed: &Observed) {
        let name = subject.service().map_or("", ServiceName::as_str);
        let (desired, left_out) = too_new::kept(name, desired, observed.api);
        let mut fields = difference::between(&normal::service(&there.service), &normal::service(&desired));
        fields.extend(there.unknown.iter().map(|(field, value)| FieldChange::unwanted(field, value)));
        if fields.is_empty() {
            return self.unchanged.push(subject);
        }
        self.notes.extend(left_out);
        let action = if there.service.mode.is_like(desired.mode) {
            let restarts = if fields.iter().any(FieldChange::restarts) {
                there.running()
            } else {
                placement::moved(&desired.constraints, there, &observed.nodes)
            };
            Action::Update { fields, restarts }
        } else {
            Action::Recreate { fields, restarts: there.running() }
        };
        self.changes.push(Change { version: Some(there.version), ..Change::new(subject, action) });
    }

    fn service_removals(&mut self, desired: &Stack, observed: &Observed, removable: &Removable) {
        let may_go = |name: &ServiceName| removable.everything || removable.services.contains(name);
        for (name, there) in &observed.services {
            if desired.settings.prune && !desired.services.contains_key(name) && may_go(name) {
                self.remove(Subject::Service(name.clone()), Reason::Gone, Some(there.version));
            }
        }
    }

    fn network_removals(&mut self, desired: &Stack, observed: &Observed, removable: &Removable) {
        let may_go = |name: &String| removable.everything || removable.networks.contains(name);
        for (name, there) in &observed.networks {
            let is_own = there.network != Network::External && !desired.networks.contains_key(name);
            if desired.settings.prune && is_own && may_go(name) && self.leaves_unused(name, observed) {
                self.remove(Subject::Network(name.clone()), Reason::Gone, None);
            }
        }
    }

    /// Whether no service of the stack uses the network once this plan's services are changed and removed.
    fn leaves_unused(&self, network: &str, observed: &Observed) -> bool {
        let goes = |service: &ServiceName| self.changes.iter().any(|change| change.subject.service() == Some(service));
        let users = observed.services.iter().filter(|(_, there)| there.service.networks.contains_key(network));
        users.into_iter().all(|(service, _)| goes(service))
    }

    fn file_removals(&mut self, desired: &Stack, observed: &Observed, removable: &Removable) {
        let stale = |name: &String, there: &ObservedFile| removable.is_stale(desired, name, there);
        for (name, there) in &observed.configs {
            if !desired.configs.contains_key(name) && stale(name, there) {
                self.remove(Subject::Config(name.clone()), Reason::Unneeded, Some(there.version));
            }
        }
        for (name, there) in &observed.secrets {
            if !desired.secrets.contains_key(name) && stale(name, there) {
                self.remove(Subject::Secret(name.clone()), Reason::Unneeded, Some(there.version));
            }
        }
    }

    fn create(&mut self, subject: Subject, reason: Reason) {
        self.changes.push(Change { subject, action: Action::Create, reason, version: None });
    }

    fn remove(&mut self, subject: Subject, reason: Reason, version: Option<u64>) {
        self.changes.push(Change { subject, action: Action::Remove, reason, version });
    }
}

impl Removable {
    /// Whether an undesired config or secret is removed.
    fn is_stale(&self, desired: &Stack, name: &str, there: &ObservedFile) -> bool {
        let is_old = self.leftovers_before.is_some_and(|before| there.created < before);
        let leftover = || is_old && is_content_addressed(&desired.name, name);
        self.everything || (!self.kept_files.contains(name) && (self.files.contains(name) || leftover()))
    }
}

fn labelled(labels: &Labels) -> BTreeMap<&'static str, &Labels> {
    BTreeMap::from([("labels", labels)])
}
