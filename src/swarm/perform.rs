//! Performs changes: one write for each.

use std::time::Duration;

use serde_json::{Value, json};

use super::encode::{self, Ids};
use super::spec::Labels;
use super::{Error, Swarm};
use crate::engine::{Call, Error as EngineError};
use crate::lease::Lease;
use crate::name::ServiceName;
use crate::plan::observed::{Observed, ObservedFile, ObservedService};
use crate::plan::{Action, Change, Stall, Subject};
use crate::stack::{Config, Mode, Network, Secret, Service, Stack};

/// The number and interval of polls for the tasks of a stopped job.
const LOOKS: u32 = 50;
const PAUSE: Duration = Duration::from_millis(100);

impl Swarm {
    /// Makes one change: one write, besides the necessary reads; two if a service is recreated, or a job is removed,
    /// which has to be stopped first. If recreating is interrupted after the removal, the next plan creates the
    /// service.
    ///
    /// A service is written as a whole; manual settings that stack files lack are lost,
    /// except for the counter of `docker service update --force`. Removing a missing object is
    /// not an error.
    pub async fn perform(&self, _: &Lease, change: &Change, desired: &Stack, observed: &Observed) -> Result<(), Error> {
        match (&change.subject, &change.action) {
            (subject, Action::Remove) => self.remove(subject, observed).await,
            (Subject::Network(name), Action::Create) => self.create_network(name, desired).await,
            (Subject::Network(name), Action::Update { .. } | Action::Recreate { .. }) => Err(Error::Conflict {
                subject: format!("network {name}"),
                reason: "Swarm cannot change a network; it must be removed and created again".into(),
            }),
            (Subject::Config(name), Action::Create) => self.create_config(name, desired).await,
            (Subject::Config(name), Action::Update { .. } | Action::Recreate { .. }) => {
                self.relabel("config", name, config_labels(desired, name)?, observed.configs.get(name), desired).await
            }
            (Subject::Secret(name), Action::Create) => self.create_secret(name, desired).await,
            (Subject::Secret(name), Action::Update { .. } | Action::Recreate { .. }) => {
                self.relabel("secret", name, secret_labels(desired, name)?, observed.secrets.get(name), desired).await
            }
            (Subject::Service(key), Action::Create) => self.create_service(key, desired, observed).await,
            (Subject::Service(key), Action::Update { .. } | Action::Resume { stall: Stall::Stopped }) => {
                self.update_service(key, desired, observed, 0).await
            }
            // The updater that waits for the lost task takes no notice of a spec that is the same.
            (Subject::Service(key), Action::Resume { stall: Stall::NodeDown { .. } | Stall::NeverStarts }) => {
                self.update_service(key, desired, observed, 1).await
            }
            (subject, Action::Resume { .. }) => {
                Err(Error::Conflict { subject: subject.to_string(), reason: "only a service has an update".into() })
            }
            (subject @ Subject::Service(key), Action::Recreate { .. }) => {
                self.remove(subject, observed).await?;
                self.create_service(key, desired, observed).await
            }
        }
    }

    /// Creates the missing secrets of a stack. A record contains no secret value, so the secrets must exist before the
    /// record. No service uses them yet, so no lease is needed. They stay if the release is then not recorded: a command
    /// that is interrupted cannot know that.
    pub async fn offer_secrets(&self, desired: &Stack, observed: &Observed) -> Result<(), Error> {
        for (name, secret) in desired.secrets.iter().filter(|(name, _)| !observed.secrets.contains_key(*name)) {
            if matches!(secret, Secret::Own { content, .. } if content.expose().is_some()) {
                self.create_secret(name, desired).await?;
            }
        }
        Ok(())
    }

    async fn remove(&self, subject: &Subject, observed: &Observed) -> Result<(), Error> {
        let (kind, name, id) = match subject {
            Subject::Network(name) => ("network", name.clone(), observed.networks.get(name).map(|it| &it.id)),
            Subject::Config(name) => ("config", name.clone(), observed.configs.get(name).map(|it| &it.id)),
            Subject::Secret(name) => ("secret", name.clone(), observed.secrets.get(name).map(|it| &it.id)),
            Subject::Service(key) => {
                ("service", observed.name.scoped(key.as_str()), observed.services.get(key).map(|it| &it.id))
            }
        };
        let Some(id) = id else { return Ok(()) };
        if let Subject::Service(key) = subject {
            self.stop_job(&observed.services[key], &name).await?;
        }
        match self.write(Call::delete(format!("/{kind}s/{id}")), &format!("{kind} {name}")).await {
            Err(Error::Engine(error)) if is_gone(&error) => Ok(()),
            outcome => outcome,
        }
    }

    /// Asks a replicated job for no tasks, and waits until Swarm has told them to go. A job that is removed as it is
    /// leaves its tasks in the swarm for ever and their containers running, as seen on Docker 20.10.
    async fn stop_job(&self, job: &ObservedService, name: &str) -> Result<(), Error> {
        if !matches!(job.service.mode, Mode::ReplicatedJob(count) if count != Some(0)) {
            return Ok(());
        }
        let path = format!("/services/{}", job.id);
        let live: Result<Value, EngineError> = self.engine.json(Call::get(&path)).await;
        let mut live = match live {
            Err(error) if is_gone(&error) => return Ok(()),
            live => live?,
        };
        live["Spec"]["Mode"] = json!({ "ReplicatedJob": { "MaxConcurrent": 0, "TotalCompletions": 0 } });
        let call = Call::post(path + "/update", live["Spec"].take()).with("version", job.version);
        self.write(call, &format!("service {name}")).await?;
        self.until_told_to_go(&job.id).await
    }

    /// Returns after a few seconds in any case: what is left then is left for good, but nothing hangs.
    async fn until_told_to_go(&self, service_id: &str) -> Result<(), Error> {
        for _ in 0..LOOKS {
            let tasks: Vec<Value> = self.engine.json(Call::get("/tasks").filtered("service", &[service_id])).await?;
            if !tasks.iter().any(|task| task["DesiredState"] == "complete") {
                return Ok(());
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    }

    async fn create_network(&self, name: &str, desired: &Stack) -> Result<(), Error> {
        let Some(Network::Own(network)) = desired.networks.get(name) else { return Err(missing("network", name)) };
        let body = encode::network(&desired.name, name, network);
        self.write(Call::post("/networks/create", body), &format!("network {name}")).await
    }

    async fn create_config(&self, name: &str, desired: &Stack) -> Result<(), Error> {
        let body = desired.configs.get(name).and_then(|config| encode::config(&desired.name, name, config));
        let Some(body) = body else { return Err(missing("config", name)) };
        self.write(Call::post("/configs/create", body), &format!("config {name}")).await
    }

    async fn create_secret(&self, name: &str, desired: &Stack) -> Result<(), Error> {
        let Some(secret @ Secret::Own { content, driver, .. }) = desired.secrets.get(name) else {
            return Err(missing("secret", name));
        };
        if content.expose().is_none() && driver.is_none() {
            return Err(Error::SecretGone { name: name.to_owned() });
        }
        let body = encode::secret(&desired.name, name, secret).ok_or_else(|| missing("secret", name))?;
        self.write(Call::post("/secrets/create", body), &format!("secret {name}")).await
    }

    /// Sends new labels. Without the data, which Swarm then leaves as it is (swarmkit `controlapi/config.go`).
    async fn relabel(
        &self,
        kind: &'static str,
        name: &str,
        labels: &Labels,
        observed: Option<&ObservedFile>,
        desired: &Stack,
    ) -> Result<(), Error> {
        let ObservedFile { id, version, .. } = observed.ok_or_else(|| missing(kind, name))?;
        let body = encode::file(&desired.name, name, labels, None);
        let call = Call::post(format!("/{kind}s/{id}/update"), body).with("version", version);
        self.write(call, &format!("{kind} {name}")).await
    }

    async fn create_service(&self, key: &ServiceName, desired: &Stack, observed: &Observed) -> Result<(), Error> {
        let body = self.service_body(key, desired, observed, 0).await?;
        self.write_service(Call::post("/services/create", body), key, desired, None).await
    }

    /// Sends a service again, with the counter of `docker service update --force` raised by `force`.
    async fn update_service(
        &self,
        key: &ServiceName,
        desired: &Stack,
        observed: &Observed,
        force: u64,
    ) -> Result<(), Error> {
        let name = desired.name.scoped(key.as_str());
        // What was observed has this version; if anybody changed it since, nothing is written.
        let live = observed.services.get(key).ok_or_else(|| missing("service", &name))?;
        let body = self.service_body(key, desired, observed, live.force_update.saturating_add(force)).await?;
        let call = Call::post(format!("/services/{}/update", live.id), body).with("version", live.version);
        self.write_service(call, key, desired, Some(&live.service.image)).await
    }

    async fn service_body(
        &self,
        key: &ServiceName,
        desired: &Stack,
        observed: &Observed,
        force_update: u64,
    ) -> Result<Value, Error> {
        let desired = observed.scaled(desired);
        let service = desired.services.get(key).ok_or_else(|| missing("service", key.as_str()))?;
        let ids = self.ids(service, observed).await?;
        let mut spec = encode::service(&desired.name, key, service, &ids)?;
        spec.task_template.force_update = force_update;
        Ok(serde_json::to_value(spec).expect("a spec has only strings as keys"))
    }

    /// The ids of the configs and secrets that a service refers to. Those that were not observed, being somebody
    /// else's or just created, are asked for in one request each.
    async fn ids(&self, service: &Service, observed: &Observed) -> Result<Ids, Error> {
        let known = |files: &std::collections::BTreeMap<String, ObservedFile>| {
            files.iter().map(|(name, file)| (name.clone(), file.id.clone())).collect::<Labels>()
        };
        let mut ids = Ids { configs: known(&observed.configs), secrets: known(&observed.secrets) };
        self.look_up("/configs", service.config_names(), &mut ids.configs).await?;
        let names = service.secrets.iter().map(|file| file.source.as_str());
        self.look_up("/secrets", names, &mut ids.secrets).await?;
        Ok(ids)
    }

    /// Adds the ids of the names that are not in `ids` yet. The API's filter takes a prefix for the whole name.
    async fn look_up(&self, path: &str, names: impl Iterator<Item = &str>, ids: &mut Labels) -> Result<(), Error> {
        let unknown: Vec<&str> = names.filter(|&name| !ids.contains_key(name)).collect();
        if unknown.is_empty() {
            return Ok(());
        }
        let found: Vec<Value> = self.engine.json(Call::get(path).filtered("name", &unknown)).await?;
        for file in found {
            if let (Some(name), Some(id)) = (file["Spec"]["Name"].as_str(), file["ID"].as_str()) {
                ids.insert(name.to_owned(), id.to_owned());
            }
        }
        Ok(())
    }

    /// Sends a service with the login for its image. `running` is the image that it runs now.
    async fn write_service(
        &self,
        mut call: Call,
        key: &ServiceName,
        desired: &Stack,
        running: Option<&str>,
    ) -> Result<(), Error> {
        call.registry_auth = self.logins.header_to_run(&desired.services[key].image, running);
        self.write(call, &format!("service {}", desired.name.scoped(key.as_str()))).await
    }

    pub(super) async fn write(&self, call: Call, subject: &str) -> Result<(), Error> {
        match self.engine.call(call).await {
            Ok(_) => Ok(()),
            Err(error) => Err(classified(error, subject.to_owned())),
        }
    }
}

/// What a refusal means, where the caller would act upon it. The engine passes most of swarmkit's answers on as
/// status 500 (moby `daemon/cluster`), so that the words have to be looked at.
fn classified(error: EngineError, subject: String) -> Error {
    match error {
        EngineError::Refused { message, .. } if message.contains("update out of sequence") => {
            Error::OutOfSequence { subject }
        }
        EngineError::Refused { status, message, .. } if status == 409 || message.contains("in use by") => {
            Error::Conflict { subject, reason: without_grpc(&message).to_owned() }
        }
        other => Error::Engine(other),
    }
}

/// A network that tasks still leave is gone from the swarm before it is gone from the node; then the status is 500.
fn is_gone(error: &EngineError) -> bool {
    matches!(error, EngineError::Refused { status, message, .. }
        if *status == 404 || (*status == 500 && message.ends_with("not found")))
}

/// The words after `rpc error: code = AlreadyExists desc = `.
fn without_grpc(message: &str) -> &str {
    message.split_once(" desc = ").map_or(message, |(_, words)| words)
}

fn missing(kind: &'static str, name: &str) -> Error {
    Error::Missing { kind, name: name.to_owned() }
}

fn config_labels<'a>(desired: &'a Stack, name: &str) -> Result<&'a Labels, Error> {
    match desired.configs.get(name) {
        Some(Config::Own { labels, .. }) => Ok(labels),
        _ => Err(missing("config", name)),
    }
}

fn secret_labels<'a>(desired: &'a Stack, name: &str) -> Result<&'a Labels, Error> {
    match desired.secrets.get(name) {
        Some(Secret::Own { labels, .. }) => Ok(labels),
        _ => Err(missing("secret", name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Engine;
    use crate::engine::simulated::World;
    use crate::name::RegistryHost;
    use crate::registry::Login;

    fn stack(images: &[(&str, &str)]) -> Stack {
        let mut stack = Stack::empty("shop".parse().unwrap());
        for (name, image) in images {
            let service = Service { image: (*image).into(), image_as_written: (*image).into(), ..Service::default() };
            stack.services.insert(name.parse().unwrap(), service);
        }
        stack
    }

    /// The name of each service that was written, and what its `X-Registry-Auth` holds.
    fn sent(world: &World) -> String {
        let decoded = |header: &str| {
            String::from_utf8(base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE, header).unwrap())
        };
        let line = |write: crate::engine::simulated::Write| {
            let auth = write.registry_auth.map_or("no header".to_owned(), |header| decoded(&header).unwrap());
            format!("{}: {auth}", write.body["Name"].as_str().unwrap())
        };
        world.calls().into_iter().map(line).collect::<Vec<_>>().join("\n")
    }

    #[tokio::test]
    async fn each_service_is_sent_the_login_of_its_own_registry() {
        let world = World::new();
        let mut swarm = Swarm::new(Engine::Simulated(world.clone()));
        let registry = RegistryHost::of_prefix("r.example.com/team");
        swarm.logins.insert(registry.clone(), Login::new(&registry, "skep", "hunter2"));
        let first =
            stack(&[("a", "r.example.com/team/a"), ("b", "evil.com/b"), ("c", "r.example.com.evil.com/c"), ("d", "d")]);
        let nothing = swarm.observe(&first.name).await.unwrap();
        for key in first.services.keys() {
            let change = Change::new(Subject::Service(key.clone()), Action::Create);
            swarm.perform(&Lease::of_command(), &change, &first, &nothing).await.unwrap();
        }
        insta::assert_snapshot!(sent(&world), @r#"
        shop_a: {"username":"skep","password":"hunter2","serveraddress":"r.example.com"}
        shop_b: {}
        shop_c: {}
        shop_d: {}
        "#);

        // The engine would keep the login that `a` has now, and the nodes send it to the new registry.
        world.forget_calls();
        let moved = stack(&[("a", "evil.com/a"), ("b", "r.example.com/b")]);
        let observed = swarm.observe(&first.name).await.unwrap();
        for key in moved.services.keys() {
            let change = Change::new(Subject::Service(key.clone()), Action::Update { fields: vec![], restarts: 1 });
            swarm.perform(&Lease::of_command(), &change, &moved, &observed).await.unwrap();
        }
        insta::assert_snapshot!(sent(&world), @r#"
        shop_a: {}
        shop_b: {"username":"skep","password":"hunter2","serveraddress":"r.example.com"}
        "#);
    }
}
