//! This user's logins to the registries of a stack, as `docker stack deploy --with-registry-auth` sends them.

use std::collections::BTreeMap;
use std::process::Stdio;

use anyhow::Context as _;
use base64::{Engine as _, engine::general_purpose::URL_SAFE};
use tokio::io::AsyncWriteExt as _;

use crate::build::registry_of;
use crate::config::docker::{Login, Logins};
use crate::stack::Stack;

/// What is sent where there is no login: an empty object.
const NOBODY: &str = "{}";

/// The `X-Registry-Auth` of each image, by its name in the file.
pub(super) async fn by_image(stack: &Stack) -> anyhow::Result<BTreeMap<String, String>> {
    let logins = Logins::load()?;
    let mut headers = BTreeMap::new();
    for service in stack.services.values() {
        let image = &service.image_as_written;
        if !headers.contains_key(image) {
            let login = login(&logins, registry_of(image)).await?;
            let login = login.map_or_else(|| NOBODY.to_owned(), |login| login.to_json());
            headers.insert(image.clone(), URL_SAFE.encode(login));
        }
    }
    Ok(headers)
}

async fn login(logins: &Logins, registry: &str) -> anyhow::Result<Option<Login>> {
    match logins.helper(registry) {
        None => Ok(logins.of(registry).cloned()),
        Some((program, server)) => {
            let answer = asked(&program, server).await.with_context(|| format!("cannot ask {program} for a login"))?;
            Ok(Login::from_helper(server, &answer))
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
