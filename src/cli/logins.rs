//! This user's logins to the registries of a stack, as `docker stack deploy --with-registry-auth` sends them.

use std::collections::BTreeSet;

use crate::config;
use crate::name::{ImageReference, RegistryHost};
use crate::registry::{DockerLogins, Login, Logins};
use crate::stack::Stack;

/// The logins for the images of a stack; for registries without one, an empty login, as Docker sends it.
pub(super) async fn of(stack: &Stack) -> anyhow::Result<Logins> {
    let kept = match config::docker::settings()? {
        Some((path, text)) => {
            DockerLogins::parse(&text).map_err(|error| config::Error::Malformed { path, message: error.to_string() })?
        }
        None => DockerLogins::default(),
    };
    let mut logins = Logins::default();
    let registries: BTreeSet<RegistryHost> =
        stack.services.values().map(|service| ImageReference::of(&service.image).registry()).collect();
    for registry in registries {
        let login = kept.of(&registry).await?.unwrap_or_else(Login::anonymous);
        logins.insert(registry, login);
    }
    Ok(logins)
}
