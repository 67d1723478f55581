//! Commands in running containers.

use serde::Deserialize;
use serde_json::json;

use super::{Prober, Subject};
use crate::engine::{Call, Error, container_output};
use crate::health::Reply;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Container {
    id: String,
    #[serde(default)]
    labels: std::collections::BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Made {
    id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Ended {
    exit_code: Option<i64>,
}

impl Prober {
    /// Runs a command in the container of one of the tasks.
    pub(super) async fn run(&self, words: &[String], of: &Subject) -> Reply {
        match self.try_run(words, of).await {
            Ok(reply) => reply,
            // If the command cannot be started, this is the runtime's message.
            Err(Error::Refused { message, .. }) => Reply::Nothing(container_output::clean(&message)),
            Err(error) => Reply::NotAsked(error.to_string()),
        }
    }

    async fn try_run(&self, words: &[String], of: &Subject) -> Result<Reply, Error> {
        let Some(container) = self.container(of).await? else { return Ok(Reply::NoContainer) };
        let body = json!({ "AttachStdout": true, "AttachStderr": true, "Cmd": words });
        let made: Made = self.engine.json(Call::post(format!("/containers/{container}/exec"), body)).await?;
        let start = Call::post(format!("/exec/{}/start", made.id), json!({ "Detach": false, "Tty": false }));
        let output =
            container_output::lines(&container_output::demultiplexed(&self.engine.call(start).await?)).join("\n");
        let ended: Ended = self.engine.json(Call::get(format!("/exec/{}/json", made.id))).await?;
        Ok(match ended.exit_code {
            Some(code) => Reply::Exit { code, output },
            None => Reply::Nothing("the engine does not say how it ended".into()),
        })
    }

    /// The container of one of the tasks, if it runs on this engine.
    async fn container(&self, of: &Subject) -> Result<Option<String>, Error> {
        let label = format!("com.docker.swarm.service.name={}", of.name);
        let filters = json!({ "label": [label], "status": ["running"] });
        let containers: Vec<Container> =
            self.engine.json(Call::get("/containers/json").with("filters", filters)).await?;
        let is_of_task = |container: &Container| {
            container.labels.get("com.docker.swarm.task.id").is_some_and(|task| of.tasks.contains(task))
        };
        Ok(containers.into_iter().find(is_of_task).map(|container| container.id))
    }
}
