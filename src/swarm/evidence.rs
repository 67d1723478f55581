//! Evidence about a failed task beyond Swarm's report: from its node, if skep is connected to that node's engine,
//! and from the registry of its image. The container exists for as long as Swarm keeps the task.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::Swarm;
use crate::engine::{Call, Error, container_output};
use crate::health::{Evidence, HealthRun, RegistryAnswer};
use crate::name::ImageReference;
use crate::plan::observed::Task;

/// How long the engine may ask a registry: it needs 15 s to give up one that does not answer, and twice that if it may
/// try again without TLS. Less than the deadline of a request to the engine.
const PATIENCE: Duration = Duration::from_secs(25);
/// How many of the last lines of a health check's output are kept.
const LINES: usize = 5;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Container {
    state: State,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct State {
    #[serde(rename = "OOMKilled", default)]
    oom_killed: bool,
    #[serde(default)]
    health: Option<Health>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Health {
    #[serde(default)]
    log: Vec<Run>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Run {
    exit_code: i64,
    #[serde(default)]
    output: String,
}

impl Swarm {
    /// Collects evidence about a task. Missing evidence is not an error.
    pub async fn evidence(&self, task: &Task) -> Evidence {
        let Ok(found) = self.engine.json::<Value>(Call::get(format!("/tasks/{}", task.id))).await else {
            return Evidence::default();
        };
        if task.has_no_image() {
            let image = found["Spec"]["ContainerSpec"]["Image"].as_str().unwrap_or_default();
            return Evidence { registry: self.registry_answer(image).await, ..Evidence::default() };
        }
        match found.pointer("/Status/ContainerStatus/ContainerID").and_then(Value::as_str) {
            Some(container) => self.of_container(container).await.unwrap_or_default(),
            None => Evidence::default(),
        }
    }

    async fn of_container(&self, id: &str) -> Option<Evidence> {
        let container: Container = self.engine.json(Call::get(format!("/containers/{id}/json"))).await.ok()?;
        let last = container.state.health.and_then(|health| health.log.into_iter().last());
        let health = last.map(|run| HealthRun { exit_code: run.exit_code, output: last_lines(&run.output) });
        Some(Evidence { out_of_memory: container.state.oom_killed, health, registry: None })
    }

    /// The registry's answer about an image to the engine; `None` if unknown.
    async fn registry_answer(&self, image: &str) -> Option<RegistryAnswer> {
        let mut call = Call::get(format!("/distribution/{image}/json"));
        call.registry_auth = self.logins.header_to_ask(image);
        match tokio::time::timeout(PATIENCE, self.engine.call(call)).await {
            Ok(Ok(_)) => Some(RegistryAnswer::Has),
            Ok(Err(Error::Refused { status, message, .. })) => {
                RegistryAnswer::of(status, &container_output::clean(&message))
            }
            Ok(Err(_)) => None,
            Err(_) => Some(RegistryAnswer::Away {
                reason: format!(
                    "{} gave no answer within {} s",
                    ImageReference::of(image).registry(),
                    PATIENCE.as_secs()
                ),
            }),
        }
    }
}

fn last_lines(output: &str) -> String {
    let mut lines = container_output::lines(output.as_bytes());
    lines.split_off(lines.len().saturating_sub(LINES)).join("\n")
}
