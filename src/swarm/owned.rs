//! The owners of objects.

use std::collections::BTreeMap;

use serde_json::Value;

use super::listed::{File, ListedFile, ListedNetwork, ListedService};
use super::{Error, Swarm};
use crate::engine::Call;
use crate::policy::Owned;
use crate::stack::NAMESPACE_LABEL;

impl Swarm {
    /// What the stacks of this swarm own. What skep's own services (those of the stack `own`) use is skep's. Four
    /// requests; one that fails is an error, for what is not known must not be allowed.
    pub async fn owned(&self, own: &str) -> Result<Owned, Error> {
        let (services, networks, configs, secrets) = tokio::try_join!(
            self.engine.json::<Vec<ListedService>>(Call::get("/services")),
            self.engine.json::<Vec<ListedNetwork>>(Call::get("/networks")),
            self.engine.list(Call::get("/configs"), ListedFile::without_data),
            self.engine.list(Call::get("/secrets"), ListedFile::without_data),
        )?;
        let mut owned = Owned { configs: files(&configs), secrets: files(&secrets), ..Owned::default() };
        for network in networks {
            let Some(stack) = network.labels.get(NAMESPACE_LABEL).cloned() else { continue };
            let of_its_kind = if network.attachable { &mut owned.attachable } else { &mut owned.networks };
            of_its_kind.insert(network.name, stack);
        }
        for service in services {
            owned.volumes.extend(volumes(&service.spec));
            if service.spec["Labels"][NAMESPACE_LABEL] == own {
                let used = |kind, name| used(&service.spec, kind, name).map(|file| (file, own.to_owned()));
                owned.configs.extend(used("Configs", "ConfigName"));
                owned.secrets.extend(used("Secrets", "SecretName"));
            }
        }
        Ok(owned)
    }

    /// The stack of a container, if any.
    pub async fn stack_of(&self, container: &str) -> Option<String> {
        let found: Value = self.engine.json(Call::get(format!("/containers/{container}/json"))).await.ok()?;
        Some(found["Config"]["Labels"][NAMESPACE_LABEL].as_str()?.to_owned())
    }
}

fn files(listed: &[File]) -> BTreeMap<String, String> {
    let owner = |file: &File| Some((file.name.clone(), file.labels.get(NAMESPACE_LABEL).cloned()?));
    listed.iter().filter_map(owner).collect()
}

/// The mounted volumes of a service that its stack created, by their labels.
fn volumes(spec: &Value) -> impl Iterator<Item = (String, String)> {
    let mounts = spec["TaskTemplate"]["ContainerSpec"]["Mounts"].as_array();
    mounts.into_iter().flatten().filter_map(|mount| {
        let owner = mount["VolumeOptions"]["Labels"][NAMESPACE_LABEL].as_str()?;
        Some((mount["Source"].as_str()?.to_owned(), owner.to_owned()))
    })
}

/// The names of the configs or secrets that a service uses.
fn used<'a>(spec: &'a Value, kind: &str, name: &'static str) -> impl Iterator<Item = String> + use<'a> {
    let files = spec["TaskTemplate"]["ContainerSpec"][kind].as_array();
    files.into_iter().flatten().filter_map(move |file| Some(file[name].as_str()?.to_owned()))
}
