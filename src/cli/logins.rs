//! This user's logins to the registries of a stack, as `docker stack deploy --with-registry-auth` sends them.

use std::collections::BTreeSet;
use std::process::Stdio;

use anyhow::Context as _;
use tokio::io::AsyncWriteExt as _;

use crate::config::docker::{DockerLogins, from_helper};
use crate::engine::login::{Login, Logins, RegistryHost};
use crate::stack::Stack;

/// The logins for the images of a stack; where the user has none, that of nobody, which Docker sends as well.
pub(super) async fn of(stack: &Stack) -> anyhow::Result<Logins> {
    let kept = DockerLogins::load()?;
    let mut logins = Logins::default();
    let registries: BTreeSet<RegistryHost> =
        stack.services.values().map(|service| RegistryHost::of_image(&service.image)).collect();
    for registry in registries {
        let login = login(&kept, registry.as_str()).await?.unwrap_or_else(Login::anonymous);
        logins.insert(registry, login);
    }
    Ok(logins)
}

async fn login(kept: &DockerLogins, registry: &str) -> anyhow::Result<Option<Login>> {
    match kept.helper(registry) {
        None => Ok(kept.of(registry).cloned()),
        Some((program, server)) => {
            let answer = asked(&program, server).await.with_context(|| format!("cannot ask {program} for a login"))?;
            Ok(from_helper(server, &answer))
        }
    }
}

/// What a program that keeps logins says; that it has none is no error.
#[expect(clippy::disallowed_methods, reason = "Docker keeps logins in programs of their own")]
async fn asked(program: &str, server: &str) -> anyhow::Result<Vec<u8>> {
    let mut command = tokio::process::Command::new(program);
    command.arg("get").stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn()?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(server.as_bytes()).await?;
    }
    Ok(child.wait_with_output().await?.stdout)
}
